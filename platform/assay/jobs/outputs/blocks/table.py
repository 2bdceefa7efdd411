"""`table`: metrics in columns, the values of a dimension in rows."""

from __future__ import annotations

from assay.config.block import TableBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks.series import in_order, largest, others, words
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.query import query
from assay.report.views import BlockView, TableView


def view(context: Context, block: TableBlock, setting: Setting) -> BlockView:
    """The largest slices of the first metric on the day; a slice without a value of another one has a gap there."""
    metrics = [context.catalog.metric(name) for name in block.metrics]
    rows = query(context, block.metrics, setting.day, setting.end, block.by)
    found = {(row.by[block.by], row.metric): row.value for row in rows}
    kept, left = largest((row for row in rows if row.metric == block.metrics[0]), block.by, block.top)
    columns = tuple((metric.name, metric.label, metric.spec.format) for metric in metrics)
    body = tuple(
        (value, tuple(found.get((value, name)) for name in block.metrics))
        for value in in_order(context, block.by, metrics, kept)
    )
    label = words(block.by).capitalize()
    title = block.title or f"{', '.join(metric.label for metric in metrics)} by {words(block.by)}"
    gap = () if body else (f"No data for {setting.day}.",)
    table = TableView(block.by, label, columns, body) if body else None
    return BlockView(title, words=gap, table=table, note=others(left, block.by), kind="table")
