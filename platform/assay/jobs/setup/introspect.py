"""Reads what a table is like: its columns, a bounded sample of its rows, and how its events follow one another.

Every statement is read-only and bounded. Nothing is decided here: `jobs/propose.py` does that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from assay.catalog.expression import quote_identifier
from assay.engine import Engine
from assay.errors import WarehouseError, did_you_mean
from assay.statement import Statement

SAMPLE = 200_000  # rows that are looked at
_SPREAD = 20  # of up to this many rows one is taken, so that at most SAMPLE × _SPREAD are read
_FEW = 50  # values of a column with at most this many are listed
_RECENT = timedelta(days=28)
# One thread makes the same sample every time; what is not done in time is left out.
_LIMITS = {"max_execution_time": 20, "timeout_overflow_mode": "break", "max_threads": 1}
_SYSTEM = ("system", "INFORMATION_SCHEMA", "information_schema")

# The beginning of a ClickHouse type, without LowCardinality and Nullable: what its values are.
_KINDS = (
    ("moment", r"DateTime"),
    ("day", r"Date"),
    ("whole", r"U?Int\d"),
    ("number", r"Float|BFloat|Decimal"),
    ("choice", r"Enum|Bool"),
    ("text", r"String|FixedString|UUID|IPv[46]"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its values in the sample. `key`: in the sorting or partition key.

    `filled` rows are not NULL, `infinite` ones are NaN or infinite, and `readable` ones are texts that are moments;
    `low` and `high` bound the finite numbers. `values` are all values with their rows where they are few.
    """

    name: str
    type: str
    key: bool = False
    filled: int = 0
    distinct: int = 0
    infinite: int = 0
    readable: int = 0
    low: float | None = None
    high: float | None = None
    values: Mapping[str, int] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """moment, day, whole, number, choice or text; empty for arrays, maps and the like."""
        inner = re.sub(r"^(LowCardinality\(|Nullable\()*", "", self.type)
        return next((kind for kind, pattern in _KINDS if re.match(pattern, inner)), "")

    @property
    def repeats(self) -> bool:
        """LowCardinality: whoever made the table expects few values."""
        return self.type.startswith("LowCardinality")


@dataclass(frozen=True, slots=True)
class Facts:
    """A table as it was found; `rows` is how many were looked at, `omitted` are columns that SQL texts cannot name."""

    database: str
    name: str
    rows: int
    columns: tuple[Column, ...]
    omitted: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        return f"{quote_identifier(self.database)}.{quote_identifier(self.name)}"

    def column(self, name: str) -> Column:
        return next(each for each in self.columns if each.name == name)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How events follow one another: how many there are, the first and the newest, and the longest silence.

    `silence` is measured in whole hours over the last 28 days of the table.
    """

    rows: int
    first: datetime
    newest: datetime
    silence: timedelta

    @property
    def per_day(self) -> float:
        return self.rows / max((self.newest - self.first) / timedelta(days=1), 1.0)


def look(engine: Engine, database: str, table: str) -> Facts:
    """The columns of a table and what a sample of at most SAMPLE rows holds. Raises WarehouseError E506 without it."""
    found = _columns(engine, database, table)
    if not found:
        raise _missing(engine, database, table)
    known = [each for each in found if not set("{}") & set(each.name)]  # braces are Jinja in SQL texts
    omitted = tuple(each.name for each in found if each not in known)
    sample = _sample(engine, Facts(database, table, 0, tuple(known)))
    rows, measured = _measured(engine, known, sample)
    listed = _listed(engine, measured, sample)
    columns = tuple(replace(each, values=listed.get(each.name, {})) for each in measured)
    return Facts(database, table, rows, columns, omitted)


def rhythm(engine: Engine, facts: Facts, time: str, where: str = "1") -> Rhythm | None:
    """How the events of a table follow one another, by the SQL of their time; None for an empty table.

    None, too, when the whole table could not be read in time: part of it tells neither its beginning nor its end.
    """
    sql = f"""SELECT count(), toUnixTimestamp(min({time})), toUnixTimestamp(max({time}))
FROM {facts.sql} WHERE ({time}) IS NOT NULL AND ({where})"""  # noqa: S608 - quoted names, our own expression
    try:
        ((rows, first, newest),) = engine.run(_asked(sql, f"extent of {facts.name}", bounded=False)).rows
    except WarehouseError as error:
        if error.diagnostics[0].code != "E509":
            raise
        return None
    if not rows:
        return None
    begin, end = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(newest, UTC)
    return Rhythm(rows, begin, end, _silence(engine, facts, time, newest))


def delay(engine: Engine, facts: Facts, time: str, arrived: str, newest: datetime) -> timedelta | None:
    """The time within which 99.9 % of the last 28 days' events arrived; None without such events."""
    since = int((newest - _RECENT).timestamp())
    sql = f"""SELECT count(), quantileTDigest(0.999)(assumeNotNull(dateDiff('second', {time}, {arrived})))
FROM {facts.sql} WHERE ({time}) >= fromUnixTimestamp({since}) AND ({arrived}) IS NOT NULL"""  # noqa: S608
    ((rows, seconds),) = engine.run(_asked(sql, f"delay of {facts.name}")).rows
    return timedelta(seconds=max(int(seconds), 0)) if rows else None


