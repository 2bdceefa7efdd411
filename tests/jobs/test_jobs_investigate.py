"""`investigate` on a small shop whose every event is known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from jsonschema import Draft202012Validator

from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.outputs.contracts import SCHEMAS
from assay.jobs.queries.investigate import investigate
from assay.jobs.queries.investigation import Investigation
from assay.jobs.runs import materialize

FIRST, ON = date(2025, 3, 3), date(2025, 3, 31)  # both are Mondays
DAYS = (ON - FIRST).days + 1
FILES = {
    "metrics/all.yaml": """
sources:
  app:
    table: RAW.visits
    time: at
    entities: {user: user_id, page: page_id}
    dimensions: {city: city, os: os}
  chat:
    table: RAW.messages
    time: at
    entities: {user: user_id}
    dimensions: {city: city, os: os}
metrics:
  visits: {type: count, source: app}
  likes: {type: count, source: app, where: liked = 1}
  spent: {type: sum, source: app, value: spent}
  like_rate: {type: ratio, numerator: likes, denominator: visits}
  app_users: {type: unique, source: app, of: user}
  chat_users: {type: unique, source: chat, of: user}
  messages: {type: count, source: chat}
  users: {type: set, expr: app_users | chat_users}
  both: {type: set, expr: app_users & chat_users}
  pages: {type: unique, source: app, of: page}
  actions: {type: derived, expr: visits + messages}
  balance: {type: derived, expr: visits - messages}
  doubled: {type: derived, expr: 2 * visits / 4}
  half_spent: {type: quantile, source: app, value: spent, level: 0.5}
  weekly: {type: rolling, metric: app_users, window: 7d}
  new_users: {type: new, metric: app_users}
