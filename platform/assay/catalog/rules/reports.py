"""Rules about reports and dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken, dimension, metrics_of, reference, whole_days
from assay.config.definitions import Definition
from assay.config.metric import RetentionMetric
from assay.errors import Diagnostic


def references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Metrics, dimensions and routes of reports and dashboards exist."""
    for report in catalog.definitions.reports.values():
        yield from reference("route", report.spec.route, catalog, broken, report.at("route"))
        for at, block in enumerate(report.spec.blocks):
            yield from _metrics(block.metrics, catalog, broken, report, "blocks", at)
            if block.by:
                found = metrics_of(block.metrics, catalog)
                yield from dimension(block.by, found, catalog, report.at("blocks", at, "by"))
    for board in catalog.definitions.dashboards.values():
        for name, tab in board.spec.tabs.items():
            yield from _metrics(tab.metrics, catalog, broken, board, "tabs", name)
            yield from _metrics(tab.cohorts, catalog, broken, board, "tabs", name, field="cohorts")
            for index, by in enumerate(tab.by):
                found = metrics_of(tab.metrics, catalog)
                yield from dimension(by, found, catalog, board.at("tabs", name, "by", index))


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


def cohorts(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A heatmap of cohorts shows a retention metric."""
    for board in catalog.definitions.dashboards.values():
        for tab, body in board.spec.tabs.items():
            for index, name in enumerate(body.cohorts):
                if name in catalog.metrics and not isinstance(catalog.metrics[name].spec, RetentionMetric):
                    yield Diagnostic(
                        "E302",
                        f"'{name}' is not a retention metric.",
                        "A heatmap shows which share of each cohort comes back on each day of its life.",
                        "Use a metric of type retention, or list it under 'metrics'.",
                        board.at("tabs", tab, "cohorts", index),
                    )


def compare(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A report compares a day with another day."""
    for report in catalog.definitions.reports.values():
        yield from whole_days("compare", report.spec.compare, report.at("compare"))
