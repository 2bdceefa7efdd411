"""What a metric is made from, and what reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from assay.catalog.catalog import Catalog
from assay.catalog.resolve import depends_on
from assay.config.report import Tab
from assay.report.views import Node

Readers = Mapping[str, Sequence[Node]]


def lineage(catalog: Catalog, name: str, readers: Readers) -> Iterator[tuple[Node, Node]]:
    """The steps from models and sources over other metrics to a metric, and from it to its direct readers."""
    yield from dict.fromkeys(_above(catalog, name))
    yield from ((("metric", name), reader) for reader in readers.get(name, ()))


def _above(catalog: Catalog, name: str) -> Iterator[tuple[Node, Node]]:
    metric, here = catalog.metric(name), ("metric", name)
    needs = depends_on(metric.definition)
    for each in needs:
        yield ("metric", each), here
        yield from _above(catalog, each)
    for source in () if needs else metric.sources:
        yield ("source", source), here
        yield from ((("model", model), ("source", source)) for model in catalog.source(source).spec.models)


def readers(catalog: Catalog) -> Readers:
    """By metric, the (kind, name) of everything that reads it directly; metrics that nothing reads are left out."""
    found: dict[str, dict[Node, None]] = defaultdict(dict)
    for reader, names in _reading(catalog):
        for name in names:
            found[name][reader] = None
    return {name: tuple(each) for name, each in found.items()}


def _reading(catalog: Catalog) -> Iterator[tuple[Node, Sequence[str]]]:
    """Everything that reads metrics, with their names."""
    definitions = catalog.definitions
    yield from ((("metric", each.name), depends_on(each)) for each in definitions.metrics.values())
    for experiment in definitions.experiments.values():
        roles = experiment.spec.metrics
        yield ("experiment", experiment.name), (*roles.primary, *roles.secondary, *roles.guardrail)
    yield from ((("alert", each.name), each.spec.metrics) for each in definitions.alerts.values())
    for report in definitions.reports.values():
        yield ("report", report.name), [name for block in report.spec.blocks for name in block.shown]
    yield from ((("forecast", each.name), each.spec.metrics) for each in definitions.forecasts.values())
    for impact in definitions.impacts.values():
        yield ("impact", impact.name), (impact.spec.metric, *impact.spec.controls)
    for board in definitions.dashboards.values():
        yield from ((("tab", tab), _of_tab(body)) for tab, body in board.spec.tabs.items())


def _of_tab(tab: Tab) -> tuple[str, ...]:
    return (*tab.metrics, *tab.cohorts, *(name for block in tab.blocks for name in block.shown))
