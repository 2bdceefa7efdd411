"""Every metric of the demo project against plain SQL and sets of Python over the raw events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import pytest

from assay.demo.events import FIRST_DAY, LAST_DAY
from assay.demo.project import home
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import GATHER
from assay.jobs.queries.query import Row, query
from assay.project import Project
from assay.statement import Statement

pytestmark = pytest.mark.slow
NAMES = sorted(Project.load(home()).catalog.metrics)
# The first days, a change of the month, the campaign, the flash mob, the outage, the messenger surge, the last day.
DAYS = [
    FIRST_DAY + timedelta(days=number)
    for number in (0, 1, 2, 7, 8, 14, 25, 26, 27, 31, 33, 40, 41, 48, 49, 50, 56, 57, 63, 64, 80, 88, 92, 99, 105, 106)
]
DAY = "toDate(time, 'Europe/Moscow') AS day"

Sets = Mapping[date, set[Any]]
Expected = Callable[["Raw", date], float | None]


class Raw:
    """What the raw tables hold, by local day."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self.context.engine.run(Statement(sql, "test")).rows)

    def by_day(self, sql: str) -> dict[date, Any]:
        return dict(self.rows(sql))

    def _sets(self, column: str, table: str, where: str = "1") -> Sets:
        found = self.by_day(f"SELECT {DAY}, groupUniqArray({column}) FROM {table} WHERE {where} GROUP BY day")
        return defaultdict(set, {day: set(members) for day, members in found.items()})

    @cached_property
    def feed(self) -> Sets:
        return self._sets("user_id", "feed_actions")

    @cached_property
    def viewers(self) -> Sets:
        return self._sets("user_id", "feed_actions", "action = 'view'")

    @cached_property
    def likers(self) -> Sets:
        return self._sets("user_id", "feed_actions", "action = 'like'")

    @cached_property
    def posts(self) -> Sets:
        return self._sets("post_id", "feed_actions")

    @cached_property
    def senders(self) -> Sets:
        return self._sets("user_id", "message_actions")

    @cached_property
    def receivers(self) -> Sets:
        return self._sets("receiver_id", "message_actions")

    @cached_property
    def pairs(self) -> Sets:
        return self._sets("(user_id, receiver_id)", "message_actions")

    @cached_property
    def messenger(self) -> Sets:
        return union(self.senders, self.receivers)

    @cached_property
    def app(self) -> Sets:
        return union(self.feed, self.messenger)

    @cached_property
    def both(self) -> Sets:
        return defaultdict(set, {day: self.feed[day] & self.messenger[day] for day in all_days()})

    @cached_property
    def source_of(self) -> dict[int, str]:
        """Attributes never change in the demo."""
        of_messages = "SELECT user_id, source FROM message_actions"
        return dict(self.rows(f"SELECT user_id, source FROM feed_actions UNION DISTINCT {of_messages}"))

    @cached_property
    def counts(self) -> dict[date, dict[str, float]]:
        """Sums over the events of a day."""
        sql = f"""SELECT {DAY}, countIf(action = 'view') AS views, countIf(action = 'like') AS likes,
            uniqExact(user_id, post_id) AS user_posts, uniqExactIf((user_id, post_id), action = 'view') AS user_views,
            uniqExactIf((user_id, post_id), action = 'like') AS user_likes
            FROM feed_actions GROUP BY day"""
        found = self.context.engine.run(Statement(sql, "test")).dicts()
        messages = self.by_day(f"SELECT {DAY}, count() FROM message_actions GROUP BY day")
        return {row["day"]: {**row, "messages": messages.get(row["day"], 0)} for row in found}

    @cached_property
    def users(self) -> dict[date, tuple[float, float]]:
        """The mean over users of their own like rate, and of the smoothed one."""
        sql = f"""SELECT day, avgIf(likes / views, views > 0), avg((likes + 5 * (total.2 / total.1)) / (views + 5))
            FROM (SELECT day, views, likes,
                    (sum(views) OVER (PARTITION BY day), sum(likes) OVER (PARTITION BY day)) AS total
                FROM (SELECT {DAY}, user_id, countIf(action = 'view') AS views, countIf(action = 'like') AS likes
                    FROM feed_actions GROUP BY day, user_id))
            GROUP BY day"""
        return {day: (mean, smoothed) for day, mean, smoothed in self.rows(sql)}

    def gaps(self, entity: str, table: str, where: str = "1") -> dict[date, float | None]:
        """The mean time between consecutive events."""
        sql = f"""SELECT day, sum(arraySum(arrayDifference(times))) / nullIf(sum(length(times) - 1), 0)
            FROM (SELECT {DAY}, {entity} AS entity, arraySort(groupArray(toUnixTimestamp(time))) AS times
                FROM {table} WHERE {where} GROUP BY day, entity) GROUP BY day"""
        return self.by_day(sql)

    @cached_property
    def between(self) -> dict[str, dict[date, float | None]]:
        return {
            "avg_seconds_between_views": self.gaps("user_id", "feed_actions", "action = 'view'"),
            "avg_seconds_between_likes": self.gaps("user_id", "feed_actions", "action = 'like'"),
            "avg_seconds_between_messages_sent": self.gaps("user_id", "message_actions"),
            "avg_seconds_between_messages_received": self.gaps("receiver_id", "message_actions"),
        }

    @cached_property
    def waits(self) -> dict[date, list[int]]:
        """From each user's first view of a post to the first like of it, ascending."""
        sql = f"""SELECT views.day, arraySort(groupArray(likes.at - views.at)) FROM
            (SELECT {DAY}, user_id, post_id, min(toUnixTimestamp(time)) AS at FROM feed_actions
                WHERE action = 'view' GROUP BY day, user_id, post_id) AS views
            INNER JOIN (SELECT {DAY}, user_id, post_id, min(toUnixTimestamp(time)) AS at FROM feed_actions
                WHERE action = 'like' GROUP BY day, user_id, post_id) AS likes USING (day, user_id, post_id)
            WHERE likes.at >= views.at GROUP BY views.day"""
        return self.by_day(sql)

    @cached_property
    def funnel(self) -> dict[date, float]:
        """The share of viewers of a day who like something within an hour of one of its views."""
        both = "arrayExists(view -> arrayExists(like -> like BETWEEN view AND view + 3600, likes), views)"
        sql = f"""SELECT day, countIf({both}) / count()
            FROM (SELECT {DAY}, user_id, groupArray(toUnixTimestamp(time)) AS views FROM feed_actions
                WHERE action = 'view' GROUP BY day, user_id) AS views
            LEFT JOIN (SELECT toDate(time, 'Europe/Moscow') - arrayJoin([0, 1]) AS day, user_id,
                    groupArray(toUnixTimestamp(time)) AS likes
                FROM feed_actions WHERE action = 'like' GROUP BY day, user_id) AS likes USING (day, user_id)
            GROUP BY day"""
        return self.by_day(sql)

    @cached_property
    def busiest(self) -> dict[date, int]:
        """Messages of the tenth of the pairs with the most of them, rounded up."""
        sql = f"""SELECT day, arraySum(arraySlice(arrayReverseSort(groupArray(messages)), 1, intDiv(count() + 9, 10)))
            FROM (SELECT {DAY}, user_id, receiver_id, count() AS messages
                FROM message_actions GROUP BY day, user_id, receiver_id) GROUP BY day"""
        return self.by_day(sql)


