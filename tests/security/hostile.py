"""Views whose every free text is somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

from assay.report.views import FilterView, MetricView, SiteView, SliceView, TabView
from tests.report.conftest import DAY, alert, breakdown, card, experiment, metric

# What a person or the data may fill with anything; names and words of a fixed list are kept by the language itself.
_FREE = frozenset((
    "label", "description", "owner", "hypothesis", "definition", "sql", "path", "title", "message", "reasons", "value",
    "project", "detail", "version", "timezone", "reason", "sentence", "left", "rows", "by",
))  # fmt: skip


@cache
def sane() -> SiteView:
    """A page of each kind, small."""
    shown = card("views", "Views", 400.0, "number", 380.0, "up")
    filters = (FilterView("os", "System", (SliceView("iOS", (shown,)),)),)
    tab = TabView("app", "App", DAY, (shown,), (breakdown("country", "Country", ("RU", "DE")),), filters=filters)
    metrics: tuple[MetricView, ...] = (metric("views", "Views", 400.0, "number", "up"),)
    return SiteView("demo", DAY, "UTC", (tab,), metrics, (experiment(),), (alert(),), version="1")


def hostile(value: Any, text: str, *, free: bool = False) -> Any:
    """The same view with `text` in the place of every free text; the numbers stay."""
    if isinstance(value, str):
        return text if free else value
    if isinstance(value, tuple | list):
        return type(value)(hostile(each, text, free=free) for each in value)
    if isinstance(value, Mapping):
        return {name: hostile(each, text, free=name in _FREE) for name, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{each.name: hostile(getattr(value, each.name), text, free=each.name in _FREE) for each in fields(value)},
        )
    return value
