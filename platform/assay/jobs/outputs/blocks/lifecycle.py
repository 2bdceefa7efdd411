"""`lifecycle`: who came, stayed, returned and left, week by week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from assay.compiler import zone
from assay.config.block import LifecycleBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.query import query
from assay.report.format import show, show_date
from assay.report.views import BlockView, StackFigure

_PARTS = ("retained", "new", "resurrected", "churned")
_WEEK = timedelta(weeks=1)
Values = Mapping[tuple[str, date], float | None]


def view(context: Context, block: LifecycleBlock, setting: Setting) -> BlockView:
    """Whole weeks only: a week that is not over would look like a loss."""
    metric = context.catalog.metric(block.metric)
    end = zone.first_of(setting.end, "week")
    weeks = [end - _WEEK * back for back in range(block.weeks, 0, -1)]
    names = [block.metric, *(f"{block.metric}.{part}" for part in _PARTS)]
    found = {(row.metric, row.time): row.value for row in query(context, names, weeks[0], end, grain="week")}
    title = block.title or metric.label
    parts = tuple((part.capitalize(), _values(block, part, weeks, found)) for part in _PARTS)
    known = any(found.get((block.metric, week)) is not None for week in weeks)
    figure = StackFigure(title, tuple(weeks), parts) if known else None
    words = (_words(block.metric, weeks[-1], found),)
    return BlockView(title, words=words, figure=figure, note=_note(end, setting), kind="lifecycle")


def _values(block: LifecycleBlock, part: str, weeks: Sequence[date], found: Values) -> tuple[float | None, ...]:
    """Who left goes below the axis."""
    values = (found.get((f"{block.metric}.{part}", week)) for week in weeks)
    return tuple(-value if part == "churned" and value is not None else value for value in values)


def _words(name: str, week: date, found: Values) -> str:
    active = found.get((name, week))
    told = {part: found.get((f"{name}.{part}", week)) for part in _PARTS}
    if active is None or None in told.values():
        return f"Week of {show_date(week)}: no data."
    retained, new, back, left = (show(told[part]) for part in _PARTS)
    return f"Week of {show_date(week)}: {show(active)} active: {retained} stayed, {new} new, {back} back; {left} left."


def _note(end: date, setting: Setting) -> str:
    return f"The week of {show_date(end)} is not over and is left out." if end < setting.end else ""
