"""Forecasts and impacts as the site shows them: what is stored, beside what came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from assay.catalog.catalog import Metric
from assay.config.base import show_duration
from assay.jobs.context import Context
from assay.jobs.forecasts import impacts as estimated
from assay.jobs.forecasts import tracking
from assay.jobs.forecasts.tracking import Tracked
from assay.jobs.queries.query import query
from assay.report.views import ForecastSeries, ForecastView, ImpactView, MetricText, Point

_DAY = timedelta(days=1)
_BEFORE = 56  # days on a chart before what is forecast or judged
_PAST = 12  # earlier forecasts that are listed


def views(context: Context, day: date) -> Iterator[ForecastView]:
    """Every forecast as of the morning after a day."""
    for each in context.catalog.definitions.forecasts.values():
        tracked = [found for found in tracking.track(context, each.name) if found.run.made <= day + _DAY]
        metrics = tuple(_series(context, context.catalog.metric(name), tracked, day) for name in each.spec.metrics)
        spec, label = each.spec, each.spec.label or each.name.replace("_", " ").capitalize()
        yield ForecastView(each.name, label, spec.description or "", spec.owner, show_duration(spec.horizon), metrics)


def _series(context: Context, metric: Metric, tracked: Sequence[Tracked], day: date) -> ForecastSeries:
    mine = [each for each in tracked if each.run.metric == metric.name]
    run = mine[-1].run.as_dict() if mine else None
    past = tuple(each.as_dict() for each in reversed(mine) if each.came)[:_PAST]
    points = _points(context, metric, day - (_BEFORE - 1) * _DAY, day + _DAY)
    return ForecastSeries(metric.name, metric.label, metric.spec.format, points, run, past)


def impacts(context: Context) -> Iterator[ImpactView]:
    """Every impact as it was last estimated."""
    for each in context.catalog.definitions.impacts.values():
        metric, spec = context.catalog.metric(each.spec.metric), each.spec
        text = MetricText(metric.label, metric.spec.format, metric.spec.good)
        label = spec.label or each.name.replace("_", " ").capitalize()
        found = estimated.latest(context, each.name)
        points = tuple((date.fromisoformat(at["day"]), at["value"]) for at in found["course"]) if found else ()
        yield ImpactView(each.name, label, spec.description or "", spec.owner, text, points, found)


def _points(context: Context, metric: Metric, start: date, end: date) -> tuple[Point, ...]:
    return tuple((row.time, row.value) for row in query(context, [metric.name], start, end))
