"""What the site shows of alerts: their episodes, the slots of what they watch, and the calendar beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import isnan
from typing import Any
from zoneinfo import ZoneInfo

from assay.compiler import zone
from assay.config.alert import AlertSpec
from assay.config.base import show_duration
from assay.config.definitions import Definition
from assay.jobs.alerts import actions, histories, memory
from assay.jobs.alerts.histories import TOTAL, Matrix, Windows
from assay.jobs.alerts.rule import Rule
from assay.jobs.context import Context
from assay.jobs.storage import builds
from assay.report.views import AlertView, BandPoint, MarkView, Point, WatchView

_DAYS = 7  # of slots


def views(context: Context, day: date) -> Iterator[AlertView]:
    """Every alert as it was known when `day` was over."""
    return (_view(context, alert, day) for alert in context.catalog.definitions.alerts.values())


def _view(context: Context, alert: Definition[AlertSpec], day: date) -> AlertView:
    spec, rule = alert.spec, Rule(context, alert)
    episodes = tuple(memory.episodes(context, alert.name, zone.midnight(day, context.catalog.zone, after=1)))
    return AlertView(
        alert.name,
        spec.metrics,
        show_duration(spec.every),
        spec.by,
        spec.severity,
        spec.route,
        spec.description or "",
        episodes,
        tuple(_watched(rule, day)),
        tuple(_around(rule, episodes, day)),
        show_duration(spec.window) if spec.window and rule.stride > 1 else None,
    )


def _around(rule: Rule, episodes: Sequence[Mapping[str, Any]], day: date) -> Iterator[WatchView]:
    """The days around the newest episode, if it began before the last ones."""
    began = date.fromisoformat(episodes[0]["since"][:10]) if episodes else day
    if began <= day - timedelta(days=_DAYS):
        yield from _watched(rule, min(day, began + timedelta(days=_DAYS // 2)))


def _watched(rule: Rule, day: date) -> Iterator[WatchView]:
    """The totals in the slots of a week that ends with `day`; nothing where none are stored."""
    per_day = rule.timeline.per_day
    windows = Windows(rule.timeline, rule.timeline.first(day) - (_DAYS - 1) * per_day, _DAYS * per_day)
    stored = builds.read(rule.context, show_duration(rule.spec.every))
    for matrix in histories.read(rule.context, rule.metrics, TOTAL[:1], windows, stored):
        if matrix.stored.any():
            metric = matrix.metric
            series = tuple(_points(matrix.chosen([TOTAL]), windows))
            band = tuple(_band(rule, metric.name, series))
            yield WatchView(metric.name, metric.label, metric.spec.format, series, band)


def _points(matrix: Matrix, windows: Windows) -> Iterator[Point]:
    local = ZoneInfo(windows.timeline.zone)
    for place, value in enumerate(matrix.value[0].tolist()):
        start = windows.timeline.start(windows.start + place)
        if start:
            yield start.astimezone(local), None if isnan(value) else value


def _band(rule: Rule, metric: str, series: tuple[Point, ...]) -> Iterator[BandPoint]:
    """What was expected of single slots: that of longer spans does not compare with them."""
    moments = [at for at, _ in series if isinstance(at, datetime)]
    if rule.stride > 1 or not moments:
        return
    found = memory.judged(rule.context, rule.alert.name, metric, moments[0], moments[-1] + rule.spec.every)
    bounds = {at: (low, high) for at, low, high in found}
    if bounds:
        yield from ((at, *bounds.get(int(at.timestamp()), (None, None))) for at in moments)


def calendar(context: Context) -> Iterator[MarkView]:
    """Declared events, and silences, declared or by hand."""
    local = ZoneInfo(context.catalog.zone)
    for event in context.catalog.definitions.events.values():
        spec = event.spec
        start, end = (moment.replace(tzinfo=local) for moment in (spec.start, spec.end))
        yield MarkView("event", spec.label or event.name.replace("_", " ").capitalize(), start, end, _about(spec.match))
    for each in actions.silences(context):
        yield MarkView("silence", f"{each.id}: {each.why}", each.start, each.end, _about(each.match))


def _about(match: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{label} = {', '.join(values)}" for label, values in match.items())
