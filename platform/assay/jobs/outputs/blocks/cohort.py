"""`cohort`: retention by cohort and day of life."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from statistics import fmean

from assay.config.block import CohortBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.cohort_records import Cohort, Matrix
from assay.jobs.queries.cohorts import cohorts
from assay.report.format import show, show_date
from assay.report.views import BlockView, MatrixFigure


def view(context: Context, block: CohortBlock, setting: Setting) -> BlockView:
    """The newest cohorts as far as they had lived by the end of the day, as `query --cohort` tells of them."""
    start = setting.end - timedelta(days=block.cohorts)
    found = cohorts(context, block.metric, start, setting.end, days=block.life, until=setting.end)
    title = block.title or context.catalog.metric(block.metric).label
    alive = [each for each in found.cohorts if any(cell.value is not None for cell in each.cells)]
    flagged = tuple((_name(each), each.sentence or "") for each in alive if each.flagged)
    words = (*_summary(found), *(sentence for _, sentence in flagged))
    return BlockView(title, words=words, figure=_figure(title, found, alive, flagged) if alive else None, kind="cohort")


def _figure(title: str, found: Matrix, alive: list[Cohort], flagged: tuple[tuple[str, str], ...]) -> MatrixFigure:
    rows = tuple((_name(each), tuple(cell.value for cell in each.cells)) for each in alive)
    peak = max(abs(value) for _, values in rows for value in values if value is not None) or 1.0
    tones = tuple(tuple(None if value is None else value / peak for value in values) for _, values in rows)
    return MatrixFigure(title, found.style, tuple(f"day {day}" for day in found.days), rows, tones, flagged)


def _name(cohort: Cohort) -> str:
    size = "" if cohort.size is None else f" · {cohort.size:,}"
    return f"{show_date(cohort.cohort)}{size}"


def _summary(found: Matrix) -> Iterator[str]:
    """Mean, best, worst and spread of the day that stands for the curve."""
    summary = found.summary
    if summary is None:
        yield f"No cohort is {found.days[-1] if found.days[-1] < _WEEK else _WEEK} days old yet."
        return
    day, style = summary.day, found.style
    values = {each.cohort: value for each in found.cohorts if (value := each.on(day)) is not None}
    count = f"{len(values)} cohort{'' if len(values) == 1 else 's'}"
    yield f"Day {day}: {show(fmean(values.values()), style)} on average of {count}, {_when(values)}"
    best, worst = (f"{show(each.on(day), style)} ({show_date(each.cohort)})" for each in (summary.best, summary.worst))
    spread = f"{100 * summary.spread:.1f} pp" if style == "percent" else show(summary.spread, style)
    yield f"Best {best}, worst {worst}, spread {spread}"


_WEEK = 7


def _when(values: dict[date, float]) -> str:
    first, last = min(values), max(values)
    return show_date(first) if first == last else f"{show_date(first)} to {show_date(last)}"
