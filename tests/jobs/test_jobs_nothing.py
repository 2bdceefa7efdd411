"""What is not there: NULL entities, values and conditions, and days without any event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assay.jobs.queries.cohorts import cohorts
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize

FIRST = date(2025, 3, 1)
END = FIRST + timedelta(days=5)
YAML = """
sources:
  feed:
    table: RAW.feed
    time: time
    entities: {user: user_id, name: name, both: [user_id, name]}
    columns:
      user_id: Nullable(UInt32)
      name: Nullable(String)
      action: Nullable(String)
      weight: Nullable(Int32)
      amount: Nullable(Float64)
      time: "DateTime64(3, 'UTC')"
metrics:
  events: {type: count, source: feed}
  spent: {type: sum, source: feed, value: amount}
  bought: {type: sum, source: feed, value: amount, where: "action = 'buy'"}
  heavy: {type: count, source: feed, where: weight}
  own_spent: {type: ratio, numerator: spent, denominator: events, per: user}
  own_bought: {type: ratio, numerator: bought, denominator: events, per: name}
  own_heavy: {type: ratio, numerator: heavy, denominator: events, per: user}
  pause: {type: gap, source: feed, of: user}
  pause_of_name: {type: gap, source: feed, of: [name]}
  pause_of_both: {type: gap, source: feed, of: [user, name]}
  reaction: {type: gap, source: feed, of: user, first: weight, then: "action = 'buy'"}
  bought_share: {type: funnel, source: feed, of: name, within: 1h, steps: {any: weight, buy: "action = 'buy'"}}
  users: {type: unique, source: feed, of: user}
  life: {type: lifecycle, metric: users}
  new: {type: new, metric: users}
  back: {type: retention, cohort: new, returns: users, day: 1, method: rolling, horizon: 3d}
"""
COLUMNS = (
    "user_id Nullable(UInt32), name Nullable(String), action Nullable(String), weight Nullable(Int32), "
    "amount Nullable(Float64), time DateTime64(3, 'UTC')"
)


def _event(
    user: int | None, action: str | None, weight: int | None, amount: float | None, seconds: int, day: int = 0
) -> dict[str, Any]:
    moment = datetime(2025, 3, 1, tzinfo=UTC) + timedelta(days=day, seconds=seconds)
    name = f"n{user}" if user else None
    return {"user_id": user, "name": name, "action": action, "weight": weight, "amount": amount, "time": moment}


EVENTS = [
    _event(1, "view", 256, None, 0),  # 256 is 0 to whoever looks at one byte
    _event(1, "buy", 0, 10.0, 100),
    _event(2, "view", None, None, 0),
    _event(2, None, None, None, 60),
    _event(None, "view", 1, None, 0),
    _event(None, "buy", 0, 1000.0, 500),
    _event(3, "view", 1, None, 0, day=1),
    # nobody on the third day
    _event(3, "view", 1, None, 0, day=3),
    _event(1, "view", 1, None, 0, day=4),
]


@pytest.fixture(scope="module")
def shop(lab) -> Any:
    shop = lab.shop({"metrics/all.yaml": YAML}, {"feed": COLUMNS})
    shop.load("feed", EVENTS)
    run = materialize.run(shop.context, start=FIRST, end=END)
    assert run.ok, run.steps
    return shop


@pytest.fixture(scope="module")
def ask(shop) -> Callable[[str], list[Any]]:
    return lambda name: [row.value for row in query(shop.context, [name], FIRST, END)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("own_spent", (10 / 2 + 0 / 2) / 2),  # who spends nothing spends 0, and is not left out
        ("own_bought", (10 / 2 + 0 / 2) / 2),
        ("own_heavy", (1 / 2 + 0 / 2) / 2),
        ("pause", (100 + 60) / 2),  # events of nobody are not those of one entity
        ("pause_of_name", (100 + 60) / 2),
        ("pause_of_both", (100 + 60) / 2),
        ("reaction", 100),
        ("bought_share", 1),
    ],
)
def test_null_is_nobody_nothing_and_not_true(ask, name: str, value: float) -> None:
    assert ask(name)[0] == value


def test_whoever_was_seen_is_inactive_in_silence_too(ask) -> None:
    assert ask("life.inactive")[1:] == [2, 3, 2, 2]
    assert ask("users") == [2, 1, 0, 1, 1]


def test_a_return_after_a_day_of_silence_is_a_return_on_that_day_or_later(shop) -> None:
    born = FIRST + timedelta(days=1)
    (cohort,) = cohorts(shop.context, "back", born, born + timedelta(days=1), baseline=0).cohorts
    assert [cell.value for cell in cohort.cells] == [1, 1, 0]  # on the fourth day of the shop
