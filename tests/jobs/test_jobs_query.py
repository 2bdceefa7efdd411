"""What `query` says, against a plain calculation over the same rows: every metric type, period and dimension."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assay.errors import UsageError
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize

ZONE = ZoneInfo("America/New_York")
FIRST, LAST = date(2025, 2, 24), date(2025, 3, 20)  # the clock changes on 03-09; a month and a few weeks begin
SILENT = {date(2025, 3, 3), date(2025, 3, 4)}
CITIES = ["Paris", "paris", "O'Hara; DROP", 'Say "hi"', "Back\\slash", "Köln ☃", "", "%s %d", "{n:Int64}", None]
CUTS = [0.5, 18, 19, 35]

FILES = {
    "metrics/all.yaml": r"""
sources:
  app:
    table: RAW.events
    time: at
    where: not is_test
    entities: {user: user_id, session: session_key}
    columns: {at: DateTime('UTC'), is_test: Bool, user_id: Nullable(UInt32), session_key: String, kind: String,
              amount: Nullable(Float64), city: Nullable(String), age: Nullable(Float64)}
    dimensions:
      city: city
      big_city: {column: city, top: 3}
      age_group: {bins: age, cuts: [0.5, 18, 19, 35]}
      odd: "if(kind LIKE '%\\'s', 'odd', 'plain')"
  shop:
    table: RAW.orders
    time: at
    entities: {user: buyer}
    dimensions:
      city: city
metrics:
  events: {type: count, source: app}
  odd_events: {type: count, source: app, where: "kind = 'it\\'s' or kind = 'a;b'"}
  or_events: {type: count, source: app, where: "kind = 'view' or amount > 5"}
  spend: {type: sum, source: app, value: amount}
  mean_amount: {type: mean, source: app, value: amount, where: "kind != 'view'"}
  p80_amount: {type: quantile, source: app, value: amount, level: 0.8}
  users: {type: unique, source: app, of: user}
  sessions: {type: unique, source: app, of: session}
  viewers: {type: unique, source: app, of: user, where: "kind = 'view'"}
  orders: {type: count, source: shop}
  buyers: {type: unique, source: shop, of: user}
  both: {type: set, expr: viewers & buyers}
  any_user: {type: set, expr: users | buyers}
  lookers: {type: set, expr: users - buyers}
  conversion: {type: ratio, numerator: both, denominator: any_user}
  spend_per_order: {type: ratio, numerator: spend, denominator: orders}
  events_3d: {type: rolling, metric: events, window: 3d}
  weekly_users: {type: rolling, metric: users, window: 7d}
  actions: {type: derived, expr: events + 2 * orders}
  stickiness: {type: derived, expr: users / weekly_users - 1}
