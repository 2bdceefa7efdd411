"""`line`: metrics over time on one axis, with the dated events of the calendar."""

from __future__ import annotations

from assay.config.block import LineBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks.series import judged, largest, last_days, line, marks, others, points, words
from assay.jobs.outputs.blocks.setting import Setting
from assay.report.views import BlockView, LinesFigure


def view(context: Context, block: LineBlock, setting: Setting) -> BlockView:
    """The last days of each metric, or of its largest slices; the axis has the format of the first metric."""
    days = last_days(setting, block.days)
    found = judged(context, block.metrics, Setting(setting.day, setting.compare, len(days)), block.by)
    rows = (row for each in found.values() for day, row in each.items() if day in days)
    kept, left = largest(rows, block.by, block.top) if block.by else ([""], 0)
    shown = [(name, value) for name in block.metrics for value in kept if (name, value) in found]
    labels = {each: _label(context, block, *each) for each in shown}
    drawn = tuple((labels[each], points(found[each], days)) for each in shown)
    first = context.catalog.metric(block.metrics[0])
    figure = LinesFigure(_title(context, block), first.spec.format, drawn, marks(context, block.metrics, days))
    lines = tuple(line(context.catalog.metric(each[0]), labels[each], found[each], setting) for each in shown)
    return BlockView(_title(context, block), lines, figure=figure, note=others(left, block.by or ""), kind="line")


def _title(context: Context, block: LineBlock) -> str:
    labels = ", ".join(context.catalog.metric(name).label for name in block.metrics)
    return block.title or (f"{labels} by {words(block.by)}" if block.by else labels)


def _label(context: Context, block: LineBlock, name: str, value: str) -> str:
    label = context.catalog.metric(name).label
    if not value:
        return label
    return value if len(block.metrics) == 1 else f"{label}, {value}"
