"""Every metric type against plain Python over the same events: sets of users, gaps between moments, and so on."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assay.errors import UsageError
from assay.jobs.queries.query import Row, query
from assay.jobs.runs import materialize

ZONE = ZoneInfo("Europe/Moscow")
FIRST, DAYS = date(2025, 7, 28), 45  # six weeks and a change of the month
END = FIRST + timedelta(days=DAYS)
LANGUAGE = """
sources:
  feed:
    table: RAW.feed
    time: time
    entities: {user: user_id, post: post_id, view: [user_id, post_id]}
    dimensions: {os: os}
    segments: {phones: "os = 'android'"}
    joins: {profile: {table: RAW.users, key: user_id, on: user_id, columns: {country: String}}}
    columns: {user_id: UInt32, post_id: UInt32, action: String, time: "DateTime('UTC')", os: String}
    lateness: 2d
  chat:
    table: RAW.chat
    time: time
    entities:
      user: user_id
      receiver: {columns: receiver_id, kind: user}
      pair: [user_id, receiver_id]
      pair_back: {columns: [receiver_id, user_id], kind: pair}
    dimensions: {os: os}
    columns: {user_id: UInt32, receiver_id: UInt32, time: "DateTime('UTC')", os: String}
metrics:
  views: {type: count, source: feed, where: "action = 'view'"}
  likes: {type: count, source: feed, where: "action = 'like'"}
  phone_likes: {type: count, source: feed, where: "action = 'like'", segments: [phones]}
  home_views: {type: count, source: feed, where: "action = 'view' AND profile.country = 'home'"}
  ctr: {type: ratio, numerator: likes, denominator: views}
  own_ctr: {type: ratio, numerator: likes, denominator: views, per: user}
  feed_dau: {type: unique, source: feed, of: user}
  senders: {type: unique, source: chat, of: user}
  receivers: {type: unique, source: chat, of: receiver}
  chat_dau: {type: set, expr: senders | receivers}
  both: {type: set, expr: feed_dau & chat_dau}
  only_feed: {type: set, expr: feed_dau - chat_dau}
  dau: {type: set, expr: feed_dau | chat_dau}
  again: {type: set, expr: "feed_dau & offset(week, 1d)"}
  pairs: {type: unique, source: chat, of: pair}
  pairs_back: {type: unique, source: chat, of: pair_back}
  answered: {type: set, expr: pairs & pairs_back}
  answered_share: {type: ratio, numerator: answered, denominator: pairs}
  new_pairs: {type: new, metric: pairs}
  week: {type: rolling, metric: feed_dau, window: 7d}
  app_week: {type: rolling, metric: dau, window: 7d}
  week_ctr: {type: rolling, metric: ctr, window: 7d}
  month_views: {type: rolling, metric: views, window: month_to_date}
  month_users: {type: rolling, metric: feed_dau, window: month_to_date}
  stickiness: {type: derived, expr: feed_dau / week}
  wow: {type: derived, expr: "views / offset(views, 7d) - 1"}
  new: {type: new, metric: feed_dau}
  app_new: {type: new, metric: dau}
  first_both: {type: new, metric: both}
  d3: {type: retention, cohort: new, returns: feed_dau, day: 3}
  d3_back: {type: retention, cohort: new, returns: feed_dau, day: 3, at: return}
  later: {type: retention, cohort: new, returns: feed_dau, day: 3, method: rolling, horizon: 14d}
  life: {type: lifecycle, metric: only_feed}
  inactive_share: {type: derived, expr: life.inactive / feed_dau}
  view_like:
    {type: funnel, source: feed, of: user, within: 6h, steps: {view: "action = 'view'", like: "action = 'like'"}}
  view_like_share:
    type: funnel
    source: feed
    of: user
    within: 1d
    order: strict
    steps: {view: "action = 'view'", like: "action = 'like'", share: "action = 'share'"}
  pause: {type: gap, source: feed, of: user, where: "action = 'view'"}
  pause_median: {type: gap, source: feed, of: user, where: "action = 'view'", level: 0.5}
  reaction: {type: gap, source: feed, of: [user, post], first: "action = 'view'", then: "action = 'like'"}