def all_days() -> list[date]:
    return [FIRST_DAY + timedelta(days=number) for number in range((LAST_DAY - FIRST_DAY).days + 1)]


def union(*many: Sets) -> Sets:
    return defaultdict(set, {day: set().union(*(sets[day] for sets in many)) for day in all_days()})


def merged(sets: Sets, day: date, first: int, last: int = 0) -> set[Any]:
    return set().union(*(sets[day + timedelta(days=number)] for number in range(first, last + 1)))


def before(sets: Sets, day: date) -> set[Any]:
    return set().union(*(sets[each] for each in all_days() if each < day))


def new(sets: Sets, day: date) -> set[Any]:
    return sets[day] - before(sets, day)


def share(over: float | None, under: float | None) -> float | None:
    return over / under if over is not None and under else None


def known(day: date, back: int) -> bool:
    """Whether so many days before it have events."""
    return day - timedelta(days=back) >= FIRST_DAY


# --- what each metric must be, in families ---


def total(name: str) -> Expected:
    return lambda raw, day: raw.counts[day][name]


def size(members: Callable[[Raw], Sets]) -> Expected:
    return lambda raw, day: len(members(raw)[day])


def first_time(members: Callable[[Raw], Sets]) -> Expected:
    return lambda raw, day: len(new(members(raw), day))


