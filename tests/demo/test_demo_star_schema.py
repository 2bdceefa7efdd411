"""The tables and rollups of the demo: true numbers, whatever is done twice or comes late."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.demo.events import FIRST_DAY, LAST_DAY
from assay.jobs.context import Context
from assay.jobs.experiments import analyze
from assay.jobs.outputs import report, website
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.project import Project
from assay.report.format import show
from assay.statement import Statement

pytestmark = pytest.mark.slow
FACTS = ("fact_daily_feed", "fact_daily_posts", "fact_daily_messenger", "fact_user_connections")
ROLLUPS = ("app_daily_activity", "feed_daily_activity", "messenger_daily_activity")
TABLES = (*FACTS, "dim_users", "dim_dates", *ROLLUPS, "dim_experiment_groups", "messages_received", "user_days")
DAY = "toDate(time, 'Europe/Moscow')"
LATE = LAST_DAY - timedelta(days=1)  # two days before the run


@pytest.fixture(scope="module")
def context(demo_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A copy of the demo, because events come and go here; the run is on the morning after the last day."""
    folder = tmp_path_factory.mktemp("star") / "project"
    shutil.copytree(demo_project.root, folder, symlinks=True)
    experiment = folder / "experiments/similar_users.yaml"  # CUPED would move the means of both variants
    with_cuped = experiment.read_text()
    assert "cuped: 14d\n" in with_cuped
    experiment.write_text(with_cuped.replace("      cuped: 14d\n", ""))
    with replace(Project.load(folder), environ={}).open(datetime(2025, 10, 21, 9, tzinfo=UTC)) as context:
        yield context


def rows(context: Context, sql: str) -> list[tuple[Any, ...]]:
    return list(context.engine.run(Statement(sql, "test")).rows)


def write(context: Context, sql: str) -> None:
    context.engine.run(Statement(sql, "test", writes=True))


def same(context: Context, table: str, columns: str, sql: str) -> None:
    """The columns of a table hold exactly the rows of a query, and some."""
    stored, wanted = f"SELECT {columns} FROM assay.{table}", sql
    (counts,) = rows(
        context,
        f"""SELECT (SELECT count() FROM ({stored})), (SELECT count() FROM ({wanted})),
            (SELECT count() FROM (({stored}) EXCEPT ({wanted}))),
            (SELECT count() FROM (({wanted}) EXCEPT ({stored})))""",
    )
    assert counts[0] == counts[1] > 0
    assert counts[2:] == (0, 0)


# --- the tables, against the raw events ---


def test_daily_feed(context: Context) -> None:
    same(
        context,
        "fact_daily_feed",
        """date, user_id, posts, views, likes, first_view_time, last_view_time, first_like_time, last_like_time""",
        f"""SELECT {DAY} AS day, user_id, uniqExact(post_id), countIf(action = 'view'), countIf(action = 'like'),
            minOrNullIf(time, action = 'view'), maxOrNullIf(time, action = 'view'),
            minOrNullIf(time, action = 'like'), maxOrNullIf(time, action = 'like')
            FROM feed_actions GROUP BY day, user_id""",
    )


def gaps(entity: str, table: str, where: str) -> str:
    """Seconds between consecutive events, and how many gaps there are, of each entity and day that has a gap."""
    return f"""SELECT day, entity, toUInt64(arraySum(arrayDifference(times))), toUInt64(length(times) - 1)
        FROM (SELECT {DAY} AS day, {entity} AS entity, arraySort(groupArray(toUnixTimestamp(time))) AS times
            FROM {table} WHERE {where} GROUP BY day, entity) WHERE length(times) > 1"""


@pytest.mark.parametrize(
    ("table", "key", "what", "events"),
    [
        ("fact_daily_feed", "user_id", "views", gaps("user_id", "feed_actions", "action = 'view'")),
        ("fact_daily_feed", "user_id", "likes", gaps("user_id", "feed_actions", "action = 'like'")),
        ("fact_daily_posts", "post_id", "views", gaps("post_id", "feed_actions", "action = 'view'")),
        ("fact_daily_posts", "post_id", "likes", gaps("post_id", "feed_actions", "action = 'like'")),
        ("fact_daily_messenger", "user_id", "messages_sent", gaps("user_id", "message_actions", "1")),
        ("fact_daily_messenger", "user_id", "messages_received", gaps("receiver_id", "message_actions", "1")),
    ],
)
def test_gaps(context: Context, table: str, key: str, what: str, events: str) -> None:
    stored = f"(SELECT * FROM assay.{table} WHERE gaps_between_{what} > 0)"
    (found,) = rows(
        context,
        f"SELECT count(), sum(cityHash64(date, {key}, seconds_between_{what}, gaps_between_{what})) FROM {stored}",
    )
    assert [found] == rows(context, f"SELECT count(), sum(cityHash64(*)) FROM ({events})")


