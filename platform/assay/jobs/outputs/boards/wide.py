"""Wide tables `dash_<dashboard>_<tab>`, which BI tools read: the rows of `query`, one per day and slice.

They are stored, not views: a view over `measure_states` does not know which days were built, are not over yet, or
were withheld by a check, and would show a zero there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.catalog.catalog import Metric
from assay.compiler import dash, series
from assay.compiler.states import DAY, dimension_key
from assay.config.block import CohortBlock, HeatmapBlock, LifecycleBlock, LineBlock, TableBlock
from assay.config.definitions import Definition
from assay.config.report import DashboardSpec, Tab
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.outputs.boards import blocks
from assay.jobs.outputs.boards.store import Refreshed, replace
from assay.jobs.queries.query import Row, query
from assay.jobs.storage import builds, pauses
from assay.jobs.storage.stored import Stored

ALL = "all"
WIDE = (LineBlock, HeatmapBlock, TableBlock)  # blocks that the wide table can show
_DAYS = 400  # so far back the tables go
_NUMBERS = 3_000_000  # of one dimension, at about 350 bytes each while they are read
_ONE_DAY = timedelta(days=1)

_Key = tuple[date, str, str]  # day, dimension, value


@dataclass(frozen=True, slots=True)
class Board:
    """One tab as a BI tool sees it: `by` names the dimensions that each metric can be split by."""

    dashboard: Definition[DashboardSpec]
    name: str
    tab: Tab
    metrics: tuple[Metric, ...]
    by: Mapping[str, tuple[str, ...]]

    @property
    def table(self) -> str:
        return f"dash_{self.dashboard.name}_{self.name}"

    @property
    def sources(self) -> set[str]:
        return {source for metric in self.metrics for source in metric.sources}

    @property
    def weeks(self) -> str:
        return f"{self.table}_weeks"

    @property
    def cohorts(self) -> str:
        return f"{self.table}_cohorts"

    @property
    def lifecycles(self) -> list[LifecycleBlock]:
        return [each for each in self.tab.blocks if isinstance(each, LifecycleBlock)]

    @property
    def retentions(self) -> list[CohortBlock]:
        return blocks.retentions(self.dashboard.spec, self.tab)

    @property
    def tables(self) -> list[str]:
        """The wide one first."""
        others = [self.weeks] if self.lifecycles else []
        return [self.table, *others, *([self.cohorts] if self.retentions else [])]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Those of any metric, in the order of the definition."""
        return tuple(name for name in wanted(self.tab) if any(name in found for found in self.by.values()))


def wanted(tab: Tab) -> tuple[str, ...]:
    by = (each.by for each in tab.blocks if isinstance(each, WIDE) and each.by)
    return tuple(dict.fromkeys((*tab.by, *tab.filters, *by)))


def boards(context: Context, names: Sequence[str] = ()) -> list[Board]:
    """The tabs of some dashboards, of all without names. Raises UsageError E201 or E601."""
    known = context.catalog.definitions.dashboards
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        raise UsageError.of(
            "E201",
            f"Unknown dashboard '{unknown[0]}'." if unknown else "No dashboard is defined.",
            why="Boards are made from the definitions.",
            fix=f"Use one of: {', '.join(known)}." if known else "Add 'dashboards:' to a file of metrics.",
        )
    chosen = [known[name] for name in known if not names or name in names]
    found = [_board(context, each, name, tab) for each in chosen for name, tab in each.spec.tabs.items()]
    _refuse_same(found)
    return found


def _refuse_same(found: Sequence[Board]) -> None:
    owners: dict[str, Board] = {}
    for table, board in [(table, each) for each in found for table in each.tables]:
        if owners.setdefault(table, board) is not board:
            raise UsageError.of(
                "E601",
                f"Two tabs have the table '{table}'.",
                why="Its name is made of the names of the dashboard and the tab.",
                fix="Rename a tab.",
                location=board.dashboard.at("tabs", board.name),
            )


def _board(context: Context, dashboard: Definition[DashboardSpec], name: str, tab: Tab) -> Board:
    shown = (name for block in tab.blocks if isinstance(block, WIDE) for name in block.shown)
    metrics = tuple(context.catalog.metric(each) for each in dict.fromkeys((*tab.metrics, *shown)))
    for metric in metrics:
        if dash.column_name(metric) in dash.KEYS:
            raise UsageError.of(
                "E601",
                f"The metric '{metric.name}' has the name of a column that every wide table has.",
                why=f"{', '.join(dash.KEYS)} say which row it is.",
                fix="Rename the metric.",
                location=dashboard.at("tabs", name, "metrics"),
            )
    by = {metric.name: tuple(each for each in wanted(tab) if _readable(context, metric, each)) for metric in metrics}
    return Board(dashboard, name, tab, metrics, by)


def _readable(context: Context, metric: Metric, dimension: str) -> bool:
    """Whether a metric can be split by a dimension."""
    if dimension not in context.catalog.dimensions([metric]):
        return False
    try:
        series.series([metric], "day", dimension, date.min, date.max, context.database)
    except UsageError:
        return False
    return True