def over(numerator: str, denominator: str) -> Expected:
    return lambda raw, day: share(EXPECTED[numerator](raw, day), EXPECTED[denominator](raw, day))


def rolled(members: Callable[[Raw], Sets], days: int) -> Expected:
    return lambda raw, day: len(merged(members(raw), day, 1 - days)) if known(day, days - 1) else None


def of_source(source: str, members: Callable[[Raw], Sets]) -> Expected:
    return lambda raw, day: sum(raw.source_of.get(user) == source for user in members(raw)[day])


def back(members: Callable[[Raw], Sets], after: int) -> Expected:
    """Retention that stands at the day of the return."""

    def found(raw: Raw, day: date) -> float | None:
        cohort = new(members(raw), day - timedelta(days=after)) if known(day, after) else set()
        return share(len(cohort & members(raw)[day]), len(cohort))

    return found


def within_14_days(raw: Raw, day: date) -> float | None:
    cohort = new(raw.app, day)
    return (
        share(len(cohort & merged(raw.app, day, 1, 14)), len(cohort)) if day + timedelta(days=14) <= LAST_DAY else None
    )


def linearised(raw: Raw, day: date) -> float | None:
    if not known(day, 7):
        return None
    today, then = raw.counts[day], raw.counts[day - timedelta(days=7)]
    return (today["likes"] - then["likes"] / then["views"] * today["views"]) / len(raw.feed[day])


def degree(end: int) -> Expected:
    """Distinct pairs of seven days over those at one end of them."""

    def found(raw: Raw, day: date) -> float | None:
        pairs = merged(raw.pairs, day, -6)
        return share(len(pairs), len({pair[end] for pair in pairs})) if known(day, 6) else None

    return found


def active_days(raw: Raw, day: date) -> float | None:
    days = sum(len(raw.feed[day - timedelta(days=number)]) for number in range(7))
    return share(days, len(merged(raw.feed, day, -6))) if known(day, 6) else None


@dataclass(frozen=True)
class Part:
    """One part of a lifecycle by the day."""

    members: Callable[[Raw], Sets]
    part: str

    def __call__(self, raw: Raw, day: date) -> float | None:
        return lifecycle(self.members(raw), day)[self.part]


def lifecycle(sets: Sets, day: date) -> dict[str, float | None]:
    now, seen = sets[day], before(sets, day)
    if not known(day, 1):
        return {"new": len(now), "inactive": 0} | dict.fromkeys(
            ("retained", "resurrected", "churned", "churn_rate", "quick_ratio")
        )
    last = sets[day - timedelta(days=1)]
    came, gone = len(now - seen) + len((now & seen) - last), len(last - now)
    return {
        "new": len(now - seen),
        "retained": len(now & last),
        "resurrected": len((now & seen) - last),
        "churned": gone,
        "inactive": len(seen - now),
        "churn_rate": share(gone, len(last)),
        "quick_ratio": share(came, gone),
    }


def only(left: Callable[[Raw], Sets], right: Callable[[Raw], Sets]) -> Callable[[Raw], Sets]:
    return lambda raw: defaultdict(set, {day: left(raw)[day] - right(raw)[day] for day in all_days()})


def app(raw: Raw) -> Sets:
    return raw.app


def feed(raw: Raw) -> Sets:
    return raw.feed


def messenger(raw: Raw) -> Sets:
    return raw.messenger


def senders(raw: Raw) -> Sets:
    return raw.senders


def receivers(raw: Raw) -> Sets:
    return raw.receivers


def pairs(raw: Raw) -> Sets:
    return raw.pairs


SERVICES: dict[str, Callable[[Raw], Sets]] = {
    "feed": feed,
    "messenger": messenger,
    "both": lambda raw: raw.both,
    "feed_only": only(feed, messenger),
    "messenger_only": only(messenger, feed),
}