def test_daily_posts(context: Context) -> None:
    same(
        context,
        "fact_daily_posts",
        "date, post_id, first_action_time, last_action_time, views, likes, unique_viewers, unique_likers",
        f"""SELECT {DAY} AS day, post_id, min(time), max(time), countIf(action = 'view'), countIf(action = 'like'),
            uniqExactIf(user_id, action = 'view'), uniqExactIf(user_id, action = 'like')
            FROM feed_actions GROUP BY day, post_id""",
    )


@pytest.mark.parametrize(("table", "key"), [("fact_daily_feed", "user_id"), ("fact_daily_posts", "post_id")])
def test_waits_for_a_like(context: Context, table: str, key: str) -> None:
    sql = f"""SELECT views.day, {key}, toUInt64(sum(likes.at - views.at)), count() FROM
        (SELECT {DAY} AS day, user_id, post_id, min(time) AS at FROM feed_actions WHERE action = 'view'
            GROUP BY ALL) AS views
        INNER JOIN (SELECT {DAY} AS day, user_id, post_id, min(time) AS at FROM feed_actions WHERE action = 'like'
            GROUP BY ALL) AS likes USING (day, user_id, post_id) WHERE likes.at >= views.at GROUP BY views.day, {key}"""
    stored = f"(SELECT * FROM assay.{table} WHERE view_to_like_pairs > 0)"
    found = rows(
        context, f"SELECT count(), sum(cityHash64(date, {key}, view_to_like_seconds, view_to_like_pairs)) FROM {stored}"
    )
    assert found == rows(context, f"SELECT count(), sum(cityHash64(*)) FROM ({sql})")


def test_daily_messenger(context: Context) -> None:
    same(
        context,
        "fact_daily_messenger",
        """date, user_id, messages_sent, users_sent, first_sent_time, messages_received, users_received,
            last_received_time""",
        f"""SELECT day, id, sum(sent), uniqExactIf(other, sent), minOrNullIf(time, sent), sum(NOT sent),
            uniqExactIf(other, NOT sent), maxOrNullIf(time, NOT sent) FROM (
            SELECT {DAY} AS day, time, arrayJoin([(user_id, receiver_id, true), (receiver_id, user_id, false)]) AS each,
            each.1 AS id, each.2 AS other, each.3 AS sent FROM message_actions) GROUP BY day, id""",
    )


def test_connections(context: Context) -> None:
    sql = f"SELECT {DAY} AS day, user_id, receiver_id, count() FROM message_actions GROUP BY day, user_id, receiver_id"
    same(context, "fact_user_connections", "date, sender_id, receiver_id, messages_count", sql)


def test_users_are_everyone_with_the_latest_attributes(context: Context) -> None:
    names = "gender, age, toString(source), toString(os), toString(city), toString(country), exp_group"
    latest = f"""SELECT user_id, {", ".join(f"argMax({name}, time)" for name in names.split(", "))}
        FROM (SELECT user_id, time, gender, age, source, os, city, country, exp_group FROM feed_actions UNION ALL
            SELECT user_id, time, gender, age, source, os, city, country, exp_group FROM message_actions)
        GROUP BY user_id"""
    unknown = f"""SELECT DISTINCT receiver_id, {", ".join(["NULL"] * 7)} FROM message_actions
        WHERE receiver_id NOT IN (SELECT user_id FROM feed_actions UNION ALL SELECT user_id FROM message_actions)"""
    same(context, "dim_users", f"user_id, {names}", f"{latest} UNION ALL {unknown}")
    first = f"""SELECT id, min(day) FROM (SELECT user_id AS id, {DAY} AS day FROM feed_actions
        UNION ALL SELECT arrayJoin([user_id, receiver_id]), {DAY} FROM message_actions) GROUP BY id"""
    same(context, "dim_users", "user_id, first_day", first)


