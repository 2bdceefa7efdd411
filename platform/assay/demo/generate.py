"""The demo's two event tables as SQL statements, run inside ClickHouse.

Steps: days and users → visits (a user's day in the feed) → sessions → views and likes; users → the day's messenger
members → messages. All chance is a hash of the seed, a purpose and the row's own keys, so the result depends neither on
threads nor on the order of execution.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assay.demo import events, shapes
from assay.demo.days import Day, days
from assay.errors import UsageError
from assay.statement import Statement

FIRST_ADS_USER = 200
FIRST_ORGANIC_USER = 109_000
DAYS_PER_STEP = 7
SCRATCH = ("demo_days", "demo_users", "demo_visits", "demo_members")


def statements(
    scale: float = 0.1, seed: int = 20250706, database: str = "default", timezone: str = "Europe/Moscow"
) -> tuple[Statement, ...]:
    """Statements that create and fill `feed_actions` and `message_actions` in an existing `database`, in order.

    `scale` multiplies the number of users and messages and leaves each user's behaviour alone; 1 is about 72 million
    events. Events lie in the local days 2025-07-06 to 2025-10-20 of `timezone` and are stored in UTC. The same
    arguments always give the same rows; tables of these names are replaced.

    Raises UsageError (E601) for a scale outside (0, 1], a negative seed or an unknown time zone.
    """
    _check(scale, seed, timezone)
    calendar = days(scale, seed)
    context = _context(scale, seed, database, timezone, calendar)
    return tuple(_steps(context, calendar))


def _steps(context: dict[str, Any], calendar: tuple[Day, ...]) -> Iterator[Statement]:
    yield _statement("feed_actions", "create table feed_actions", context)
    yield _statement("message_actions", "create table message_actions", context)
    yield _statement("days", "plan the days", context)
    yield _statement("users", "let users arrive", context)
    yield _statement("visits", "let users return", context)
    for chunk in _chunks(calendar):
        yield _statement("feed", f"write the feed from {chunk[0].date}", context, chunk)
    yield _statement("members", "choose who talks on each day", context)
    for chunk in _chunks(calendar):
        yield _statement("messages", f"write the messages from {chunk[0].date}", context, chunk)
    for table in SCRATCH:
        yield _statement("drop", f"drop table {table}", {**context, "table": table})


def _chunks(calendar: tuple[Day, ...]) -> Iterator[tuple[Day, ...]]:
    for start in range(0, len(calendar), DAYS_PER_STEP):
        yield calendar[start : start + DAYS_PER_STEP]


def _statement(template: str, purpose: str, context: dict[str, Any], chunk: tuple[Day, ...] = ()) -> Statement:
    bounds = {"first": chunk[0].number, "last": chunk[-1].number} if chunk else {}
    sql = _environment().get_template(f"{template}.sql.j2").render({**context, **bounds})
    return Statement(sql, f"demo: {purpose}", writes=True)


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701 (SQL)
    environment.filters["literal"] = _literal
    return environment


def _context(scale: float, seed: int, database: str, timezone: str, calendar: tuple[Day, ...]) -> dict[str, Any]:
    return {
        "seed": seed,
        "db": _identifier(database),
        "timezone": timezone,
        "days": calendar,
        "shapes": shapes,
        "events": events,
        "first_ads_user": FIRST_ADS_USER,
        "first_organic_user": FIRST_ORGANIC_USER,
        "small_cities": max(100, round(shapes.SMALL_CITIES * scale**0.5)),
        "country_names": list(shapes.COUNTRIES),
        "country_bounds": shapes.cumulative(tuple(shapes.COUNTRIES.values())),
        "city_names": list(shapes.CITIES),
        "city_bounds": _city_bounds(),
        "day_quantiles": shapes.cumulative(shapes.slot_weights()),
        "h1_low": events.H1_LOW_CTR - shapes.GLOBAL_CTR,
        "h1_high": _h1_high(),
    }


def _h1_high() -> float:
    """Offset of the lucky users' CTR, such that the week's expected effect is H1's size (six broken days, one good)."""
    broken = (7 * events.H1.size - events.H1_REPAIRED_SIZE) / 6
    low = events.H1_LOW_SHARE * (events.H1_LOW_CTR - shapes.GLOBAL_CTR)
    return (broken - low) / (1 - events.H1_LOW_SHARE)


def _city_bounds() -> list[float]:
    """Cumulative shares of the named cities within Russia; beyond the last one lie the small cities."""
    russia = shapes.COUNTRIES["Russia"]
    return [total / russia for total in accumulate(shapes.CITIES.values())]


def _literal(value: Any) -> str:
    """A Python value as a ClickHouse literal."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(each) for each in value) + "]"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(int(value)) if isinstance(value, bool) else repr(value)


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _check(scale: float, seed: int, timezone: str) -> None:
    if not 0 < scale <= 1:
        raise UsageError.of(
            "E601",
            f"The demo cannot be made at scale {scale}.",
            why="Above 1 the ids of ads users would run into those of organic users.",
            fix="Use a scale above 0 and at most 1, for example 0.1.",
        )
    if seed < 0:
        raise UsageError.of(
            "E601",
            f"The demo cannot use the seed {seed}.",
            why="The seed is hashed as an unsigned integer.",
            fix="Use a seed of 0 or more.",
        )
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise UsageError.of(
            "E601",
            f"The time zone {timezone!r} is not known.",
            why="Local days of the demo need a zone of the IANA database.",
            fix="Use a name such as Europe/Moscow or UTC.",
        ) from None