def refresh_all(context: Context, found: Sequence[Board]) -> list[Refreshed]:
    """Store every table of some boards again. Raises as `refresh`, and UsageError E516 while the project is paused."""
    pauses.refuse(context)
    tables: list[Refreshed] = []
    for at, board in enumerate(found):
        context.progress(at, len(found), board.table)
        wide = refresh(context, board)
        tables += [wide, *_others(context, board, wide.end)]
    context.progress(len(found), len(found), "stored")
    return tables


def _others(context: Context, board: Board, end: date) -> Iterator[Refreshed]:
    if board.lifecycles:
        yield blocks.refresh_weeks(context, board.weeks, board.lifecycles, end)
    if board.retentions:
        yield blocks.refresh_cohorts(context, board.cohorts, board.retentions, end)


def refresh(context: Context, board: Board) -> Refreshed:
    """Store the wide table of a board again, in one step.

    Raises WarehouseError E511 when no whole day is stored, and UsageError E601 for a dimension of too many values.
    """
    start, end = _span(context, board)
    _refuse_many(context, board, start, end)
    cells = _cells(_read(context, board, start, end))
    replace(context, board.table, lambda name: dash.create(name, board.metrics), _columns(board, cells))
    return Refreshed(board.table, len(cells), start, end)


def _span(context: Context, board: Board) -> tuple[date, date]:
    """The stored days of the sources of a board, up to the newest that is over: half a day looks like a loss."""
    builds.prepare(context)
    days = sorted({day for source, day in builds.read(context, DAY) if source in board.sources})
    stored = Stored(context, None, "day")
    whole = (day for day in reversed(days) if any(stored.full(metric, day) for metric in board.metrics))
    last = next(whole, None)
    if last is None:
        raise _nothing(board)
    end = last + _ONE_DAY
    return max(days[0], end - _DAYS * _ONE_DAY), end


def _refuse_many(context: Context, board: Board, start: date, end: date) -> None:
    counted = dash.values(context.database, sorted(board.sources), board.dimensions, start, end)
    for dimension, values in context.engine.run(counted).rows:
        numbers = values * (end - start).days * len(board.metrics)
        if numbers > _NUMBERS:
            raise UsageError.of(
                "E601",
                f"The dimension '{dimension}' has {values:,} values, which makes {numbers:,} numbers of {board.table}.",
                why=f"A wide table holds every day of every value, at most {_NUMBERS:,} numbers of one dimension.",
                fix=f"Give the dimension 'top: 50', or leave it out of the tab's 'by' and 'filters': {dimension}.",
                location=board.dashboard.at("tabs", board.name),
            )


def _nothing(board: Board) -> WarehouseError:
    return WarehouseError.of(
        "E511",
        f"Nothing is stored yet for {board.table}.",
        why="A board shows stored series, and an empty one would look like zeros.",
        fix="Run 'platform run' first.",
        location=board.dashboard.at("tabs", board.name),
    )


def _read(context: Context, board: Board, start: date, end: date) -> Iterable[Row]:
    names = [metric.name for metric in board.metrics]
    yield from query(context, names, start, end)
    for dimension in board.dimensions:
        for group in _alike(context, board, dimension):
            yield from query(context, group, start, end, dimension)


def _alike(context: Context, board: Board, dimension: str) -> list[list[str]]:
    """Metrics that mean the same by a dimension: one question for each meaning."""
    found: dict[str, list[str]] = {}
    for metric in board.metrics:
        if dimension in board.by[metric.name]:
            meaning = dimension_key(dimension, context.catalog.dimension(dimension, [metric]))
            found.setdefault(meaning, []).append(metric.name)
    return list(found.values())


def _cells(rows: Iterable[Row]) -> dict[_Key, dict[str, Row]]:
    """Every day of every slice: a day of which nothing is known must not be missing from a sum."""
    found: dict[_Key, dict[str, Row]] = {}
    for row in rows:
        dimension, value = next(iter(row.by.items()), ("", ""))
        found.setdefault((row.time, dimension, value), {})[row.metric] = row
    return found


def _columns(board: Board, cells: Mapping[_Key, Mapping[str, Row]]) -> dict[str, Sequence[Any]]:
    days, dimensions, values = zip(*cells, strict=True)
    slices = [f"{dimension} = {value}" if dimension else ALL for _, dimension, value in cells]
    columns: dict[str, Sequence[Any]] = {"day": days, "slice": slices, "dimension": dimensions, "value": values}
    for metric in board.metrics:
        rows = [found.get(metric.name) for found in cells.values()]
        for column, part in zip(dash.columns(metric), ("value", "numerator", "denominator"), strict=False):
            columns[column.name] = [_number(row, part) for row in rows]
    return columns


def _number(row: Row | None, part: str) -> float | None:
    """NULL where the metric has no such slice, and for a day stored in part."""
    value = getattr(row, part) if row and row.complete else None
    return None if value is None else float(value)
