"""Cohort views against plain Python sets over the same events."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from assay.errors import UsageError
from assay.jobs.outputs.contracts import SCHEMAS
from assay.jobs.queries.cohort_records import Matrix
from assay.jobs.queries.cohorts import cohorts
from assay.jobs.runs import materialize

ZONE = ZoneInfo("Europe/Moscow")
FIRST, DAYS, LIFE = date(2025, 7, 28), 30, 12
END = FIRST + timedelta(days=DAYS)
METRICS = """
sources:
  feed:
    table: RAW.feed
    time: time
    entities: {user: user_id, post: post_id}
    dimensions: {os: os}
    columns: {user_id: UInt32, post_id: UInt32, action: String, time: "DateTime('UTC')", os: String}
  chat:
    table: RAW.chat
    time: time
    where: user_id > 0
    entities: {user: user_id, receiver: {columns: receiver_id, kind: user}}
    columns: {user_id: UInt32, receiver_id: UInt32, time: "DateTime('UTC')"}
metrics:
  views: {type: count, source: feed, where: "action = 'view'"}
  likes: {type: count, source: feed, where: "action = 'like'"}
  sent: {type: count, source: chat}
  ctr: {type: ratio, numerator: likes, denominator: views}
  feed_dau: {type: unique, source: feed, of: user}
  senders: {type: unique, source: chat, of: user}
  posts: {type: unique, source: feed, of: post}
  either: {type: set, expr: feed_dau | senders}
  actions_per_user: {type: derived, expr: (views + likes + sent) / either}
  views_per_post: {type: ratio, numerator: views, denominator: posts}
  new: {type: new, metric: feed_dau}
  week: {type: rolling, metric: feed_dau, window: 7d}
  half: {type: quantile, source: feed, value: post_id, level: 0.5}
  wow: {type: derived, expr: "views / offset(views, 7d)"}
  d3: {type: retention, cohort: new, returns: feed_dau, day: 3}
  back_in_chat: {type: retention, cohort: feed_dau, returns: senders, day: 1}
  later: {type: retention, cohort: new, returns: feed_dau, day: 1, method: rolling, horizon: 9d}
