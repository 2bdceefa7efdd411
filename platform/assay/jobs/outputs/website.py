"""`site build`: everything that is known, as one static folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.resolve import depends_on
from assay.compiler import zone
from assay.compiler.dimensions import labels
from assay.compiler.states import DAY
from assay.config.alert import AlertSpec
from assay.config.base import show_duration
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.config.report import DashboardSpec, Tab
from assay.errors import UsageError, WarehouseError
from assay.jobs.alerts import memory
from assay.jobs.context import Context
from assay.jobs.experiments.analyze import analyze
from assay.jobs.outputs import forecasts
from assay.jobs.outputs.experiment_report import experiment_view
from assay.jobs.outputs.show import show
from assay.jobs.queries.cohorts import cohorts
from assay.jobs.queries.query import Row, query
from assay.jobs.storage import builds
from assay.report.views import (
    AlertView,
    CardView,
    ExperimentView,
    HeatmapRow,
    HeatmapView,
    MetricView,
    Point,
    SiteView,
    TableView,
    TabView,
)
from assay.report.website import render
from assay.stats import Progress

_WEEK, _FOUR_WEEKS = timedelta(days=7), timedelta(days=28)
_CATALOGUE_DAYS = 90
_LIFE = 30  # days of life on a heatmap
_MARK = "assets/site.js"  # every site has it


def build(context: Context, day: date | None = None, folder: Path | None = None) -> Path:
    """Write the site about `day` (the last stored one when left out) and return its folder, `<target>/site`.

    Raises WarehouseError E511 when nothing is stored yet, and UsageError E601 when the folder holds something else.
    """
    day = day or last_day(context)
    target = folder or context.target / "site"
    pages = render(site(context, day))
    _replace(target, pages)
    return target


def last_day(context: Context) -> date:
    """The last local day that is stored. Raises WarehouseError E511."""
    builds.prepare(context)
    days = [day for _, day in builds.read(context, DAY)]
    if days:
        return max(days)
    raise WarehouseError.of(
        "E511", "Nothing is stored yet.", why="The site shows stored series.", fix="Run 'platform run' first."
    )


def _replace(target: Path, pages: Mapping[str, str]) -> None:
    """Write beside, then swap. A folder that is no site of ours is not touched."""
    if target.exists() and any(target.iterdir()) and not (target / _MARK).exists():
        raise UsageError.of(
            "E601",
            f"{target} holds something else than a site.",
            why="Building replaces the whole folder.",
            fix="Choose an empty folder, or one that was built before.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(mkdtemp(dir=target.parent, prefix=".site-"))
    for name, text in pages.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    fresh.chmod(0o755)
    if target.exists():
        old = target.rename(f"{fresh}-old")
        fresh.rename(target)
        shutil.rmtree(old)
    else:
        fresh.rename(target)


def site(context: Context, day: date) -> SiteView:
    """The view of everything, as of one local day."""
    definitions = context.catalog.definitions
    return SiteView(
        project=definitions.project.name,
        day=day,
        timezone=definitions.project.timezone,
        tabs=tuple(tab for board in definitions.dashboards.values() for tab in _tabs(context, board.spec, day)),
        metrics=tuple(_metrics(context, day)),
        experiments=tuple(_experiment(context, name) for name in definitions.experiments),
        alerts=tuple(_alert(context, alert, day) for alert in definitions.alerts.values()),
        forecasts=tuple(forecasts.views(context, day)),
        impacts=tuple(forecasts.impacts(context)),
        version=version("assay-platform"),
    )


def _tabs(context: Context, board: DashboardSpec, day: date) -> Iterator[TabView]:
    for name, tab in board.tabs.items():
        tables = tuple(_table(context, tab, dimension, day) for dimension in tab.by)
        heatmaps = tuple(_heatmap(context, metric, board.days, day) for metric in tab.cohorts)
        yield TabView(name, tab.label, day, tuple(_cards(context, tab, board.days, day)), tables, heatmaps)


def _cards(context: Context, tab: Tab, days: int, day: date) -> Iterator[CardView]:
    start = day - timedelta(days=days - 1) - _FOUR_WEEKS
    series = _by_metric(query(context, tab.metrics, start, day + timedelta(days=1)))
    shown = list(zone.days(day - timedelta(days=days - 1), day + timedelta(days=1)))
    for name in tab.metrics:
        metric, values = context.catalog.metric(name), series[name]
        yield CardView(
            name,
            metric.label,
            values[day],
            metric.spec.format,
            values.get(day - _WEEK),
            metric.spec.good,
            tuple((each, values[each]) for each in shown),
            tuple((each, values[each - _FOUR_WEEKS]) for each in shown),
            metric.spec.description or "",
        )


def _by_metric(rows: Sequence[Row]) -> dict[str, dict[date, float | None]]:
    found: dict[str, dict[date, float | None]] = {}
    for row in rows:
        found.setdefault(row.metric, {})[row.time] = row.value
    return found


def _table(context: Context, tab: Tab, dimension: str, day: date) -> TableView:
    metrics = [context.catalog.metric(name) for name in tab.metrics]
    values: dict[str, dict[str, float | None]] = {}
    for row in query(context, tab.metrics, day, day + timedelta(days=1), dimension):
        values.setdefault(row.by[dimension], {})[row.metric] = row.value
    rows = [(value, tuple(found.get(name) for name in tab.metrics)) for value, found in values.items()]
    order = {label: at for at, label in enumerate(labels(context.catalog.dimension(dimension, metrics).cuts))}
    rows.sort(key=lambda row: (order.get(row[0], len(order)), -(row[1][0] or 0.0), row[0]))  # bins in their own order
    columns = tuple((metric.name, metric.label, metric.spec.format) for metric in metrics)
    return TableView(dimension, dimension.replace("_", " ").capitalize(), columns, tuple(rows))


def _heatmap(context: Context, metric: str, days: int, day: date) -> HeatmapView:
    """The cohorts of the last days, as far as they had lived by the end of `day`."""
    end = day + timedelta(days=1)
    found = cohorts(context, metric, end - timedelta(days=days), end, days=min(days, _LIFE), until=end)
    rows = (
        HeatmapRow(each.cohort, each.size, tuple(cell.value for cell in each.cells), each.flagged, each.sentence)
        for each in found.cohorts
    )
    return HeatmapView(metric, context.catalog.metric(metric).label, tuple(found.days), tuple(rows))


def _metrics(context: Context, day: date) -> Iterator[MetricView]:
    catalog = context.catalog
    start = day - timedelta(days=_CATALOGUE_DAYS - 1)
    series = _by_metric(query(context, list(catalog.metrics), start, day + timedelta(days=1)))
    for metric in catalog.metrics.values():
        points: tuple[Point, ...] = tuple(series[metric.name].items())
        yield _metric(catalog, metric, points)


def _metric(catalog: Catalog, metric: Metric, points: tuple[Point, ...]) -> MetricView:
    spec, place = metric.spec, metric.definition.location
    body = {metric.name: spec.model_dump(mode="json", exclude_unset=True)}
    return MetricView(
        metric.name,
        metric.label,
        spec.description or "",
        spec.type,
        spec.format,
        spec.good,
        spec.owner,
        place.path,
        place.line,
        yaml.safe_dump(body, sort_keys=False, allow_unicode=True),
        show(catalog, metric.name).statements[0].sql,
        points,
        tuple(used_by(catalog, metric.name)),
    )


def used_by(catalog: Catalog, name: str) -> Iterator[tuple[str, str]]:
    """(kind, name) of everything that reads a metric directly."""
    definitions = catalog.definitions
    yield from (("metric", each.name) for each in definitions.metrics.values() if name in depends_on(each))
    for experiment in definitions.experiments.values():
        roles = experiment.spec.metrics
        if name in (*roles.primary, *roles.secondary, *roles.guardrail):
            yield "experiment", experiment.name
    yield from (("alert", each.name) for each in definitions.alerts.values() if name in each.spec.metrics)
    for report in definitions.reports.values():
        if any(name in block.shown for block in report.spec.blocks):
            yield "report", report.name
    yield from (("forecast", each.name) for each in definitions.forecasts.values() if name in each.spec.metrics)
    for impact in definitions.impacts.values():
        if name in (impact.spec.metric, *impact.spec.controls):
            yield "impact", impact.name
    for board in definitions.dashboards.values():
        yield from (("tab", tab) for tab, body in board.spec.tabs.items() if name in _of_tab(body))


def _of_tab(tab: Tab) -> tuple[str, ...]:
    return (*tab.metrics, *tab.cohorts, *(name for block in tab.blocks for name in block.shown))


def _experiment(context: Context, name: str) -> ExperimentView:
    try:
        readout = analyze(context, name)
    except WarehouseError as error:
        if error.diagnostics[0].code != "E511":
            raise
        spec = context.catalog.experiment(name).spec
        return experiment_view(context.catalog, name, _not_started(spec, error.diagnostics[0].message))
    return experiment_view(context.catalog, name, readout.as_dict(), readout.sql)


def _not_started(spec: ExperimentSpec, reason: str) -> dict[str, Any]:
    """A read-out without data: what was planned, and why there is nothing yet."""
    nothing = ("gates", "results", "interactions", "courses", "sensitivity", "bayes", "distributions")
    progress = Progress(units=0, days=0, planned_days=(spec.end - spec.start).days)
    return dict.fromkeys(nothing, ()) | {
        "window": {"from": str(spec.start), "to": str(spec.end)},
        "planned_end": str(spec.end),
        "units": {},
        "verdict": "keep_running",
        "variant": None,
        "reasons": [reason],
        "progress": asdict(progress),
        "settings": {},
        "hashes": {},
    }


def _alert(context: Context, alert: Definition[AlertSpec], day: date) -> AlertView:
    spec = alert.spec
    return AlertView(
        alert.name,
        spec.metrics,
        show_duration(spec.every),
        spec.by,
        spec.severity,
        spec.route,
        spec.description or "",
        tuple(memory.episodes(context, alert.name, zone.midnight(day, context.catalog.zone, after=1))),
    )
