"""`investigate`: which slices explain what moved."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Metric
from assay.compiler.investigate import PART
from assay.config.block import InvestigateBlock
from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import news
from assay.jobs.outputs.blocks.series import judged
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.investigate import investigate
from assay.jobs.queries.investigation import Investigation, Segment
from assay.report.format import show_change, show_signed
from assay.report.views import BarsFigure, BlockView


def view(context: Context, block: InvestigateBlock, setting: Setting) -> BlockView:
    """What `investigate` finds; on the day of the report only where the metric left its usual range, and against the
    same weekdays of the four weeks before: a single day may have been odd itself."""
    metric = context.catalog.metric(block.metric)
    title = block.title or f"Why {metric.label} moved"
    calm = "" if block.on else _calm(context, metric, setting)
    if calm:
        return BlockView(title, words=(calm,), kind="investigate")
    try:
        found = investigate(context, block.metric, block.on or setting.day, block.vs)
    except WarehouseError as error:
        if error.diagnostics[0].code != "E511":
            raise
        return BlockView(title, words=(error.diagnostics[0].message,), kind="investigate")
    figure = _figure(title, found) if found.segments else None
    said = found.summary if block.on else standing_out(found)
    return BlockView(title, words=(said,), figure=figure, note=" ".join(found.notes), kind="investigate")


def standing_out(found: Investigation) -> str:
    """The slices that moved apart from the rest, in one sentence."""
    against = "against the same weekday of four weeks"
    if not found.segments:
        return f"{found.metric.label}: no slice stands out {against}."
    told = (f"{each.name} {show_change(each.before, each.after)}" for each in found.segments)
    return f"{found.metric.label} {against}: {'; there '.join(told)}."


def _calm(context: Context, metric: Metric, setting: Setting) -> str:
    """Why there is nothing to explain; empty where there is."""
    moved = news.moved(judged(context, [metric.name], setting)[metric.name, ""], setting.day, setting.compare)
    if moved is None:
        return f"{metric.label} has no values on {setting.day} and {setting.versus} to compare."
    if moved.usual is None:
        return f"{metric.label} moved by {show_signed(moved.share)}; there is too little history to call it unusual."
    if moved.news:
        return ""
    low, high = map(show_signed, moved.usual)
    return f"Nothing to explain: {metric.label} moved by {show_signed(moved.share)}, usually {low} to {high}."


def _figure(title: str, found: Investigation) -> BarsFigure:
    rows = ((name, after, before) for name, after, before in _rows(found))
    return BarsFigure(title, found.metric.spec.format, tuple(rows))


def _rows(found: Investigation) -> Iterator[tuple[str, float | None, float | None]]:
    """The metric itself, then each segment inside the one before it."""
    yield "all", found.after, found.before
    for each in found.segments:
        yield _name(each), each.after, each.before


def _name(segment: Segment) -> str:
    *_, (dimension, values) = segment.by.items()
    listed = ", ".join(values)
    inside = "there " if len(segment.by) > 1 else ""
    return f"{inside}{listed}" if dimension == PART else f"{inside}{dimension.replace('_', ' ')} {listed}"