"""
TABLES = {
    "feed": "user_id UInt32, post_id UInt32, action String, time DateTime('UTC'), os String",
    "chat": "user_id UInt32, receiver_id UInt32, time DateTime('UTC'), os String",
    "users": "user_id UInt32, country String",
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
        user = int(chance.paretovariate(0.7)) % 60 + 1
        day = FIRST + timedelta(days=chance.randrange(user % 20, DAYS))
        moment = datetime.combine(day, datetime.min.time(), ZONE) + timedelta(seconds=chance.randrange(86_400))
        os = "android" if (user + (chance.random() < 0.05)) % 3 else "ios"
        found.append(Event(user, chance.randrange(1, 40), chance.choice(actions), moment.astimezone(UTC), os))
    return sorted(found, key=lambda each: each.time)


FEED = _events(1, ("view", "view", "view", "like", "share"), 4000)
CHAT = _events(2, ("send",), 900)
HOME = {user for user in range(1, 62) if user % 2}


@pytest.fixture(scope="module")
def ask(lab) -> Callable[..., list[Row]]:
    shop = lab.shop({"metrics/all.yaml": LANGUAGE}, TABLES, timezone="Europe/Moscow")
    rows = [{"user_id": e.user, "post_id": e.other, "action": e.action, "time": e.time, "os": e.os} for e in FEED]
    shop.load("feed", rows)
    shop.load("chat", [{"user_id": e.user, "receiver_id": e.other, "time": e.time, "os": e.os} for e in CHAT])
    shop.load("users", [{"user_id": user, "country": "home" if user in HOME else "away"} for user in range(1, 50)])
    run = materialize.run(shop.context, start=FIRST, end=END)
    assert run.ok, run.steps

    def asking(*names: str, **options: Any) -> list[Row]:
        return query(shop.context, names, options.pop("start", FIRST), END, **options)

    return asking


Sets = dict[date, set[Any]]


def by_day(events: Iterable[Event], member: Callable[[Event], Any] = lambda each: each.user) -> Sets:
    found: Sets = defaultdict(set)
    for each in events:
        found[each.day].add(member(each))
    return found


def all_days() -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(DAYS)]


def union(sets: Sets, day: date, first: int, last: int = 0) -> set[Any]:
    return set().union(*(sets.get(day + timedelta(days=n), set()) for n in range(first, last + 1)))


def before(sets: Sets, day: date) -> set[Any]:
    return set().union(*(members for at, members in sets.items() if at < day))


FEED_USERS, SENDERS = by_day(FEED), by_day(CHAT)
CHAT_USERS = {day: SENDERS[day] | by_day(CHAT, lambda each: each.other)[day] for day in all_days()}
PAIRS = by_day(CHAT, lambda each: (each.user, each.other))
BOTH = {day: FEED_USERS[day] & CHAT_USERS[day] for day in all_days()}
ONLY = {day: FEED_USERS[day] - CHAT_USERS[day] for day in all_days()}
ALL = {day: FEED_USERS[day] | CHAT_USERS[day] for day in all_days()}
NEW = {day: FEED_USERS[day] - before(FEED_USERS, day) for day in all_days()}


def counted(action: str, keep: Callable[[Event], bool] = lambda _: True) -> dict[date, int]:
    found = dict.fromkeys(all_days(), 0)
    for each in FEED:
        found[each.day] += each.action == action and keep(each)
    return found


VIEWS, LIKES = counted("view"), counted("like")


def share(over: float, under: float) -> float | None:
    return over / under if under else None


def retained(day: date, first: int, last: int) -> float | None:
    return share(len(NEW[day] & union(FEED_USERS, day, first, last)), len(NEW[day]))


EXPECTED: dict[str, Callable[[date], float | None]] = {
    "phone_likes": counted("like", lambda each: each.os == "android").__getitem__,
    "home_views": counted("view", lambda each: each.user in HOME and each.user < 50).__getitem__,
    "chat_dau": lambda day: len(CHAT_USERS[day]),
    "both": lambda day: len(BOTH[day]),
    "only_feed": lambda day: len(ONLY[day]),
    "dau": lambda day: len(ALL[day]),
    "pairs": lambda day: len(PAIRS[day]),
    "answered": lambda day: len(PAIRS[day] & {(b, a) for a, b in PAIRS[day]}),
    "new_pairs": lambda day: len(PAIRS[day] - before(PAIRS, day)),
    "new": lambda day: len(NEW[day]),
    "app_new": lambda day: len(ALL[day] - before(ALL, day)),
    "first_both": lambda day: len(BOTH[day] - before(BOTH, day)),
    "month_views": lambda day: sum(
        VIEWS[at] for at in all_days() if at.replace(day=1) == day.replace(day=1) and at <= day
    ),
    "month_users": lambda day: len(union(FEED_USERS, day, 1 - day.day)),
}
LATER: dict[str, Callable[[date], float | None]] = {
    "week": lambda day: len(union(FEED_USERS, day, -6)),
    "app_week": lambda day: len(union(ALL, day, -6)),
    "again": lambda day: len(FEED_USERS[day] & union(FEED_USERS, day, -7, -1)),
    "week_ctr": lambda day: share(*(sum(kind[day - timedelta(days=n)] for n in range(7)) for kind in (LIKES, VIEWS))),
    "stickiness": lambda day: share(len(FEED_USERS[day]), len(union(FEED_USERS, day, -6))),
    "wow": lambda day: VIEWS[day] / VIEWS[day - timedelta(days=7)] - 1,
    "d3_back": lambda day: retained(day - timedelta(days=3), 3, 3),
}


def same(rows: list[Row], expected: Callable[[date], float | None]) -> None:
    assert rows
    for row in rows:
        value = expected(row.time)
        assert row.value == (None if value is None else pytest.approx(value, rel=1e-12)), (row, value)


@pytest.mark.parametrize("name", EXPECTED)
def test_by_day(ask, name: str) -> None:
    rows = ask(name)
    built = [row for row in rows if not (name.startswith("month_") and row.time < date(2025, 8, 1))]
    same(built, EXPECTED[name])
    assert len(rows) == DAYS


@pytest.mark.parametrize("name", LATER)
def test_with_days_before(ask, name: str) -> None:
    same(ask(name, start=FIRST + timedelta(days=8)), LATER[name])


def test_a_window_before_the_first_day_is_a_stated_gap(ask) -> None:
    rows = ask("week", "wow")
    assert [row.reason for row in rows if row.time == FIRST + timedelta(days=5)] == [
        "not built: run 'platform run'"
    ] * 2


@pytest.mark.parametrize(("name", "last"), [("d3", 3), ("later", 14)])
def test_a_return_is_awaited(ask, name: str, last: int) -> None:
    rows = ask(name)
    known = [row for row in rows if row.time + timedelta(days=last) < END]
    same(known, lambda day: retained(day, 3, last))
    waiting = rows[len(known) :]
    assert len(waiting) == last
    assert all(
        row.value is None and row.reason == f"not yet: it needs {row.time + timedelta(days=last)}" for row in waiting
    )


def test_answered_pairs_are_a_share_of_pairs(ask) -> None:
    for row in ask("answered_share"):
        assert (row.numerator, row.denominator) == (EXPECTED["answered"](row.time), EXPECTED["pairs"](row.time))


def test_the_mean_of_own_ratios(ask) -> None:
    for row in ask("own_ctr"):
        own = defaultdict(lambda: [0, 0])
        for each in FEED:
            if each.day == row.time:
                own[each.user][0] += each.action == "like"
                own[each.user][1] += each.action == "view"
        ratios = [likes / views for likes, views in own.values() if views]
        assert row.value == (pytest.approx(mean(ratios)) if ratios else None)


def gaps(day: date) -> list[float]:
    moments: dict[int, list[datetime]] = defaultdict(list)
    for each in FEED:
        if each.day == day and each.action == "view":
            moments[each.user].append(each.time)
    return [(later - earlier).total_seconds() for found in moments.values() for earlier, later in pairwise(found)]


def test_pauses_between_views(ask) -> None:
    for row in ask("pause"):
        assert row.value == (pytest.approx(mean(gaps(row.time))) if gaps(row.time) else None)
    for row in ask("pause_median"):  # a t-digest of few values: between the neighbours of the middle
        found = sorted(gaps(row.time))
        if not found:
            assert row.value is None
            continue
        assert found[len(found) // 3] <= row.value <= found[2 * len(found) // 3]


def test_from_the_first_view_to_the_first_like_of_a_post(ask) -> None:
    for row in ask("reaction"):
        firsts: dict[tuple[int, int], dict[str, datetime]] = defaultdict(dict)
        for each in FEED:
            if each.day == row.time:
                firsts[each.user, each.other].setdefault(each.action, each.time)
        waits = [(f["like"] - f["view"]).total_seconds() for f in firsts.values() if f.keys() >= {"like", "view"}]
        waits = [each for each in waits if each >= 0]
        assert row.value == (pytest.approx(mean(waits)) if waits else None)


def reaches(day: date, steps: tuple[str, ...], within: timedelta, strict: bool) -> list[int]:
    """Per user with the first step on the day: the most steps that a chain beginning on the day does in time."""
    own: dict[int, list[Event]] = defaultdict(list)
    for each in FEED:
        if day <= each.day <= day + timedelta(days=1):
            own[each.user].append(each)
    found = []
    for events in own.values():
        starts = [at for at, each in enumerate(events) if each.day == day and each.action == steps[0]]
        if starts:
            found.append(max(_chain(events[at:], steps, within, strict) for at in starts))
    return found


def _chain(events: list[Event], steps: tuple[str, ...], within: timedelta, strict: bool) -> int:
    done = 1
    for each in events[1:]:
        if done == len(steps) or each.time > events[0].time + within:
            break
        if each.action == steps[done]:
            done += 1
        elif strict:
            break
    return done


@pytest.mark.parametrize(
    ("name", "steps", "within", "strict"),
    [
        ("view_like", ("view", "like"), timedelta(hours=6), False),
        ("view_like_share", ("view", "like", "share"), timedelta(days=1), True),
    ],
)
def test_funnels(ask, name: str, steps: tuple[str, ...], within: timedelta, strict: bool) -> None:
    rows = ask(name)
    for row in rows[:-1]:
        found = reaches(row.time, steps, within, strict)
        assert (row.numerator, row.denominator) == (found.count(len(steps)), len(found)), row.time
    assert rows[-1].reason == f"not yet: it needs {END}"
    for row in ask(f"{name}.like")[:-1]:
        found = reaches(row.time, steps, within, strict)
        assert row.numerator == sum(each >= 2 for each in found)


PARTS = ("new", "retained", "resurrected", "churned", "inactive")


def lifecycle(sets: list[set[int]], at: int) -> dict[str, int]:
    now, last, seen = sets[at], sets[at - 1] if at else set(), set().union(*sets[:at])
    return {
        "new": len(now - seen),
        "retained": len(now & last),
        "resurrected": len((now & seen) - last),
        "churned": len(last - now),
        "inactive": len(seen - now),
    }


@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_lifecycles_of_every_period(ask, grain: str) -> None:
    """A set of a week is the algebra of what was active in the week: feed only in all of it."""
    key = {
        "day": lambda day: day,
        "week": lambda day: day - timedelta(days=day.weekday()),
        "month": lambda day: day.replace(day=1),
    }[grain]
    starts = sorted({key(day) for day in all_days()})

    def merged(sets: Sets, start: date) -> set[int]:
        return set().union(*(members for day, members in sets.items() if key(day) == start))

    sets = [merged(FEED_USERS, start) - merged(CHAT_USERS, start) for start in starts]
    rows = ask(*(f"life.{part}" for part in PARTS), grain=grain)
    found: dict[date, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        found[row.time][row.metric.partition(".")[2]] = row
    assert [start for start in starts if found[start]] == starts
    checked = 0
    for at, start in enumerate(starts):
        values = {part: row.value for part, row in found[start].items()}
        if None in values.values():
            assert start in (starts[0], starts[-1]) or grain == "month", found[start]
            continue
        assert values == lifecycle(sets, at), start
        checked += 1
    assert checked >= {"day": DAYS - 1, "week": 5, "month": 0}[grain]


def test_in_slices_who_is_new_is_new_to_the_whole(ask) -> None:
    rows = ask("new", by="os")
    slices = {(each.day, each.os, each.user) for each in FEED}
    for row in rows:
        inside = {user for day, os, user in slices if day == row.time and os == row.by["os"]}
        assert row.value == len(inside - before(FEED_USERS, row.time))


def test_in_slices_a_return_may_be_anywhere(ask) -> None:
    slices = {(each.day, each.os, each.user) for each in FEED}
    for row in ask("d3", by="os"):
        if row.time + timedelta(days=3) >= END:
            continue
        inside = {user for day, os, user in slices if day == row.time and os == row.by["os"]} & NEW[row.time]
        assert row.value == share(len(inside & union(FEED_USERS, row.time, 3, 3)), len(inside))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("week", {"grain": "week"}),
        ("life.churned", {"grain": "total"}),
        ("life.inactive", {"by": "os"}),
        ("inactive_share", {"by": "os"}),
        ("d3", {"grain": "month"}),
    ],
)
def test_what_has_no_such_reading_is_refused(ask, name: str, options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="E601"):
        ask(name, **options)


def test_new_in_total_is_new_to_the_range(ask) -> None:
    start = FIRST + timedelta(days=10)
    (row,) = ask("new", grain="total", start=start)
    assert row.value == len(union(FEED_USERS, start, 0, DAYS) - before(FEED_USERS, start))