EXPECTED: dict[str, Expected] = {
    # the whole app
    "dau": size(app),
    "wau": rolled(app, 7),
    "mau": rolled(app, 30),
    "stickiness_dau_wau": over("dau", "wau"),
    "feed_only_dau": size(SERVICES["feed_only"]),
    "messenger_only_dau": size(SERVICES["messenger_only"]),
    "both_services_dau": size(SERVICES["both"]),
    "both_services_share": over("both_services_dau", "dau"),
    "service_users_sum": lambda raw, day: len(raw.feed[day]) + len(raw.messenger[day]),
    "new_users": first_time(app),
    "first_time_both_services_users": first_time(SERVICES["both"]),
    "returning_users_7d": lambda raw, day: len(raw.app[day] & merged(raw.app, day, -7, -1)) if known(day, 7) else None,
    "returning_share_7d": over("returning_users_7d", "dau"),
    "total_actions": lambda raw, day: sum(raw.counts[day][name] for name in ("views", "likes", "messages")),
    "actions_per_user": over("total_actions", "dau"),
    "messages_per_active_user": over("messages", "dau"),
    "ads_share": over("ads_dau", "dau"),
    **{
        f"{source}_{word}": of_source(source, members)
        for source in ("ads", "organic")
        for word, members in {"dau": app, "feed_dau": feed, "sender_dau": senders, "receiver_dau": receivers}.items()
    },
    # feed
    "views": total("views"),
    "likes": total("likes"),
    "feed_dau": size(feed),
    "feed_wau": rolled(feed, 7),
    "feed_new_users": first_time(feed),
    "ctr": over("likes", "views"),
    "ctr_user_mean": lambda raw, day: raw.users[day][0],
    "smoothed_ctr": lambda raw, day: raw.users[day][1],
    "linearized_likes": linearised,
    "unique_posts": size(lambda raw: raw.posts),
    "user_post_pairs": total("user_posts"),
    "posts_per_user": over("user_post_pairs", "feed_dau"),
    "views_per_user": over("views", "feed_dau"),
    "likes_per_user": over("likes", "feed_dau"),
    "views_per_post": over("views", "unique_posts"),
    "likes_per_post": over("likes", "unique_posts"),
    "unique_viewers_per_post": lambda raw, day: raw.counts[day]["user_views"] / len(raw.posts[day]),
    "unique_likers_per_post": lambda raw, day: raw.counts[day]["user_likes"] / len(raw.posts[day]),
    "feed_viewers": size(lambda raw: raw.viewers),
    "feed_likers": size(lambda raw: raw.likers),
    "viewer_to_liker_rate": over("feed_likers", "feed_viewers"),
    "view_to_like_funnel": lambda raw, day: raw.funnel[day] if day < LAST_DAY else None,
    "view_to_like_funnel.view": lambda _, day: 1 if day < LAST_DAY else None,
    "view_to_like_funnel.like": lambda raw, day: raw.funnel[day] if day < LAST_DAY else None,
    "view_to_like_seconds": lambda raw, day: sum(raw.waits[day]) / len(raw.waits[day]),
    "feed_user_days": size(feed),
    "feed_user_days_7d": lambda raw, day: (
        sum(len(raw.feed[day - timedelta(days=each)]) for each in range(7)) if known(day, 6) else None
    ),
    "active_days_per_user": active_days,
    # messenger
    "messages": total("messages"),
    "messages_received": total("messages"),
    "sender_dau": size(senders),
    "receiver_dau": size(receivers),
    "messenger_dau": size(messenger),
    "receive_only_users": size(only(receivers, senders)),
    "messenger_wau": rolled(messenger, 7),
    "messenger_new_users": first_time(messenger),
    "messages_per_sender": over("messages", "sender_dau"),
    "messages_received_per_receiver": over("messages", "receiver_dau"),
    "contacts_per_sender": over("active_pairs", "sender_dau"),
    "contacts_per_receiver": over("active_pairs", "receiver_dau"),
    "sender_receiver_ratio": over("sender_dau", "receiver_dau"),
    "receiver_sender_ratio": over("receiver_dau", "sender_dau"),
    **{
        f"avg_seconds_between_{what}": lambda raw, day, what=what: raw.between[f"avg_seconds_between_{what}"].get(day)
        for what in ("views", "likes", "messages_sent", "messages_received")
    },
    # the graph
    "active_pairs": size(pairs),
    "pairs_received": size(pairs),
    "new_pairs": first_time(pairs),
    "pairs_back": size(pairs),
    "reciprocal_pairs": lambda raw, day: len(raw.pairs[day] & {(b, a) for a, b in raw.pairs[day]}),
    "reciprocal_pair_share": over("reciprocal_pairs", "active_pairs"),
    "messages_per_pair": over("messages", "active_pairs"),
    "out_degree": degree(0),
    "in_degree": degree(1),
    "top_pairs_messages": lambda raw, day: raw.busiest.get(day, 0),
    "top_pairs_share": over("top_pairs_messages", "messages"),
    # retention
    **{
        f"{prefix}retention_d{after}": back(members, after)
        for prefix, members in {"": app, "feed_": feed, "messenger_": messenger}.items()
        for after in (1, 3, 7, 14, 30)
    },
    "rolling_retention_14d": within_14_days,
    "never_returned_14d": lambda raw, day: None if (kept := within_14_days(raw, day)) is None else 1 - kept,
    # lifecycles by the day; by the week they are below
    **{f"{name}_lifecycle": size(members) for name, members in SERVICES.items()},
    **{
        f"{name}_lifecycle.{part}": Part(members, part)
        for name, members in SERVICES.items()
        for part in ("new", "retained", "resurrected", "churned", "inactive", "churn_rate", "quick_ratio")
    },
    # the same numbers from models
    "views_of_user_days": total("views"),
    "likes_of_posts": total("likes"),
    "messages_of_connections": total("messages"),
    "users_of_app_activity": size(app),
    "new_users_of_app_activity": first_time(app),
    "app_activity_new_d7": lambda raw, day: len(new(raw.app, day - timedelta(days=7))) if known(day, 7) else 0,
    "app_activity_back_d7": lambda raw, day: (
        len(new(raw.app, day - timedelta(days=7)) & raw.app[day]) if known(day, 7) else 0
    ),
    "retention_d7_of_app_activity": back(app, 7),
}
APART = {  # not a number to be equal to: see the tests of their own
    "view_to_like_seconds_median",
    "likes_per_smoothed_view",
    "prior_per_smoothed_view",
}