def test_dates(context: Context) -> None:
    found = rows(
        context,
        "SELECT date, day_of_week, day_name, is_weekend, week_number, week_year, month_name FROM assay.dim_dates",
    )
    assert len(found) == 730
    for day, number, name, weekend, week, year, month in found:
        assert (year, week, number) == tuple(day.isocalendar())
        assert (name, month, weekend) == (f"{day:%A}", f"{day:%B}", number > 5)


# --- the rollups ---


def test_rollups_add_up_to_the_days(context: Context) -> None:
    sums = "sum(views), sum(likes), sum(user_post_pairs), sum(feed_users)"
    feed = f"""SELECT {DAY} AS day, countIf(action = 'view'), countIf(action = 'like'), uniqExact(user_id, post_id),
        uniqExact(user_id) FROM feed_actions GROUP BY day ORDER BY day"""
    stored = (
        f"SELECT date, {sums} FROM assay.feed_daily_activity GROUP BY date HAVING sum(feed_users) > 0 ORDER BY date"
    )
    assert rows(context, stored) == rows(context, feed)
    names = "sum(senders), sum(receivers), sum(messenger_users), sum(receive_only_users), sum(messages_sent)"
    messenger = f"""SELECT day, uniqExact(sender), uniqExact(receiver), uniqExactArray([sender, receiver]),
        uniqExactArray([sender, receiver]) - uniqExact(sender), count() FROM (
        SELECT {DAY} AS day, user_id AS sender, receiver_id AS receiver FROM message_actions)
        GROUP BY day ORDER BY day"""
    stored = f"""SELECT date, {names} FROM assay.messenger_daily_activity
        GROUP BY date HAVING sum(messages_sent) > 0 ORDER BY date"""
    assert rows(context, stored) == rows(context, messenger)


@pytest.mark.parametrize(
    ("table", "new", "back", "then", "events"),
    [
        (
            "feed_daily_activity",
            "feed_new_users_lifetime_0",
            "feed_users_lifetime_7d",
            "feed_new_users_7_days_ago",
            f"SELECT user_id AS id, {DAY} AS day FROM feed_actions",
        ),
        (
            "messenger_daily_activity",
            "new_users_lifetime_0",
            "users_lifetime_7d",
            "new_users_7_days_ago",
            f"SELECT arrayJoin([user_id, receiver_id]) AS id, {DAY} AS day FROM message_actions",
        ),
    ],
)
def test_lifetimes_count_from_the_true_first_day(
    context: Context, table: str, new: str, back: str, then: str, events: str
) -> None:
    days = f"SELECT DISTINCT id, day, min(day) OVER (PARTITION BY id) AS first FROM ({events})"
    wanted = rows(
        context, f"SELECT day, countIf(day = first), countIf(day = first + 7) FROM ({days}) GROUP BY day ORDER BY day"
    )
    sums = rows(context, f"SELECT date, sum({new}), sum({back}), sum({then}) FROM assay.{table} GROUP BY date")
    found = {day: values for day, *values in sums}
    fresh = {day: count for day, count, _ in wanted}
    for day, count, returned in wanted:
        assert found[day] == [count, returned, fresh.get(day - timedelta(days=7), 0)]


def test_a_segment_is_that_of_the_events(context: Context) -> None:
    sql = """SELECT if(gender = 1, 'female', 'male') AS sex, country, countIf(action = 'view'), countIf(action = 'like')
        FROM feed_actions GROUP BY sex, country"""
    same(
        context,
        "app_daily_activity GROUP BY gender, country HAVING sum(views) > 0",
        "toString(gender), toString(country), sum(views), sum(likes)",
        sql,
    )


# --- what must never be ---


@pytest.mark.parametrize("table", TABLES)
def test_no_nan_and_no_day_before_all_days(context: Context, table: str) -> None:
    columns = context.catalog.models[table].spec.columns
    assert not [kind for kind in columns.values() if "Float" in kind]
    dates = [name for name, kind in columns.items() if "Date" in kind]
    first = "2025-01-01" if table == "dim_dates" else "2025-07-05"
    early = " + ".join(f"countIf({name} < '{first}')" for name in dates)
    (found,) = rows(context, f"SELECT count(), {early or 0} FROM assay.{table}")
    assert found[0] > 0
    assert found[1] == 0


