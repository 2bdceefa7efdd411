"""Rules about reports and dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken, dimension, metrics_of, reference, whole_days
from assay.config.block import Block
from assay.config.definitions import Definition
from assay.errors import Diagnostic


def references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Everything that reports and dashboards name exists."""
    for report in catalog.definitions.reports.values():
        yield from reference("route", report.spec.route, catalog, broken, report.at("route"))
        for at, block in enumerate(report.spec.blocks):
            yield from _block(block, catalog, broken, report, "blocks", at)
    for board in catalog.definitions.dashboards.values():
        for name, tab in board.spec.tabs.items():
            yield from _metrics(tab.metrics, catalog, broken, board, "tabs", name)
            yield from _metrics(tab.cohorts, catalog, broken, board, "tabs", name, field="cohorts")
            for field in ("by", "filters"):
                for index, by in enumerate(getattr(tab, field)):
                    found = metrics_of(tab.metrics, catalog)
                    yield from dimension(by, found, catalog, board.at("tabs", name, field, index))
            for at, block in enumerate(tab.blocks):
                yield from _block(block, catalog, broken, board, "tabs", name, "blocks", at)


def _block(
    block: Block, catalog: Catalog, broken: Broken, asking: Definition[Any], *at: str | int
) -> Iterator[Diagnostic]:
    """Metrics, experiments and forecasts by name, and dimensions of the metrics."""
    yield from _metrics(getattr(block, "metrics", ()), catalog, broken, asking, *at)
    for kind in ("metric", "experiment", "forecast"):
        if name := getattr(block, kind, None):
            yield from reference(kind, name, catalog, broken, asking.at(*at, kind))
    if by := getattr(block, "by", None):
        yield from dimension(by, metrics_of(block.shown, catalog), catalog, asking.at(*at, "by"))


def _metrics(
    names: tuple[str, ...],
    catalog: Catalog,
    broken: Broken,
    asking: Definition[Any],
    *at: str | int,
    field: str = "metrics",
) -> Iterator[Diagnostic]:
    for index, name in enumerate(names):
        yield from reference("metric", name, catalog, broken, asking.at(*at, field, index))


# The blocks that show metrics of one type only, and what they show of them.
_OF_TYPE = {"cohort": "retention", "lifecycle": "lifecycle", "funnel": "funnel"}


def types(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Cohorts are of retention metrics, funnels of funnels, lifecycles of lifecycles."""
    for board in catalog.definitions.dashboards.values():
        for tab, body in board.spec.tabs.items():
            for index, name in enumerate(body.cohorts):
                yield from _of_type(name, "retention", catalog, board, "tabs", tab, "cohorts", index)
            for at, block in enumerate(body.blocks):
                yield from _shown(block, catalog, board, "tabs", tab, "blocks", at, "metric")
    for report in catalog.definitions.reports.values():
        for at, block in enumerate(report.spec.blocks):
            yield from _shown(block, catalog, report, "blocks", at, "metric")


def _shown(block: Block, catalog: Catalog, asking: Definition[Any], *at: str | int) -> Iterator[Diagnostic]:
    if block.type in _OF_TYPE:
        yield from _of_type(block.shown[0], _OF_TYPE[block.type], catalog, asking, *at)


def _of_type(name: str, wanted: str, catalog: Catalog, asking: Definition[Any], *at: str | int) -> Iterator[Diagnostic]:
    if name in catalog.metrics and catalog.metrics[name].spec.type != wanted:
        yield Diagnostic(
            "E302",
            f"'{name}' is not a {wanted} metric.",
            _WHY[wanted],
            f"Use a metric of type {wanted}, or show this one as cards.",
            asking.at(*at),
        )


_WHY = {
    "retention": "A heatmap of cohorts shows which share of each comes back on each day of its life.",
    "lifecycle": "It shows who is new, retained, resurrected and churned.",
    "funnel": "It shows who goes how far through the steps.",
}


def compare(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A report compares a day with another day."""
    for report in catalog.definitions.reports.values():
        yield from whole_days("compare", report.spec.compare, report.at("compare"))
