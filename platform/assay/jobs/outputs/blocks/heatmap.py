"""`heatmap`: a metric by the values of a dimension and day, coloured by its change."""

from __future__ import annotations

from collections.abc import Sequence

from assay.config.block import HeatmapBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import news
from assay.jobs.outputs.blocks.series import Series, in_order, largest, last_days, others, points, series, words
from assay.jobs.outputs.blocks.setting import Setting
from assay.report.format import change, show_date
from assay.report.views import BlockView, MatrixFigure

_STRONGEST = 0.5  # a change by half has the full colour


def view(context: Context, block: HeatmapBlock, setting: Setting) -> BlockView:
    """The largest slices; a cell is coloured by its change since the day that the report would compare it with, good
    news above zero."""
    metric, days = context.catalog.metric(block.metric), last_days(setting, block.days)
    found = series(context, [block.metric], days[0] - setting.compare, setting.end, block.by)
    inside = (row for each in found.values() for day, row in each.items() if day in days)
    kept, left = largest(inside, block.by, block.top)
    shown = [(value, found[block.metric, value]) for value in in_order(context, block.by, [metric], kept)]
    rows = tuple((value, tuple(point for _, point in points(each, days))) for value, each in shown)
    sign = -1.0 if metric.spec.good == "down" else 1.0
    tones = tuple(tuple(_tone(each, setting, days, sign)) for _, each in shown)
    title = block.title or f"{metric.label} by {words(block.by)}"
    gap = () if shown else (f"No data for these days, {days[0]} to {days[-1]}.",)
    columns = tuple(show_date(each) for each in days)
    figure = MatrixFigure(title, metric.spec.format, columns, rows, tones) if shown else None
    return BlockView(title, words=gap, figure=figure, note=others(left, block.by), kind="heatmap")


def _tone(found: Series, setting: Setting, days: Sequence[object], sign: float) -> list[float | None]:
    tones: list[float | None] = []
    for day in last_days(setting, len(days)):
        share = change(news.value(found, day - setting.compare), news.value(found, day))
        tones.append(None if share is None else sign * max(-1.0, min(share / _STRONGEST, 1.0)))
    return tones