"""
TABLES = {
    "feed": "user_id UInt32, post_id UInt32, action String, time DateTime('UTC'), os String",
    "chat": "user_id UInt32, receiver_id UInt32, time DateTime('UTC')",
}


@dataclass(frozen=True)
class Event:
    user: int
    other: int
    action: str
    time: datetime
    os: str

    @property
    def day(self) -> date:
        return self.time.astimezone(ZONE).date()


def _events(seed: int, actions: tuple[str, ...], count: int) -> list[Event]:
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        user = int(chance.paretovariate(0.6)) % 70 + 1
        day = FIRST + timedelta(days=chance.randrange(user % 17, DAYS))
        moment = datetime.combine(day, datetime.min.time(), ZONE) + timedelta(seconds=chance.randrange(86_400))
        os = "android" if (user + (chance.random() < 0.1)) % 3 else "ios"
        found.append(Event(user, chance.randrange(1, 30), chance.choice(actions), moment.astimezone(UTC), os))
    return found


FEED, CHAT = _events(1, ("view", "view", "like"), 1500), _events(2, ("send",), 500)


@pytest.fixture(scope="module")
def ask(lab) -> Callable[..., Matrix]:
    shop = lab.shop({"metrics/all.yaml": METRICS}, TABLES, timezone="Europe/Moscow")
    shop.load(
        "feed",
        [{"user_id": e.user, "post_id": e.other, "action": e.action, "time": e.time, "os": e.os} for e in FEED],
    )
    shop.load("chat", [{"user_id": e.user, "receiver_id": e.other, "time": e.time} for e in CHAT])
    run = materialize.run(shop.context, start=FIRST, end=END)
    assert run.ok, run.steps

    def asking(name: str, **options: Any) -> Matrix:
        start, end = options.pop("start", FIRST), options.pop("end", END)
        found = cohorts(shop.context, name, start, end, **{"days": LIFE, "baseline": 0, **options})
        answer = {"schema": 1, **json.loads(json.dumps(found.as_dict(), allow_nan=False))}
        Draft202012Validator(SCHEMAS["query --cohort"]).validate(answer)
        return found

    return asking


Users = dict[date, set[int]]


def users(events: list[Event], os: str | None = None) -> Users:
    found: Users = defaultdict(set)
    for each in events:
        if os in (None, each.os):
            found[each.day].add(each.user)
    return found


ACTIVE, SENDERS = users(FEED), users(CHAT)


def before(day: date) -> set[int]:
    return set().union(*(members for at, members in ACTIVE.items() if at < day))


def all_days() -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(DAYS)]


def new(os: str | None = None) -> Users:
    return {day: users(FEED, os)[day] - before(day) for day in all_days()}


Parts = tuple[float, float]
NOTHING = "nothing to divide by or to average"


def same(matrix: Matrix, born: Callable[[str], Users], parts: Callable[[set[int], date, int], Parts], wait: int = 0):
    """Every cell is the quotient of the parts, unless its day (or `wait`, if that is later) lies in the future."""
    known = 0
    for cohort in matrix.cohorts:
        members = born(cohort.by.get("os", ""))[cohort.cohort]
        assert cohort.size == len(members)
        for cell in cohort.cells:
            day = cohort.cohort + timedelta(days=wait or cell.day)
            if day >= END:
                assert (cell.value, cell.reason) == (None, f"not yet: it needs {day}")
            elif not members:
                assert (cell.value, cell.reason) == (None, "the cohort is empty")
            else:
                above, below = parts(members, cohort.cohort, cell.day)
                assert (cell.numerator, cell.denominator) == (above, below)
                assert cell.value == (pytest.approx(above / below) if below else None), cell
                assert cell.reason == (None if below else NOTHING)
                known += 1
    assert known > 100


def back(active: Users) -> Callable[[set[int], date, int], Parts]:
    return lambda members, day, k: (len(members & active[day + timedelta(days=k)]), len(members))


def done(members: set[int], day: date, events: list[Event], *actions: str) -> list[Event]:
    return [each for each in events if each.day == day and each.user in members and each.action in actions]


def test_retention_of_its_own_cohort(ask) -> None:
    matrix = ask("d3")
    assert (matrix.cohort, list(matrix.days), len(matrix.cohorts)) == ("new", list(range(1, LIFE + 1)), DAYS)
    same(matrix, lambda _: new(), back(ACTIVE))


def test_retention_into_another_source_and_of_another_cohort(ask) -> None:
    same(ask("back_in_chat"), lambda _: ACTIVE, back(SENDERS))
    same(ask("back_in_chat", cohort="new"), lambda _: new(), back(SENDERS))


def test_rolling_retention_waits_for_its_horizon(ask) -> None:
    def later(members: set[int], day: date, k: int) -> Parts:
        active = set().union(*(ACTIVE[day + timedelta(days=n)] for n in range(k, 10)))
        return len(members & active), len(members)

    matrix = ask("later")
    assert list(matrix.days) == list(range(1, 10))
    same(matrix, lambda _: new(), later, wait=9)


def test_the_share_of_a_cohort_in_a_set(ask) -> None:
    either = {day: ACTIVE[day] | SENDERS[day] for day in all_days()}
    same(ask("either", cohort="new"), lambda _: new(), back(either))


@pytest.mark.slow
@pytest.mark.parametrize("by", [None, "os"])
@pytest.mark.parametrize("name", ["d3", "views", "actions_per_user"])
def test_slices_hold_their_own_members_wherever_they_come_back(ask, name: str, by: str | None) -> None:
    parts = {"d3": back(ACTIVE), "views": _views, "actions_per_user": _actions_per_user}[name]
    same(ask(name, cohort="new", by=by), lambda os: new(os or None), parts)


def _views(members: set[int], day: date, k: int) -> Parts:
    return len(done(members, day + timedelta(days=k), FEED, "view")), len(members)


def _actions_per_user(members: set[int], day: date, k: int) -> Parts:
    at = day + timedelta(days=k)
    found = [*done(members, at, FEED, "view", "like"), *done(members, at, CHAT, "send")]
    return len(found), len({each.user for each in found})


@pytest.mark.slow
def test_totals_over_the_size_and_ratios_of_sums(ask) -> None:
    def ctr(members: set[int], day: date, k: int) -> Parts:
        at = day + timedelta(days=k)
        return len(done(members, at, FEED, "like")), len(done(members, at, FEED, "view"))

    def per_post(members: set[int], day: date, k: int) -> Parts:
        found = done(members, day + timedelta(days=k), FEED, "view", "like")
        return sum(each.action == "view" for each in found), len({each.other for each in found})

    same(ask("ctr", cohort="new"), lambda _: new(), ctr)
    same(ask("ctr", cohort="feed_dau"), lambda _: ACTIVE, ctr)  # a user is in many cohorts
    same(ask("views_per_post", cohort="new"), lambda _: new(), per_post)


def test_days_that_are_not_stored_say_so(ask) -> None:
    matrix = ask("d3", start=FIRST - timedelta(days=2), end=FIRST + timedelta(days=1))
    assert [each.size for each in matrix.cohorts] == [None, None, len(ACTIVE[FIRST])]
    assert {cell.reason for cell in matrix.cohorts[0].cells} == {"not built: run 'platform run'"}


def test_as_it_was_known_before_a_day(ask) -> None:
    whole, early = ask("d3"), ask("d3", until=FIRST + timedelta(days=10))
    for cohort, before_then in zip(whole.cohorts, early.cohorts, strict=True):
        for cell, known in zip(cohort.cells, before_then.cells, strict=True):
            day = cohort.cohort + timedelta(days=cell.day)
            assert known == cell if day < FIRST + timedelta(days=10) else known.value is None


def test_the_summary_is_of_day_seven(ask) -> None:
    matrix = ask("d3", end=FIRST + timedelta(days=8))
    values = [value for each in matrix.cohorts if (value := each.on(7)) is not None]
    assert matrix.summary is not None
    assert matrix.summary.day == 7
    assert (matrix.summary.best.on(7), matrix.summary.worst.on(7)) == (max(values), min(values))
    assert matrix.summary.spread == pytest.approx(max(values) - min(values))
    assert ask("d3", days=2).summary.day == 2
    assert ask("d3", start=END - timedelta(days=3)).summary is None


@pytest.mark.parametrize(
    ("code", "name", "options"),
    [
        ("E302", "half", {"cohort": "new"}),
        ("E302", "wow", {"cohort": "new"}),
        ("E302", "week", {"cohort": "new"}),
        ("E302", "new", {"cohort": "feed_dau"}),
        ("E302", "posts", {"cohort": "new"}),
        ("E302", "sent", {"cohort": "posts"}),
        ("E302", "views", {"cohort": "ctr"}),
        ("E601", "views", {}),
        ("E601", "d3", {"baseline": 2}),
        ("E602", "d3", {"end": FIRST}),
        ("E201", "d3", {"cohort": "nobody"}),
        ("E203", "d3", {"by": "country"}),
    ],
)
def test_what_has_no_such_reading_is_refused(ask, code: str, name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=code):
        ask(name, **options)
