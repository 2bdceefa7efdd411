"""What the columns of a table probably are: its time, entities, dimensions, names of events and values.

Names and types suggest, the sample decides, and every choice carries its reason: a person reads it and corrects it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from assay.catalog.expression import quote_identifier, quote_literal
from assay.catalog.functions import BARE
from assay.errors import UsageError
from assay.jobs.setup.introspect import Column, Facts

_WORDS = """all alter and any array as attach between case create cross cube current_user distinct drop else except
exchange execute explain false fetch for from global grant having if ilike in inner insert intersect interval into is
join like limit not null offset on optimize or order outer prepare prewhere qualify regexp rename revoke rollback rollup
sample select set settings show system then true union using values when where window with"""
# Words that mean something else without quotes, to ClickHouse or to the parser of expressions; a test finds them.
WORDS = frozenset(_WORDS.split()) | BARE
TIMES = ("event_time", "event_timestamp", "event_ts", "timestamp", "time", "ts", "occurred_at", "happened_at",
         "datetime", "created_at", "event_date", "date", "day")  # fmt: skip
# Times that say when a row came or changed, not when its event happened.
ARRIVALS = frozenset(("inserted", "ingested", "received", "loaded", "arrived", "ingestion"))
_OTHER_TIMES = ARRIVALS | {"updated", "modified", "deleted", "expires", "expired", "birth", "born", "processed"}
_TIME_WORDS = frozenset(("time", "timestamp", "ts", "date", "datetime", "at", "day"))
PEOPLE = ("user", "customer", "account", "member", "visitor", "client", "person", "player", "subscriber", "device",
          "session")  # fmt: skip
_IDS = frozenset(("id", "uid", "uuid", "guid"))
_CODES = frozenset(("number", "code", "key", "email", "phone", "login", "username"))
_EVENTS = ("event_name", "event_type", "event", "action", "action_type", "action_name", "type", "kind")
_QUANTITIES = """amount price revenue cost total duration seconds minutes quantity qty distance delay spent profit fee
bytes payment sum income discount tax"""
_VALUES = frozenset(_QUANTITIES.split())
_AGES = (18, 25, 35, 45, 55)
_TOP, _FEW, _MANY = 20, 50, 5000
_ENOUGH = 100  # rows, before "all values differ" says something
_MOST = {"entities": 4, "dimensions": 10, "events": 8, "values": 4}
_MILLENNIUM, _CENTURY = 946_684_800, 4_102_444_800  # 2000 and 2100, in seconds since 1970
_SINCE_1970 = (
    (1, "fromUnixTimestamp(toInt64({}))", "seconds"),
    (1000, "fromUnixTimestamp64Milli(toInt64({}))", "milliseconds"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A name, the column and SQL behind it, and why. `top` and `cuts` make a dimension of a special kind.

    `whole_days`: a time that knows its day only.
    """

    name: str
    column: str
    sql: str
    why: str
    top: int | None = None
    cuts: tuple[int, ...] = ()
    whole_days: bool = False


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns of one table are for. `events` are conditions on one row; `arrived` is when a row came."""

    time: Choice
    entities: tuple[Choice, ...]
    dimensions: tuple[Choice, ...]
    events: tuple[Choice, ...]
    values: tuple[Choice, ...]
    arrived: str | None = None


def roles(facts: Facts, zone: str) -> Roles:
    """The roles of a table's columns. Raises UsageError E601 when none can be its time, or none its entity."""
    time = _time(facts, zone)
    entities = _entities(facts, time.column)
    taken = {time.column, *(each.column for each in entities)}
    values = [each for each in facts.columns if each.name not in taken and _is_value(each)]
    left = [each for each in facts.columns if each.name not in taken and each not in values]
    arrived = [each for each in left if each.kind == "moment" and ARRIVALS & set(words(each.name))]
    return Roles(
        time,
        entities,
        _first("dimensions", (found for each in left if (found := _dimension(each, facts.rows)))),
        _first("events", _events(left)),
        _first("values", map(_value, values)),
        identifier(arrived[0].name) if arrived else None,
    )


