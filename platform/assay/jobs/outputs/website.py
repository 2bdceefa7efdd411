"""`site build`: everything that is known, as one static folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from assay.catalog.catalog import Catalog, Metric
from assay.compiler.states import DAY
from assay.config.experiment import ExperimentSpec
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.experiments.analyze import analyze
from assay.jobs.outputs import alerts, forecasts
from assay.jobs.outputs.experiment_report import experiment_view
from assay.jobs.outputs.lineage import Readers, lineage, readers
from assay.jobs.outputs.quality import quality
from assay.jobs.outputs.show import show
from assay.jobs.outputs.tabs import by_metric, tabs
from assay.jobs.queries.query import query
from assay.jobs.storage import builds
from assay.report.views import (
    ExperimentView,
    MetricView,
    Point,
    SiteView,
)
from assay.report.website import render
from assay.stats import Progress

_CATALOGUE_DAYS = 90
_MARK = "assets/site.js"  # every site has it


def build(context: Context, day: date | None = None, folder: Path | None = None) -> Path:
    """Write the site about `day` (the last stored one when left out) and return its folder, `<target>/site`.

    Raises WarehouseError E511 when nothing is stored yet, and UsageError E601 when the folder holds something else or
    cannot be written.
    """
    day = day or last_day(context)
    target = folder or context.target / "site"
    pages = render(site(context, day))
    try:
        _replace(target, pages)
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def _unwritable(target: Path, error: OSError) -> UsageError:
    return UsageError.of(
        "E601",
        f"{target} cannot be written: {error.strerror or error}.",
        why="The site is written beside its folder, and then put in its place.",
        fix="Choose a folder whose parent can be written: platform site build --out FOLDER.",
    )


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
        tabs=tuple(tab for board in definitions.dashboards.values() for tab in tabs(context, board.spec, day)),
        metrics=tuple(_metrics(context, day)),
        experiments=tuple(_experiment(context, name) for name in definitions.experiments),
        alerts=tuple(alerts.views(context, day)),
        forecasts=tuple(forecasts.views(context, day)),
        impacts=tuple(forecasts.impacts(context)),
        quality=quality(context, day),
        calendar=tuple(alerts.calendar(context)),
        version=version("assay-platform"),
    )


def _metrics(context: Context, day: date) -> Iterator[MetricView]:
    catalog = context.catalog
    start = day - timedelta(days=_CATALOGUE_DAYS - 1)
    series = by_metric(query(context, list(catalog.metrics), start, day + timedelta(days=1)))
    reading = readers(catalog)
    for metric in catalog.metrics.values():
        points: tuple[Point, ...] = tuple(series[metric.name].items())
        yield _metric(catalog, metric, points, reading)


def _metric(catalog: Catalog, metric: Metric, points: tuple[Point, ...], reading: Readers) -> MetricView:
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
        tuple(reading.get(metric.name, ())),
        spec.tier,
        metric.sources,
        tuple(lineage(catalog, metric.name, reading)),
    )


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
