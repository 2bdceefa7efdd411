"""Rules about checks of sources, models and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.rules.common import Broken, expression, reference, whole_days
from assay.catalog.series import Seen, Window, present
from assay.config.check import RowChecks, Volume
from assay.config.definitions import Definition
from assay.errors import Diagnostic

Path = tuple[str, ...]


def columns(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Every check of rows reads declared columns."""
    definitions: Iterable[Definition[Any]] = chain(
        catalog.definitions.sources.values(), catalog.definitions.models.values()
    )
    for each in definitions:
        known = getattr(each.spec, "known", each.spec.columns)
        for path, wanted in _severities(each):
            yield from _columns(each, path, wanted, known)


def _severities(each: Definition[Any]) -> tuple[tuple[Path, Any], ...]:
    checks = each.spec.checks
    return (("checks",), checks), (("checks", "warn"), checks.warn)


def _columns(each: Definition[Any], path: Path, wanted: RowChecks, known: Any) -> Iterator[Diagnostic]:
    for field in ("not_null", "unique"):
        for index, column in enumerate(getattr(wanted, field)):
            yield from expression(column, known, each.at(*path, field, index))
    for field in ("accepted", "range"):
        for column in getattr(wanted, field):
            yield from expression(column, known, each.at_key(*path, field, column))


def history(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """`volume` compares whole days."""
    definitions = catalog.definitions
    for each in chain(definitions.sources.values(), definitions.models.values(), definitions.metrics.values()):
        for path, wanted in _severities(each):
            volume: Volume | None = wanted.volume
            if volume:
                yield from whole_days("history", volume.history, each.at(*path, "volume", "history"))


def equals(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """A metric is reconciled with another one that is read over the same days."""
    for each in catalog.definitions.metrics.values():
        for path, wanted in _severities(each):
            if wanted.equals:
                yield from _equals(each, wanted.equals.metric, (*path, "equals"), catalog, broken)


def _equals(each: Definition[Any], name: str, path: Path, catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    place = each.at(*path, "metric")
    yield from reference("metric", name, catalog, broken, place)
    if name == each.name:
        yield _unfit(f"'{name}' is compared with itself.", "A number is always equal to itself.", place)
        return
    mine, other = catalog.metrics.get(each.name), catalog.metrics.get(name)
    if mine and other and _days(mine) != _days(other):
        told = f"'{each.name}' and '{name}' are read over different days."
        yield _unfit(told, "Their values of one day stand for different spans of time.", place)


def _unfit(message: str, why: str, place: Any) -> Diagnostic:
    return Diagnostic("E301", message, why, "Name a metric that counts the same in another way.", place)


def _days(metric: Metric) -> tuple[str, int, int]:
    """The first and last day around its own that a value reads, and how they are counted."""
    windows = [Window() if isinstance(each, Seen) else each.window for each in present(metric.series)] or [Window()]
    unit = max(window.unit for window in windows)
    return unit, min(window.first for window in windows), max(window.last for window in windows)
