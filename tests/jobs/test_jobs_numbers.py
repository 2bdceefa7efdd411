"""Numbers that are none, and the calendar: infinite values, long and short days, slots in odd zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from assay.compiler import zone
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize

ROUTES = "routes: {nobody: {outbox: {path: outbox}}}\n"


def _project(alerts: str = "") -> dict[str, str]:
    return {
        "metrics/all.yaml": """
sources:
  app:
    table: RAW.events
    time: at
    entities: {user: user_id}
    dimensions: {band: {bins: amount, cuts: [1234567, 2345678.5, 3000000]}}
metrics:
  events: {type: count, source: app}
  spend: {type: sum, source: app, value: amount}
  mean_amount: {type: mean, source: app, value: amount}
  middle: {type: quantile, source: app, value: amount, level: 0.5}
  spend_per_user: {type: derived, expr: spend / users}
  users: {type: unique, source: app, of: user}
"""
        + ROUTES
        + alerts
    }


TABLE = {"events": "at DateTime('UTC'), user_id UInt32, amount Nullable(Float64)"}
DAY = date(2025, 3, 9)


def _row(at: datetime, amount: float | None = 1.0, user: int = 1) -> dict[str, object]:
    return {"at": at, "user_id": user, "amount": amount}


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_give_a_reason(lab, amount: float) -> None:
    shop = lab.shop(_project(), TABLE)
    shop.load("events", [_row(datetime(2025, 3, 9, 12, tzinfo=UTC), each) for each in (1.0, amount)])
    assert materialize.run(shop.context).ok
    names = ["spend", "mean_amount", "spend_per_user"]
    for row in query(shop.context, names, DAY, DAY + timedelta(days=1)):
        assert row.value is None
        assert row.reason
    (events,) = query(shop.context, ["events"], DAY, DAY + timedelta(days=1))
    assert events.value == 2


def test_only_nulls_is_a_zero_sum_and_no_mean(lab) -> None:
    shop = lab.shop(_project(), TABLE)
    shop.load("events", [_row(datetime(2025, 3, 9, 12, tzinfo=UTC), None)] * 2)
    assert materialize.run(shop.context).ok
    rows = query(shop.context, ["spend", "mean_amount", "middle"], DAY, DAY + timedelta(days=1))
    assert [row.value for row in rows] == [0, None, None]
    assert [bool(row.reason) for row in rows] == [False, True, True]


def test_cuts_keep_all_their_digits(lab) -> None:
    shop = lab.shop(_project(), TABLE)
    amounts = [1234566.9, 1234567.0, 1234568.0, 2345678.4, 2345678.5, 2999999.9, 3e6, None]
    shop.load("events", [_row(datetime(2025, 3, 9, 12, tzinfo=UTC), each) for each in amounts])
    assert materialize.run(shop.context).ok
    rows = query(shop.context, ["events"], DAY, DAY + timedelta(days=1), "band")
    assert {row.by["band"]: row.value for row in rows} == {
        "(none)": 1,
        "<1234567": 1,
        "1234567-2345678.5": 3,
        "2345678.5-3000000": 2,
        "3000000+": 1,
    }


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("America/New_York", date(2025, 3, 9), 23),
        ("America/New_York", date(2025, 11, 2), 25),
        ("Europe/Moscow", date(2025, 3, 30), 24),
        ("Africa/Cairo", date(2025, 4, 25), 23),  # midnight itself does not exist
        ("Australia/Lord_Howe", date(2025, 4, 6), 24.5),
        ("Asia/Kolkata", date(2025, 3, 9), 24),
    ],
)
def test_local_days_follow_the_clock(lab, name: str, day: date, hours: float) -> None:
    """An event every 15 minutes for three days: each local day holds four per hour."""
    shop = lab.shop(_project(), TABLE, timezone=name)
    start = zone.midnight(day, name, after=-1)
    quarters = int((zone.midnight(day, name, after=2) - start) / timedelta(minutes=15))
    shop.load("events", [_row(start + n * timedelta(minutes=15), 1.0, n) for n in range(quarters)])
    first, last = day - timedelta(days=1), day + timedelta(days=2)
    assert materialize.run(shop.context, start=first, end=last).ok
    rows = query(shop.context, ["events", "users"], first, last)
    assert [row.value for row in rows] == [96, 4 * hours, 96] * 2


def test_quarters_of_an_hour_in_kolkata(lab) -> None:
    alerts = "alerts: {all: {metrics: [events], every: 15m, route: nobody}}\n"
    shop = lab.shop(_project(alerts), TABLE, timezone="Asia/Kolkata")
    local = datetime(2025, 3, 9, 0, 7, tzinfo=ZoneInfo("Asia/Kolkata"))
    shop.load("events", [_row(local.astimezone(UTC))])
    assert materialize.run(shop.context, start=DAY, end=DAY + timedelta(days=1)).ok
    rows = shop.rows(f"SELECT toString(slot), day FROM {shop.context.database}.measure_states WHERE grain = '15m'")
    assert set(rows) == {("2025-03-08 18:30:00", date(2025, 3, 9))}