@pytest.fixture(scope="module")
def context(demo_project: Project) -> Iterator[Context]:
    with demo_project.open(datetime(2026, 1, 1, tzinfo=UTC)) as context:
        yield context


@pytest.fixture(scope="module")
def raw(context: Context) -> Raw:
    return Raw(context)


@pytest.fixture(scope="module")
def found(context: Context) -> dict[str, dict[date, Row]]:
    """Every metric on every day, in one query."""
    rows: dict[str, dict[date, Row]] = defaultdict(dict)
    for row in query(context, NAMES, FIRST_DAY, LAST_DAY + timedelta(days=1)):
        rows[row.metric][row.time] = row
    return rows


def test_every_metric_has_an_expectation() -> None:
    assert set(NAMES) == EXPECTED.keys() | APART


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_metric(found, raw: Raw, name: str) -> None:
    for day in DAYS:
        value, row = EXPECTED[name](raw, day), found[name][day]
        assert row.value == (None if value is None else pytest.approx(value, rel=1e-9)), (day, row.reason)
        assert (row.value is None) == (row.reason is not None)


def test_the_median_wait_lies_in_the_middle(found, raw: Raw) -> None:
    """A t-digest is exact to the rank: within two percent of the values."""
    for day in DAYS:
        waits, value = raw.waits[day], found["view_to_like_seconds_median"][day].value
        assert waits[int(0.48 * len(waits))] <= value <= waits[int(0.52 * len(waits))]


def test_parts_of_the_smoothed_rate(found, raw: Raw) -> None:
    for day in DAYS:
        ctr = raw.counts[day]["likes"] / raw.counts[day]["views"]
        likes, prior = (found[name][day].value for name in ("likes_per_smoothed_view", "prior_per_smoothed_view"))
        assert 0 < prior < 1
        assert likes + ctr * prior == pytest.approx(raw.users[day][1], rel=1e-9)


# --- slices ---


def by_source(context: Context, name: str, day: date) -> dict[str, float | None]:
    return {row.by["source"]: row.value for row in query(context, [name], day, day + timedelta(days=1), "source")}


@pytest.mark.parametrize("day", [date(2025, 8, 15), date(2025, 8, 24), date(2025, 10, 2)])
@pytest.mark.parametrize(
    ("name", "members"), [("dau", app), ("feed_dau", feed), ("sender_dau", senders), ("receiver_dau", receivers)]
)
def test_users_by_their_own_source(
    context: Context, raw: Raw, name: str, members: Callable[[Raw], Sets], day: date
) -> None:
    """Receivers are counted by their own attributes, not by those of who wrote to them."""
    wanted: dict[str, int] = defaultdict(int)
    for user in members(raw)[day]:
        wanted[raw.source_of.get(user, "(none)")] += 1
    assert {slice_of: value for slice_of, value in by_source(context, name, day).items() if value} == wanted