def _columns(engine: Engine, database: str, table: str) -> list[Column]:
    sql = """SELECT name, type, is_in_sorting_key OR is_in_partition_key FROM system.columns
WHERE database = {database:String} AND table = {table:String} AND default_kind != 'EPHEMERAL' ORDER BY position"""
    asked = Statement(sql, f"columns of {table}", {"database": database, "table": table})
    return [Column(name, kind, key=bool(key)) for name, kind, key in engine.run(asked).rows]


def _missing(engine: Engine, database: str, table: str) -> WarehouseError:
    sql = "SELECT database, name FROM system.tables WHERE NOT is_temporary ORDER BY database, name"
    pairs = [pair for pair in engine.run(Statement(sql, "tables")).rows if pair[0] not in _SYSTEM]
    here = [name for each, name in pairs if each == database]
    known = {**{name: name for name in here}, **{f"{each}.{name}": "" for each, name in pairs}}
    near = did_you_mean(table, here) or did_you_mean(f"{database}.{table}", known)
    listed = ", ".join(here[:20]) or "none"
    return WarehouseError.of(
        "E506",
        f"There is no table '{table}' in the database '{database}'.{near}",
        why="A source is made from the columns and rows of a table.",
        fix=f"Name another one with --table [DATABASE.]TABLE. Tables of '{database}': {listed}.",
    )


def _sample(engine: Engine, facts: Facts) -> str:
    sql = "SELECT total_rows FROM system.tables WHERE database = {database:String} AND name = {table:String}"
    asked = Statement(sql, f"size of {facts.name}", {"database": facts.database, "table": facts.name})
    step = min((engine.run(asked).scalar() or 0) // SAMPLE, _SPREAD)  # a view does not know its size
    spread = f" WHERE rowNumberInAllBlocks() % {step} = 0" if step > 1 else ""
    names = ", ".join(quote_identifier(each.name) for each in facts.columns) or "1"
    return f"(SELECT {names} FROM {facts.sql}{spread} LIMIT {SAMPLE})"  # noqa: S608 - quoted names


def _measured(engine: Engine, columns: list[Column], sample: str) -> tuple[int, list[Column]]:
    """How many rows the sample has, and the columns with what it says about them."""
    plain = [each for each in columns if each.kind]
    parts = ", ".join(["count()", *(_statistics(each) for each in plain)])
    row = engine.run(_asked(f"SELECT {parts} FROM {sample}", "sample of the table")).rows[0]  # noqa: S608
    told = {each.name: found for each, found in zip(plain, row[1:], strict=True)}
    names = ("filled", "distinct", "infinite", "readable", "low", "high")
    measured = (dict(zip(names, told.get(each.name, ()), strict=False)) for each in columns)
    return row[0], [replace(each, **found) for each, found in zip(columns, measured, strict=True)]


def _statistics(column: Column) -> str:
    name, number = quote_identifier(column.name), f"toFloat64({quote_identifier(column.name)})"
    finite = f"isFinite({number})"
    numbers = column.kind in ("whole", "number")
    infinite = f"countIf(NOT {finite})" if column.kind == "number" else "0"
    texts = column.kind == "text"
    readable = f"countIf(parseDateTimeBestEffortOrNull(toString({name})) IS NOT NULL)" if texts else "0"
    bounds = f"minIf({number}, {finite}), maxIf({number}, {finite})" if numbers else "NULL, NULL"
    return f"tuple(count({name}), uniqExact({name}), {infinite}, {readable}, {bounds})"


def _listed(engine: Engine, columns: list[Column], sample: str) -> dict[str, dict[str, int]]:
    """The values of texts and choices that have few of them, the most frequent first."""
    few = [each for each in columns if each.kind in ("text", "choice") and 0 < each.distinct <= _FEW]
    if not few:
        return {}
    counts = (f"sumMap([ifNull(toString({quote_identifier(each.name)}), '')], [toUInt64(1)])" for each in few)
    row = engine.run(_asked(f"SELECT {', '.join(counts)} FROM {sample}", "values in the sample")).rows[0]  # noqa: S608
    pairs = (sorted(zip(*found, strict=True), key=lambda pair: (-pair[1], pair[0])) for found in row)
    return {each.name: dict(found) for each, found in zip(few, pairs, strict=True)}


def _silence(engine: Engine, facts: Facts, time: str, newest: int) -> timedelta:
    since = newest - int(_RECENT.total_seconds())
    sql = f"""SELECT DISTINCT intDiv(toUnixTimestamp({time}), 3600) AS assay__hour FROM {facts.sql}
WHERE ({time}) >= fromUnixTimestamp({since}) AND ({time}) <= fromUnixTimestamp({newest}) ORDER BY assay__hour"""  # noqa: S608
    hours = engine.run(_asked(sql, f"rhythm of {facts.name}")).column("assay__hour")
    return timedelta(hours=max((after - before for before, after in pairwise(hours)), default=0))


def _asked(sql: str, purpose: str, *, bounded: bool = True) -> Statement:
    settings = _LIMITS if bounded else {"max_execution_time": _LIMITS["max_execution_time"]}
    return Statement(sql, purpose, settings=settings)
