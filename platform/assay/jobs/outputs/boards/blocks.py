"""Tables of what a wide table cannot hold: `dash_<dashboard>_<tab>_weeks` of lifecycles and `…_cohorts` of retentions.

They hold the weeks and cohorts that the tab shows, as the blocks of the site do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from assay.compiler import dash, zone
from assay.config.block import CohortBlock, LifecycleBlock
from assay.config.report import DashboardSpec, Tab
from assay.jobs.context import Context
from assay.jobs.outputs.boards.store import Refreshed, replace
from assay.jobs.queries.cohort_records import Cohort
from assay.jobs.queries.cohorts import cohorts
from assay.jobs.queries.query import query
from assay.statement import Statement

PARTS = ("retained", "new", "resurrected", "churned")
LIFE = 30  # days of life of a tab's own cohorts
_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
_Row = tuple[Any, ...]


def retentions(dashboard: DashboardSpec, tab: Tab) -> list[CohortBlock]:
    """The cohorts of the tab as blocks, and those among its blocks; of a metric that comes twice, the first."""
    days = dashboard.days
    own = [CohortBlock(type="cohort", metric=name, cohorts=min(days, 60), life=min(days, LIFE)) for name in tab.cohorts]
    found: dict[str, CohortBlock] = {}
    for each in (*own, *(block for block in tab.blocks if isinstance(block, CohortBlock))):
        found.setdefault(each.metric, each)
    return list(found.values())


def refresh_weeks(context: Context, table: str, blocks: Sequence[LifecycleBlock], end: date) -> Refreshed:
    """Store the last whole weeks of lifecycles before `end`."""
    last = zone.first_of(end, "week")
    rows = [row for block in blocks for row in _weeks(context, block, last)]
    _store(context, table, dash.create_weeks, ("week", "metric", "part", "value"), rows)
    return Refreshed(table, len(rows), min((row[0] for row in rows), default=last), last)


def _weeks(context: Context, block: LifecycleBlock, end: date) -> Iterator[_Row]:
    names = [f"{block.metric}.{part}" for part in PARTS]
    for row in query(context, names, end - _WEEK * block.weeks, end, grain="week"):
        value = row.value if row.complete else None
        yield row.time, block.metric, row.metric.rpartition(".")[2], None if value is None else float(value)


def refresh_cohorts(context: Context, table: str, blocks: Sequence[CohortBlock], end: date) -> Refreshed:
    """Store the newest cohorts before `end`, as far as they had lived by then."""
    rows = [row for block in blocks for row in _cohorts(context, block, end)]
    columns = ("cohort", "metric", "day", "name", "value", "numerator", "denominator")
    _store(context, table, dash.create_cohorts, columns, rows)
    return Refreshed(table, len(rows), min((row[0] for row in rows), default=end), end)


def _cohorts(context: Context, block: CohortBlock, end: date) -> Iterator[_Row]:
    end = min(end, block.until + _DAY) if block.until else end
    start = end - _DAY * block.cohorts
    for each in cohorts(context, block.metric, start, end, days=block.life, baseline=0, until=end).cohorts:
        for cell in each.cells:
            if cell.value is not None:
                yield each.cohort, block.metric, cell.day, _name(each), cell.value, cell.numerator, cell.denominator


def _name(cohort: Cohort) -> str:
    return str(cohort.cohort) if cohort.size is None else f"{cohort.cohort} · {cohort.size:,}"


def _store(
    context: Context, table: str, create: Callable[[str], Statement], columns: Sequence[str], rows: Sequence[_Row]
) -> None:
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    replace(context, table, create, dict(zip(columns, values, strict=True)))
