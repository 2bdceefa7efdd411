"""Wide tables `dash_<dashboard>_<tab>`, which BI tools read: the rows of `query`, one per day and slice.

They are stored, not views: a view over `measure_states` does not know which days were built, are not over yet, or
were withheld by a check, and would show a zero there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.catalog.catalog import Metric
from assay.compiler import dash, series
from assay.compiler.states import DAY, dimension_key
from assay.config.definitions import Definition
from assay.config.report import DashboardSpec, Tab
from assay.engine.publish import Whole, exchange
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.queries.query import Row, query
from assay.jobs.storage import builds
from assay.statement import Insert, Statement, Table

ALL = "all"
_DAYS = 400  # so far back the tables go
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
    def dimensions(self) -> tuple[str, ...]:
        """Those of any metric, in the order of the definition."""
        return tuple(name for name in wanted(self.tab) if any(name in found for found in self.by.values()))


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What `refresh` stored: the local days [start, end)."""

    table: str
    rows: int
    start: date
    end: date

    def as_dict(self) -> dict[str, Any]:
        return {"table": self.table, "rows": self.rows, "from": str(self.start), "to": str(self.end)}


def wanted(tab: Tab) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*tab.by, *tab.filters)))


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
    return [_board(context, each, name, tab) for each in chosen for name, tab in each.spec.tabs.items()]


def _board(context: Context, dashboard: Definition[DashboardSpec], name: str, tab: Tab) -> Board:
    metrics = tuple(context.catalog.metric(each) for each in dict.fromkeys(tab.metrics))
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


def refresh(context: Context, board: Board) -> Refreshed:
    """Store the wide table of a board again, in one step. Raises WarehouseError E511 when nothing is stored."""
    start, end = _span(context, board)
    cells = _cells(_read(context, board, start, end))
    if not cells:
        raise _nothing(board)
    target = f"{context.database}.{board.table}"

    def fill(stage: str) -> list[Insert]:
        return [Insert(stage, _columns(board, cells), f"fill {target}", uuid.uuid4().hex)]

    work = Whole(target, lambda name: dash.create(name, board.metrics), fill, _no_checks, f"refresh {target}")
    exchange(context.engine, work, uuid.uuid4().hex[:12], _verified)
    return Refreshed(board.table, len(cells), start, end)


def _span(context: Context, board: Board) -> tuple[date, date]:
    """The stored days of the sources of a board, the newest of them."""
    builds.prepare(context)
    sources = {source for metric in board.metrics for source in metric.sources}
    days = [day for source, day in builds.read(context, DAY) if source in sources]
    if not days:
        raise _nothing(board)
    end = max(days) + _ONE_DAY
    return max(min(days), end - _DAYS * _ONE_DAY), end


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
    """The known values: a row in which no metric is known is not there at all."""
    found: dict[_Key, dict[str, Row]] = {}
    for row in rows:
        if row.value is not None or row.numerator is not None or row.denominator is not None:
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
            columns[column.name] = [_float(getattr(row, part, None)) for row in rows]
    return columns


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _no_checks(_stage: str) -> list[Statement]:
    """The rows were checked where they come from."""
    return []


def _verified(_statement: Statement, _found: Table) -> None:
    """Nothing to verify, as above."""