def identifier(name: str) -> str:
    """A column in SQL: as it is where that is safe, else in backticks."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in WORDS
    return name if plain else quote_identifier(name)


def words(text: str) -> list[str]:
    """`userId`, `User ID` and `user_id` as [user, id]."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower())


def slug(text: str, otherwise: str = "value") -> str:
    """A name that a definition may have and that resembles `text`."""
    name = "_".join(words(text)) or otherwise
    return name if name[0].isalpha() else f"x_{name}"


def _first(kind: str, choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """The first choices, as many as are readable; one whose name is taken gets a number."""
    found: list[Choice] = []
    seen = Counter[str]()
    for each in islice(choices, _MOST[kind]):
        seen[each.name] += 1
        found.append(replace(each, name=f"{each.name}_{seen[each.name]}") if seen[each.name] > 1 else each)
    return tuple(found)


def _time(facts: Facts, zone: str) -> Choice:
    found = sorted((each for each in facts.columns if each.kind == "moment"), key=_preference)
    if found:
        column, others = found[0], ", ".join(each.name for each in found[1:])
        why = "in the key of the table" if column.key else "by its name" if others else "the only one"
        also = f"; also times: {others}" if others else ""
        return Choice("time", column.name, identifier(column.name), f"a {column.type}, {why}{also}")
    for column in sorted(facts.columns, key=_preference):
        if choice := _converted(column, zone):
            return choice
    raise _no_time(facts)


def _preference(column: Column) -> tuple[bool, bool, int]:
    name = "_".join(words(column.name))
    return bool(_OTHER_TIMES & set(words(name))), not column.key, TIMES.index(name) if name in TIMES else len(TIMES)


def _converted(column: Column, zone: str) -> Choice | None:
    """A moment from a date, from seconds since 1970 in a number, or from text."""
    name, sql = column.name, identifier(column.name)
    named = bool(_TIME_WORDS & set(words(name)))
    if column.kind == "day":
        why = "a Date has no clock: events stand at local midnight, and nothing is told within a day"
        return Choice("time", name, f"toDateTime({sql}, {quote_literal(zone)})", why, whole_days=True)
    if column.kind == "whole" and named and column.filled:
        for unit, convert, what in _SINCE_1970:
            if _MILLENNIUM * unit <= (column.low or 0) and (column.high or 0) < _CENTURY * unit:
                return Choice("time", name, convert.format(sql), f"{what} since 1970, by its name and values")
    if column.kind == "text" and named and 0 < column.filled == column.readable:
        why = "text that reads as a moment in every sampled row, taken as UTC; a DateTime would be faster"
        return Choice("time", name, f"parseDateTimeBestEffortOrNull({sql}, 'UTC')", why)
    return None


def _no_time(facts: Facts) -> UsageError:
    texts = [each for each in facts.columns if each.kind == "text" and _TIME_WORDS & set(words(each.name))]
    unread = "".join(
        f" '{each.name}' is text, and {each.filled - each.readable:,} of {each.filled:,} sampled values are no moment."
        for each in texts
    )
    listed = ", ".join(f"{each.name} {each.type}" for each in facts.columns[:12])
    return UsageError.of(
        "E601",
        f"No column of '{facts.name}' can be the time of an event.{unread} Columns: {listed}.",
        why="A source is a table of events: each row happened at a moment, by which days are cut.",
        fix="Name a table with a DateTime, or make a view that has one and name the view.",
    )


def _entities(facts: Facts, time: str) -> tuple[Choice, ...]:
    """The entities, the most likely unit of analysis first; never empty. Raises UsageError E601."""
    able = [each for each in facts.columns if each.kind in ("whole", "text") and each.name != time]
    named = [each for each in able if _is_id(each)]
    # what differs in every row is the id of the event itself
    found = [each for each in named if facts.rows < _ENOUGH or each.distinct < facts.rows] or named
    coded = [each for each in able if _CODES & set(words(each.name)) and not _is_value(each)]
    if found:
        return _first("entities", sorted((_entity(each, "an id by its name") for each in found), key=_rank))
    if coded:
        return _first("entities", (_entity(each, "identifies something by its name: check it") for each in coded))
    if not able:
        raise _no_entity(facts)
    why = "no column looks like an id, and this one has the most distinct values: check it"
    return (_entity(max(able, key=lambda each: each.distinct), why),)


def _is_id(column: Column) -> bool:
    parts = words(column.name)
    return bool(parts) and (parts[-1] in _IDS or "_".join(parts) in PEOPLE or column.type.endswith("UUID"))


def _rank(entity: Choice) -> int:
    return PEOPLE.index(entity.name) if entity.name in PEOPLE else len(PEOPLE)


def _entity(column: Column, why: str) -> Choice:
    parts = words(column.name)
    name = slug("_".join(parts[:-1] if len(parts) > 1 and parts[-1] in _IDS else parts), "entity")
    seen = f"; {column.distinct:,} in the sample" if column.filled else ""
    return Choice(name, column.name, identifier(column.name), why + seen)


def _no_entity(facts: Facts) -> UsageError:
    return UsageError.of(
        "E601",
        f"No column of '{facts.name}' can identify who or what did something.",
        why="A source counts entities: users, devices, orders.",
        fix="Name a table with an id: a number, text or UUID.",
    )


def _dimension(column: Column, rows: int) -> Choice | None:
    if words(column.name) == ["age"] and column.kind in ("whole", "number"):
        return Choice("age_group", column.name, identifier(column.name), "the usual groups of age", cuts=_AGES)
    if _is_id(column) or column.kind not in ("whole", "text", "choice"):
        return None
    name, sql, seen = slug(column.name, "dimension"), identifier(column.name), f"{column.distinct:,} values"
    if not rows and (column.kind == "choice" or column.repeats):
        top = None if column.kind == "choice" else _TOP
        return Choice(name, column.name, sql, "by its type; the table is empty", top)
    if 2 <= column.distinct <= (_TOP if column.kind == "whole" else _FEW) and 2 * column.distinct <= rows:
        return Choice(name, column.name, sql, seen)
    if column.kind == "text" and _FEW < column.distinct <= _MANY and 10 * column.distinct <= rows:
        return Choice(name, column.name, sql, f"{seen}: the most frequent are kept, the rest is 'other'", _TOP)
    return None


def _events(columns: Sequence[Column]) -> Iterator[Choice]:
    """A condition for each frequent value of the column that names events."""
    able = [each for each in columns if len(each.values) > 1 and "_".join(words(each.name)) in _EVENTS]
    if not able:
        return
    column = min(able, key=lambda each: _EVENTS.index("_".join(words(each.name))))
    rows = sum(column.values.values())
    usual = [value for value in column.values if value.isprintable() and value and not set("{}$") & set(value)]
    for value in usual[: _MOST["events"]]:
        share = column.values[value] / rows
        if share >= 0.01:
            sql = f"{identifier(column.name)} = {quote_literal(value)}"
            yield Choice(slug(value), column.name, sql, f"{share:.0%} of the sampled rows")


def _is_value(column: Column) -> bool:
    return column.kind in ("whole", "number") and bool(_VALUES & set(words(column.name)))


def _value(column: Column) -> Choice:
    sql, why = identifier(column.name), "a quantity by its name"
    if column.infinite:
        why += f"; {column.infinite:,} sampled values are NaN or infinite, and are skipped"
        sql = f"if(isFinite({sql}), {sql}, NULL)"
    return Choice(slug(column.name), column.name, sql, why)