@pytest.mark.parametrize("day", [date(2025, 8, 15), date(2025, 9, 8)])
def test_other_metrics_by_source(context: Context, raw: Raw, day: date) -> None:
    sql = f"""SELECT source, countIf(action = 'like') / countIf(action = 'view'),
        uniqExact(user_id, post_id) / uniqExact(user_id) FROM feed_actions
        WHERE toDate(time, 'Europe/Moscow') = '{day}' GROUP BY source"""
    for source, ctr, posts in raw.rows(sql):
        assert by_source(context, "ctr", day)[source] == pytest.approx(ctr)
        assert by_source(context, "posts_per_user", day)[source] == pytest.approx(posts)
        cohort = {user for user in new(raw.app, day) if raw.source_of.get(user) == source}
        assert by_source(context, "new_users", day)[source] == len(cohort)
        then = {user for user in new(raw.feed, day - timedelta(days=7)) if raw.source_of.get(user) == source}
        assert by_source(context, "feed_retention_d7", day)[source] == share(len(then & raw.feed[day]), len(then))


# --- lifecycles by the week ---


def weeks() -> list[date]:
    return [day for day in all_days() if day.weekday() == 0 and day + timedelta(days=6) <= LAST_DAY]


def of_week(sets: Sets, monday: date) -> set[Any]:
    return set().union(*(sets[monday + timedelta(days=number)] for number in range(7)))


def weekly(raw: Raw, service: str, monday: date) -> set[int]:
    """Who used both, or only one, in the whole week."""
    in_feed, in_messenger = of_week(raw.feed, monday), of_week(raw.messenger, monday)
    return {
        "feed": in_feed,
        "messenger": in_messenger,
        "both": in_feed & in_messenger,
        "feed_only": in_feed - in_messenger,
        "messenger_only": in_messenger - in_feed,
    }[service]


@pytest.mark.parametrize("service", SERVICES)
def test_weekly_lifecycle(context: Context, raw: Raw, service: str) -> None:
    parts = ["new", "resurrected", "churned", "retained", "inactive"]
    names = [f"{service}_lifecycle", *(f"{service}_lifecycle.{part}" for part in parts)]
    values: dict[date, dict[str, float]] = defaultdict(dict)
    for row in query(context, names, weeks()[0], LAST_DAY + timedelta(days=1), grain="week"):
        if row.value is not None:
            values[row.time][row.metric.partition(".")[2] or "active"] = row.value
    first_week = of_first_week(raw, service)
    for at, monday in enumerate(weeks()[1:], start=1):
        sets = [first_week, *(weekly(raw, service, each) for each in weeks()[: at + 1])]
        now, last, seen = sets[-1], sets[-2], set().union(*sets[:-1])
        assert values[monday] == {
            "active": len(now),
            "new": len(now - seen),
            "resurrected": len((now & seen) - last),
            "churned": len(last - now),
            "retained": len(now & last),
            "inactive": len(seen - now),
        }
        came = values[monday]["new"] + values[monday]["resurrected"]
        assert len(now) == len(last) + came - values[monday]["churned"]


def of_first_week(raw: Raw, service: str) -> set[int]:
    """The Sunday on which the history begins is a week of its own."""
    return weekly(raw, service, FIRST_DAY - timedelta(days=FIRST_DAY.weekday()))


# --- what people see ---


def test_the_dashboard_has_the_cards_and_tables() -> None:
    (board,) = Project.load(home()).catalog.definitions.dashboards.values()
    app, feed, messenger, *_ = tabs = list(board.spec.tabs.values())
    assert [len(tab.metrics) for tab in (app, feed, messenger)] == [8, 12, 8]
    assert app.by == feed.by == messenger.by == ("gender", "age_group", "source", "os", "country", "city")
    assert all(set(tab.filters) == set(app.by) for tab in tabs)


def test_the_dashboard_shows_every_type_of_block() -> None:
    """Cards, tables and cohorts are fields of a tab, too."""
    (board,) = Project.load(home()).catalog.definitions.dashboards.values()
    shown = Counter(block.type for tab in board.spec.tabs.values() for block in tab.blocks)
    assert shown.keys() == set(GATHER)
    assert shown["lifecycle"] == 5


def labels(names: Iterable[str]) -> list[str | None]:
    definitions = Project.load(home()).catalog.definitions.metrics
    return [definitions[name].spec.label for name in names]


def test_every_metric_has_a_name_for_people() -> None:
    found = labels(Project.load(home()).catalog.definitions.metrics)
    assert None not in found
    assert len(found) == len(set(found))