"""
}
EVENTS = (
    "at DateTime('UTC'), is_test Bool, user_id Nullable(UInt32), session_key String, kind String, "
    "amount Nullable(Float64), city Nullable(String), age Nullable(Float64)"
)
ORDERS = "at DateTime('UTC'), buyer UInt64, city Nullable(String)"


def _moment(rng: random.Random) -> datetime:
    day = rng.choice([FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)])
    local = datetime.combine(day, datetime.min.time(), ZONE).astimezone(UTC)
    return local + timedelta(seconds=rng.choice([0, rng.randrange(82_800), 82_799]))


def _events(rng: random.Random) -> Iterable[dict[str, Any]]:
    for _ in range(900):
        at = _moment(rng)
        yield {
            "at": at,
            "is_test": rng.random() < 0.1,
            "user_id": rng.choice([None, *range(1, 60)]),
            "session_key": f"s{rng.randrange(200)}",
            "kind": rng.choice(["view", "it's", "a;b", "buy"]),
            "amount": rng.choice([None, 0.0, rng.uniform(-5, 20), rng.lognormvariate(1, 1)]),
            "city": rng.choice(CITIES),
            "age": rng.choice([None, 0.25, 0.5, 17.99, 18.0, 19.0, 34.0, 35.0, 80.0]),
        }


@pytest.fixture(scope="module")
def data() -> dict[str, list[dict[str, Any]]]:
    rng = random.Random(7)
    events = [row for row in _events(rng) if _day(row) not in SILENT]
    orders = [{"at": _moment(rng), "buyer": rng.randrange(1, 60), "city": rng.choice(CITIES)} for _ in range(150)]
    return {"events": events, "orders": [row for row in orders if _day(row) not in SILENT]}


@pytest.fixture(scope="module")
def shop(lab, data):
    shop = lab.shop(FILES, {"events": EVENTS, "orders": ORDERS}, timezone=ZONE.key)
    for table, rows in data.items():
        shop.load(table, rows)
    assert materialize.run(shop.context, start=FIRST, end=LAST + timedelta(days=1)).ok
    return shop


def _day(row: dict[str, Any]) -> date:
    return row["at"].astimezone(ZONE).date()


# --- the plain calculation: two lists of rows → a number, or None where nothing can be divided ---

Rows = list[dict[str, Any]]


def _sum(values: Iterable[float | None]) -> float:
    return math.fsum(value for value in values if value is not None)


def _users(rows: Rows) -> set[int]:
    return {row["user_id"] for row in rows} - {None}


def _views(rows: Rows) -> Rows:
    return [row for row in rows if row["kind"] == "view"]


def _divided(above: float, below: float) -> float | None:
    return above / below if below else None


def _mean_amount(events: Rows) -> float | None:
    values = [row["amount"] for row in events if row["kind"] != "view" and row["amount"] is not None]
    return _divided(_sum(values), len(values))


def _buyers(orders: Rows) -> set[int]:
    return {row["buyer"] for row in orders}


PLAIN: dict[str, Callable[[Rows, Rows], float | None]] = {
    "events": lambda e, _: len(e),
    "odd_events": lambda e, _: sum(row["kind"] in ("it's", "a;b") for row in e),
    "or_events": lambda e, _: sum(row["kind"] == "view" or (row["amount"] or 0) > 5 for row in e),
    "spend": lambda e, _: _sum(row["amount"] for row in e),
    "mean_amount": lambda e, _: _mean_amount(e),
    "users": lambda e, _: len(_users(e)),
    "sessions": lambda e, _: len({row["session_key"] for row in e}),
    "viewers": lambda e, _: len(_users(_views(e))),
    "orders": lambda _, o: len(o),
    "buyers": lambda _, o: len(_buyers(o)),
    "both": lambda e, o: len(_users(_views(e)) & _buyers(o)),
    "any_user": lambda e, o: len(_users(e) | _buyers(o)),
    "lookers": lambda e, o: len(_users(e) - _buyers(o)),
    "conversion": lambda e, o: _divided(len(_users(_views(e)) & _buyers(o)), len(_users(e) | _buyers(o))),
    "spend_per_order": lambda e, o: _divided(_sum(row["amount"] for row in e), len(o)),
    "actions": lambda e, o: len(e) + 2 * len(o),
}
OF_APP = ("events", "odd_events", "or_events", "spend", "mean_amount", "users", "sessions", "viewers")


def _period(day: date, grain: str) -> date:
    starts = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1), "total": FIRST}
    return starts[grain]


def _expected(data, name: str, grain: str, value_of: Callable[[dict[str, Any]], str]) -> dict[tuple[date, str], Any]:
    parts: dict[tuple[date, str], tuple[Rows, Rows]] = {}
    for at, table in enumerate(("events", "orders")):
        for row in data[table]:
            if not row.get("is_test"):
                parts.setdefault((_period(_day(row), grain), value_of(row)), ([], []))[at].append(row)
    return {key: PLAIN[name](*rows) for key, rows in parts.items()}


def _age_group(row: dict[str, Any]) -> str:
    bounds = zip(CUTS, ("<0.5", "0.5-18", "18", "19-34"), strict=True)
    return "(none)" if row["age"] is None else next((label for cut, label in bounds if row["age"] < cut), "35+")


def _close(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-12, abs=1e-9)


GRAINS = ("day", "week", "month", "total")


def _whole(start: date, grain: str) -> bool:
    """Whether a week or month that begins on this day lies within the data."""
    end = start + timedelta(days=7) if grain == "week" else (start + timedelta(days=32)).replace(day=1)
    return start >= FIRST and end <= LAST + timedelta(days=1)


@pytest.mark.parametrize("grain", GRAINS)
def test_every_type_in_every_period(shop, data, grain: str) -> None:
    rows = query(shop.context, list(PLAIN), FIRST, LAST + timedelta(days=1), grain=grain)
    assert len(rows) == len(PLAIN) * {"day": 25, "week": 4, "month": 2, "total": 1}[grain]
    expected = {name: _expected(data, name, grain, lambda _row: "") for name in PLAIN}
    for row in rows:
        assert row.value == _close(expected[row.metric].get((row.time, ""), PLAIN[row.metric]([], []))), row
        assert (row.value is None) == (row.reason is not None)
        assert row.complete == (grain in ("day", "total") or _whole(row.time, grain))


@pytest.mark.parametrize("grain", ["day", "total"])
@pytest.mark.parametrize("dimension", ["city", "big_city", "age_group", "odd"])
def test_every_dimension(shop, data, dimension: str, grain: str) -> None:
    counts = [row["city"] for row in data["events"] if not row["is_test"]]
    named = sorted({_none(city) for city in counts}, key=lambda city: (-[*map(_none, counts)].count(city), city))[:3]
    value_of: dict[str, Callable[[dict[str, Any]], str]] = {
        "city": lambda row: _none(row["city"]),
        "big_city": lambda row: _none(row["city"]) if _none(row["city"]) in named else "other",
        "age_group": _age_group,
        "odd": lambda row: "odd" if row["kind"].endswith("'s") else "plain",
    }
    for name in (*OF_APP, *(("both", "conversion", "actions") if dimension == "city" else ())):
        mine = data if dimension == "city" and name not in OF_APP else {**data, "orders": []}
        expected = _expected(mine, name, grain, value_of[dimension])
        rows = query(shop.context, [name], FIRST, LAST + timedelta(days=1), dimension, grain)
        assert {value for _, value in expected} == {row.by[dimension] for row in rows}
        for row in rows:
            assert row.value == _close(expected.get((row.time, row.by[dimension]), PLAIN[name]([], []))), row


def _none(value: str | None) -> str:
    return "(none)" if value is None else value


def test_a_value_does_not_depend_on_the_metrics_beside_it(shop) -> None:
    names = [*PLAIN, "events_3d", "weekly_users", "p80_amount", "stickiness"]
    for by in (None, "city"):
        mine = names if by is None else [name for name in names if name in (*OF_APP, "orders", "buyers")]
        if by:
            mine = [*mine, "both", "any_user", "actions", "conversion", "spend_per_order"]
        together = query(shop.context, mine, FIRST, LAST + timedelta(days=1), by)
        alone = [row for name in mine for row in query(shop.context, [name], FIRST, LAST + timedelta(days=1), by)]
        found = {(row.metric, row.time, *row.by.values()): row for row in together}
        for row in alone:
            assert found[row.metric, row.time, *row.by.values()] == row


@pytest.mark.parametrize(("name", "days", "plain"), [("events_3d", 3, "events"), ("weekly_users", 7, "users")])
def test_windows_roll(shop, data, name: str, days: int, plain: str) -> None:
    events = [row for row in data["events"] if not row["is_test"]]
    for row in query(shop.context, [name], FIRST, LAST + timedelta(days=1)):
        inside = [each for each in events if row.time - timedelta(days=days) < _day(each) <= row.time]
        if row.time - FIRST < timedelta(days=days - 1):  # the window reaches beyond what is stored
            assert (row.value, row.reason) == (None, "not built: run 'platform run'")
        else:
            assert row.value == PLAIN[plain](inside, [])


def test_a_rolling_metric_has_no_weeks(shop) -> None:
    with pytest.raises(UsageError, match="E601"):
        query(shop.context, ["stickiness"], FIRST, LAST, grain="week")


def test_derived_metrics_are_arithmetic_over_series(shop) -> None:
    names = ["stickiness", "users", "weekly_users"]
    rows = query(shop.context, names, FIRST + timedelta(days=6), LAST + timedelta(days=1))
    size = len(rows) // 3
    for sticky, users, week in zip(rows[:size], rows[size : 2 * size], rows[2 * size :], strict=True):
        assert sticky.value == _close(users.value / week.value - 1)


@pytest.mark.parametrize("grain", GRAINS)
def test_quantiles_within_the_tolerance_of_the_digest(shop, data, grain: str) -> None:
    """A t-digest places a quantile within a few per cent in rank."""
    for row in query(shop.context, ["p80_amount"], FIRST, LAST + timedelta(days=1), grain=grain):
        values = sorted(
            each["amount"]
            for each in data["events"]
            if not each["is_test"] and each["amount"] is not None and _period(_day(each), grain) == row.time
        )
        if not values:
            assert row.value is None
            assert row.reason
            continue
        slack = 0.02 * len(values) + 1
        at = 0.8 * (len(values) - 1)
        low, high = values[max(math.floor(at - slack), 0)], values[min(math.ceil(at + slack), len(values) - 1)]
        assert low <= row.value <= high


def test_silent_days_are_zero_or_say_why(shop) -> None:
    day = min(SILENT)
    found = {row.metric: row for row in query(shop.context, list(PLAIN), day, day + timedelta(days=1))}
    undefined = {"mean_amount", "conversion", "spend_per_order"}
    for name, row in found.items():
        if name in undefined:
            assert (row.value, row.reason) == (None, "nothing to divide by or to average")
        else:
            assert (row.value, row.reason) == (0, None)
    assert (found["conversion"].numerator, found["conversion"].denominator) == (0, 0)


def test_days_that_are_not_built_say_so(shop) -> None:
    rows = query(shop.context, ["events", "conversion"], LAST + timedelta(days=1), LAST + timedelta(days=3))
    assert {(row.value, row.reason) for row in rows} == {(None, "not built: run 'platform run'")}
    (total,) = query(shop.context, ["events"], LAST, LAST + timedelta(days=3), grain="total")
    assert total.value is not None
    assert not total.complete


def test_the_range_is_half_open(shop, data) -> None:
    """Many rows lie exactly on midnight and on the last second of a day."""
    day = date(2025, 3, 9)  # 23 hours long
    (row,) = query(shop.context, ["events"], day, day + timedelta(days=1))
    start = datetime(2025, 3, 9, 5, tzinfo=UTC)
    inside = [each for each in data["events"] if start <= each["at"] < start + timedelta(hours=23)]
    assert row.value == sum(not each["is_test"] for each in inside)
    with pytest.raises(UsageError, match="E602"):
        query(shop.context, ["events"], day, day)
