"""`bars`: a metric by the values of a dimension, beside the day compared with."""

from __future__ import annotations

from datetime import timedelta

from assay.config.block import BarsBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks.series import in_order, largest, others, words
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.query import query
from assay.report.views import BarsFigure, BlockView, LineView


def view(context: Context, block: BarsBlock, setting: Setting) -> BlockView:
    """The largest slices of the day; bins in their own order."""
    metric, by = context.catalog.metric(block.metric), block.by
    rows = query(context, [block.metric], setting.day, setting.end, by)
    now = {row.by[by]: row.value for row in rows}
    earlier = query(context, [block.metric], setting.versus, setting.versus + timedelta(days=1), by)
    before = {row.by[by]: row.value for row in earlier}
    kept, left = largest(rows, by, block.top)
    shown = [(each, now[each], before.get(each)) for each in in_order(context, by, [metric], kept)]
    title = block.title or f"{metric.label} by {words(by)}"
    spec = metric.spec
    lines = tuple(LineView(name, value, spec.format, was, spec.good, True) for name, value, was in shown)
    gap = () if shown else (f"No data for {setting.day}.",)
    figure = BarsFigure(title, spec.format, tuple(shown)) if shown else None
    return BlockView(title, lines, gap, figure, note=others(left, by), kind="bars")