"""
}
# On each day 600 users visit once: city by id % 5, os by whether id % 100 < 50. The first 100 also chat; 60 only chat.
VISITS = """INSERT INTO RAW.visits SELECT
  toDateTime('2025-03-03 12:00:00', 'UTC') + toIntervalDay(number DIV 600) AS at,
  number % 600 AS user_id, number % 7 AS page_id, ['A', 'B', 'C', 'D', 'E'][user_id % 5 + 1] AS city,
  if(user_id % 100 < 50, 'ios', 'android') AS os, number % 4 = 0 AS liked, 2.5 AS spent FROM numbers(600 * {days})"""
MESSAGES = """INSERT INTO RAW.messages SELECT toDateTime('2025-03-03 12:00:00', 'UTC') + toIntervalDay(number DIV 160),
  number % 160 + if(number % 160 < 100, 0, 900) AS user_id, ['A', 'B', 'C', 'D', 'E'][user_id % 5 + 1],
  if(user_id % 100 < 50, 'ios', 'android') FROM numbers(160 * {days})"""
# On the last day nobody in B opens the app on ios, and in C nobody likes anything.
BROKEN = "DELETE FROM RAW.visits WHERE toDate(at) = '2025-03-31' AND city = 'B' AND os = 'ios'"
UNLIKED = "ALTER TABLE RAW.visits UPDATE liked = 0 WHERE toDate(at) = '2025-03-31' AND city = 'C'"
TABLES = {
    "visits": "at DateTime('UTC'), user_id UInt32, page_id UInt32, city String, os String, liked UInt8, spent Float64",
    "messages": "at DateTime('UTC'), user_id UInt32, city String, os String",
}


@pytest.fixture(scope="module")
def context(lab) -> Context:
    shop = lab.shop(FILES, TABLES)
    for statement in (VISITS, MESSAGES):
        shop.write(statement.format(days=DAYS))
    shop.write(BROKEN)
    shop.write(UNLIKED + " SETTINGS mutations_sync = 1")
    materialize.run(shop.context, start=FIRST, end=ON + timedelta(days=1))
    return shop.context


def _found(context: Context, name: str, on: date = ON, versus: date | None = None) -> Investigation:
    found = investigate(context, name, on, versus)
    Draft202012Validator(SCHEMAS["investigate"]).validate({"schema": 1} | found.as_dict())
    return found


def _by(found: Investigation) -> list[dict[str, tuple[str, ...]]]:
    return [dict(each.by) for each in found.segments]


@pytest.mark.parametrize("versus", [None, ON - timedelta(days=1)])
def test_a_slice_and_the_slice_inside_it(context: Context, versus: date | None) -> None:
    """60 of the 120 visits in B are missing, and these are the ones on ios: 600 → 540."""
    found = _found(context, "visits", versus=versus)
    assert (found.before, found.after) == (600, 540)
    assert _by(found) == [{"city": ("B",)}, {"city": ("B",), "os": ("ios",)}]
    assert [(each.before, each.after, each.contribution) for each in found.segments] == [(120, 60, 1.0), (60, 0, 1.0)]
    assert found.looked_at == (5 + 2) + 2
    assert found.summary == ("Visits fell by 10 % on 2025-03-31, and all of it is city B; there mostly os ios.")


@pytest.mark.parametrize("name", ["app_users", "doubled", "spent"])
def test_all_kinds_of_totals_find_the_city(context: Context, name: str) -> None:
    assert _by(_found(context, name))[0] == {"city": ("B",)}


def test_the_rate_of_a_slice_is_named(context: Context) -> None:
    """C's likes are gone, and its visits are all there; B's visits are fewer, and liked as ever."""
    found = _found(context, "like_rate")
    assert (found.segments[0].by, found.segments[0].effect) == ({"city": ("C",)}, "rate")
    assert found.segments[0].before == 0.25
    assert "city C, by its own ratio" in found.summary


def test_the_part_of_a_set_is_named(context: Context) -> None:
    """In B, 60 users on ios are gone from the app; the 10 of them who chat are now in the chat only."""
    found = _found(context, "users")
    assert _by(found)[0] == {"city": ("B",)}
    assert ("app only",) in [each.get("_part") for each in _by(found)]
    assert "app only" in found.summary


def test_the_term_of_a_sum_is_named(context: Context) -> None:
    found = _found(context, "actions")
    assert found.segments[0].by == {"city": ("B",)}
    assert {"_part": ("visits",)}.items() <= found.segments[-1].by.items()


def test_parts_are_counted_from_events_exactly(context: Context) -> None:
    """660 users a day: 500 in the app only, 100 in both, 60 in the chat only."""
    from assay.compiler.investigate import PART, Inside, shape, slices

    metric = context.catalog.metric("users")
    form = shape(metric.series)
    assert form is not None
    ((_, statement),) = slices(context.catalog, metric, form.terms, {}, Inside((FIRST, ON), {}), context.database)
    rows = {(row["day"], row["dim"], row["val"]): row["v0"] for row in context.engine.run(statement).dicts()}
    assert rows[FIRST, "", ""] == 660
    assert [rows[FIRST, PART, bits] for bits in ("1", "2", "3")] == [500, 60, 100]


def test_events_inside_a_slice_are_those_of_the_states(context: Context) -> None:
    from assay.compiler.investigate import shape
    from assay.jobs.queries.query import query
    from assay.jobs.queries.slices import Slices

    metric = context.catalog.metric("like_rate")
    form = shape(metric.series)
    assert form is not None
    slices = Slices(context, metric, form, [FIRST, ON])
    (cities, _), _ = slices.stored()
    (inside,) = slices.inside({"os": ("ios", "android")}, ["city", "os"])
    assert inside.above.tolist() == cities.above.tolist()
    assert inside.below is not None
    assert cities.below is not None
    assert inside.below.tolist() == cities.below.tolist()
    rows = query(context, ["likes"], ON, ON + timedelta(days=1), "city")
    assert [row.value for row in rows] == inside.above[:, 1].tolist()


def test_an_ordinary_day(context: Context) -> None:
    found = _found(context, "visits", ON - timedelta(days=1))
    assert not found.segments
    assert found.summary.startswith("Nothing stands out: Visits did not change on 2025-03-30")


def test_dimensions_that_do_not_add_up_are_refused(context: Context) -> None:
    """Every page is read in every city."""
    with pytest.raises(UsageError, match="'pages' cannot be investigated") as raised:
        investigate(context, "pages", ON)
    assert "'city' miss the total" in raised.value.diagnostics[0].why


@pytest.mark.parametrize("name", ["half_spent", "weekly"])
def test_what_is_no_sum_is_refused(context: Context, name: str) -> None:
    with pytest.raises(UsageError, match="not a sum over slices") as raised:
        investigate(context, name, ON)
    assert raised.value.diagnostics[0].code == "E302"


def test_negative_slices_are_refused(context: Context, lab) -> None:
    shop = lab.shop(FILES, TABLES)
    shop.write(VISITS.format(days=DAYS).replace("600 * ", "10 * ").replace("DIV 600", "DIV 10"))
    shop.write(MESSAGES.format(days=DAYS))
    materialize.run(shop.context, start=FIRST, end=ON + timedelta(days=1))
    with pytest.raises(UsageError, match="negative"):
        investigate(shop.context, "balance", ON)


@pytest.mark.parametrize(
    ("name", "on", "versus", "code"),
    [
        ("vists", ON, None, "E201"),
        ("visits", ON + timedelta(days=1), None, "E511"),
        ("visits", FIRST, None, "E511"),
        ("visits", ON, FIRST - timedelta(days=1), "E511"),
        ("visits", ON, ON, "E601"),
    ],
)
def test_impossible_questions(context: Context, name: str, on: date, versus: date | None, code: str) -> None:
    with pytest.raises((UsageError, WarehouseError)) as raised:
        investigate(context, name, on, versus)
    assert raised.value.diagnostics[0].code == code


def test_a_short_baseline_is_enough(context: Context) -> None:
    """One week after the first stored day there is one day to compare with."""
    assert _found(context, "visits", FIRST + timedelta(weeks=1)).before == 600
