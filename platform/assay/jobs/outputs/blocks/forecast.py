"""`forecast`: what is expected, and what came of earlier expectations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.config.block import ForecastBlock
from assay.jobs.context import Context
from assay.jobs.forecasts import tracking
from assay.jobs.forecasts.store import Run
from assay.jobs.forecasts.tracking import Tracked
from assay.jobs.outputs.blocks.series import last_days, points, series
from assay.jobs.outputs.blocks.setting import Setting
from assay.report.format import show, show_date
from assay.report.views import BandFigure, BlockView

_BEFORE = 28  # days on the chart before what is forecast


def view(context: Context, block: ForecastBlock, setting: Setting) -> BlockView:
    """The newest forecast made by the morning after the day, and the days of all that had come by then."""
    spec = context.catalog.forecast(block.forecast).spec
    tracked = [each for each in tracking.track(context, block.forecast) if each.run.made <= setting.end]
    newest = {each.run.metric: each.run for each in tracked if each.run.metric in spec.metrics}
    title = block.title or spec.label or block.forecast.replace("_", " ").capitalize()
    words = [each for metric in spec.metrics for each in _words(context, metric, newest.get(metric), setting)]
    past = _past(tracked, setting)
    first = next((run for metric in spec.metrics if (run := newest.get(metric)) and run.published), None)
    figure = _figure(context, first, setting) if first else None
    return BlockView(title, words=tuple(words), figure=figure, note=past, kind="forecast")


def _words(context: Context, name: str, run: Run | None, setting: Setting) -> Iterator[str]:
    metric = context.catalog.metric(name)
    if run is None:
        yield f"{metric.label}: no forecast was made by {setting.end}."
    elif not run.published:
        yield f"{metric.label}: withheld, {run.why}"
    else:
        style, last = metric.spec.format, run.points[-1]
        mean, low, high = (show(each, style) for each in (last.mean, last.low, last.high))
        yield f"{metric.label}: {mean} on {show_date(last.day)} ({run.level:.0%}: {low} to {high}), by {run.model}"


def _past(tracked: Sequence[Tracked], setting: Setting) -> str:
    """How many days of earlier forecasts lay in their intervals; what came later is not known yet."""
    came = [(point, value) for each in tracked for point, value in each.came if point.day <= setting.day]
    inside = sum(point.low <= value <= point.high for point, value in came)
    return f"Of the days forecast so far, {inside} of {len(came)} lay in their interval." if came else ""


def _figure(context: Context, run: Run, setting: Setting) -> BandFigure:
    metric, days = context.catalog.metric(run.metric), last_days(setting, _BEFORE)
    found = series(context, [run.metric], days[0], setting.end)[run.metric, ""]
    expected = tuple((point.day, point.mean) for point in run.points)
    band = tuple((point.day, point.low, point.high) for point in run.points)
    return BandFigure(metric.label, metric.spec.format, points(found, days), expected, band, run.made)