def totals(context: Context) -> dict[str, Any]:
    return {
        table: rows(context, f"SELECT count(), sum(cityHash64(toString(tuple(*)))) FROM assay.{table}")
        for table in TABLES
    }


def test_again_and_late(context: Context) -> None:
    """A day built twice, a day deleted and loaded again, rows that come two days late: the same rows in every table."""
    before = totals(context)
    day = date(2025, 8, 24)
    assert materialize.run(context, start=day, end=day + timedelta(days=1)).ok
    assert totals(context) == before

    for table in ("feed_actions", "message_actions"):
        write(context, f"CREATE TABLE day_of_{table} AS {table}")
        write(context, f"INSERT INTO day_of_{table} SELECT * FROM {table} WHERE {DAY} = '{LATE}'")
        write(context, f"ALTER TABLE {table} DROP PARTITION '{LATE}'")
        write(context, f"INSERT INTO {table} SELECT * FROM day_of_{table} WHERE user_id % 3 > 0")
    assert materialize.run(context, start=LATE, end=LAST_DAY + timedelta(days=1)).ok
    without = totals(context)
    assert {table for table in TABLES if without[table] != before[table]} == {*TABLES} - {"dim_dates"}

    for table in ("feed_actions", "message_actions"):
        write(context, f"INSERT INTO {table} SELECT * FROM day_of_{table} WHERE user_id % 3 = 0")
    assert materialize.run(context).ok
    assert totals(context) == before


def test_the_history_of_groups_is_kept(context: Context) -> None:
    (user, group), *_ = rows(
        context, "SELECT user_id, any(exp_group) FROM feed_actions GROUP BY user_id ORDER BY user_id LIMIT 1"
    )
    moved = datetime(2025, 10, 20, 20, 59, 50, tzinfo=UTC)
    columns = "post_id, action, gender, age, os, source, country, city"
    write(
        context,
        f"""INSERT INTO feed_actions (user_id, time, exp_group, {columns})
            SELECT user_id, toDateTime({int(moved.timestamp())}, 'UTC'), {(group + 1) % 5}, {columns}
            FROM feed_actions WHERE user_id = {user} ORDER BY time LIMIT 1""",
    )
    assert materialize.run(context, ["dim_experiment_groups"]).ok
    found = rows(
        context,
        f"""SELECT exp_group, valid_from, valid_to FROM assay.dim_experiment_groups
            WHERE user_id = {user} ORDER BY valid_from""",
    )
    assert [group for group, *_ in found] == [group, (group + 1) % 5]
    assert found[0][2] == found[1][1] == moved.replace(tzinfo=None)
    assert found[1][2] is None


# --- one number everywhere ---


def test_report_site_query_and_experiment_agree(context: Context, tmp_path: Path) -> None:
    day = date(2025, 8, 7)
    names = ["dau", "feed_only_dau", "views", "likes", "ctr", "sender_dau", "receiver_dau", "messages_per_sender"]
    values = {row.metric: row.value for row in query(context, names, day, day + timedelta(days=1))}
    said = "\n".join(line for block in report.send(context, "daily", day, dry_run=True).blocks for line in block.lines)
    site = website.build(context, day, tmp_path / "site")
    pages = "".join((site / page).read_text() for page in ("index.html", "tabs/feed.html", "tabs/messenger.html"))
    for name, value in values.items():
        text = show(value, context.catalog.metric(name).definition.spec.format)
        assert text in said
        assert text in pages
    readout = analyze.analyze(context, "similar_users")
    (ctr,) = [each for each in readout.results if each.metric == "ctr"]
    sql = f"""SELECT countIf(action = 'like') / countIf(action = 'view') FROM feed_actions
        WHERE exp_group = %d AND {DAY} BETWEEN '2025-08-02' AND '2025-08-08'"""
    control, treatment = (rows(context, sql % group)[0][0] for group in (0, 3))
    assert ctr.effect.difference == pytest.approx(treatment - control)


def test_first_day_is_the_first_day(context: Context) -> None:
    ((first,),) = rows(context, "SELECT min(first_day) FROM assay.dim_users")
    assert first == FIRST_DAY
