"""Labels: the words by which routes, silences and events find what they are about."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken, reference, unknown
from assay.config.definitions import Definition
from assay.config.events import Span
from assay.config.route import RouteSpec
from assay.errors import Diagnostic

# What Assay itself calls messages and single series, besides the dimensions and the labels of alerts.
OF_MESSAGES = ("alert", "report", "severity", "metric", "owner", "tier")
OF_SERIES = ("alert", "metric", "owner", "severity")
TAKEN = frozenset({*OF_MESSAGES, "route"})
_SEVERITIES = ("critical", "info", "warning")
_NAMES = ("alert", "metric", "report")


def dimensions(catalog: Catalog) -> set[str]:
    """All names of dimensions."""
    return {name for source in catalog.definitions.sources.values() for name in source.spec.dimensions}


def known(catalog: Catalog, own: tuple[str, ...]) -> list[str]:
    """Every label that something can carry."""
    given = {name for alert in catalog.definitions.alerts.values() for name in alert.spec.labels}
    return [*own, *sorted((dimensions(catalog) | given) - set(own))]


def matched(
    asking: Definition[RouteSpec] | Definition[Span], own: tuple[str, ...], catalog: Catalog, broken: Broken
) -> Iterator[Diagnostic]:
    """The labels of a `match` exist, and so do the alerts, metrics, reports and severities that it names."""
    words = known(catalog, own)
    for label, values in asking.spec.match.items():
        if label not in words:
            yield unknown("label", label, words, asking.at_key("match", label))
            continue
        for index, value in enumerate(values):
            place, name = asking.at("match", label, index), value.removeprefix("!")
            if label == "severity" and name not in _SEVERITIES:
                yield unknown("severity", value, _SEVERITIES, place)
            elif label in _NAMES:
                yield from reference(label, name, catalog, broken, place)
