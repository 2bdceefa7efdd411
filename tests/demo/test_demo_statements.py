"""The statements themselves, and that the rows depend on nothing but the arguments."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import pytest

from assay.demo import events, shapes, statements
from assay.demo.days import days
from assay.errors import UsageError

SEED = 20250706


def test_each_statement_is_one_write_with_a_purpose() -> None:
    for statement in statements():
        assert statement.writes
        assert statement.purpose.startswith("demo: ")
        assert ";" not in statement.sql


def test_nothing_depends_on_the_clock_or_on_rand() -> None:
    for statement in statements():
        assert not re.search(r"\b(now|today|yesterday|rand\w*|generateUUID\w*)\s*\(", statement.sql)


def test_a_progress_bar_sees_steps_of_a_week() -> None:
    written = [each.purpose for each in statements() if "write the feed" in each.purpose]
    assert len(written) == 16
    assert written[0] == "demo: write the feed from 2025-07-06"


def test_database_and_zone_are_quoted() -> None:
    sql = statements(database="my `db`", timezone="UTC")[0].sql
    assert "`my \\`db\\``.feed_actions" in sql
    assert "toDate(time, 'UTC')" in sql


@pytest.mark.parametrize("bad", [{"scale": 0}, {"scale": 1.5}, {"seed": -1}, {"timezone": "Mars/Olympus"}])
def test_impossible_arguments_are_usage_errors(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="E601"):
        statements(**bad)  # type: ignore[arg-type]


def test_days_cover_the_span_and_their_users_do_not_overlap() -> None:
    calendar = days(1.0, SEED)
    assert calendar[0].date == events.FIRST_DAY
    assert calendar[-1].date == events.LAST_DAY
    for before, after in pairwise(calendar):
        assert after.date - before.date == timedelta(days=1)
        assert after.first_ads == before.first_ads + before.new_ads
    assert calendar[-1].first_ads + calendar[-1].new_ads < 109_000 - 200


def test_shares_add_up() -> None:
    assert sum(shapes.COUNTRIES.values()) == pytest.approx(1.0)
    assert sum(shapes.slot_weights()) == pytest.approx(1.0)
    assert sum(shapes.CITIES.values()) < shapes.COUNTRIES["Russia"]
    assert set(events.OUTAGE_CITIES) < set(shapes.CITIES)


def test_visit_lengths_have_the_stated_mean() -> None:
    bounds = [0.0, *(bound for bound, _, _ in shapes.VISITS)]
    shares = [high - low for low, high in pairwise(bounds)]
    mean = sum(share * mean for share, (_, mean, _) in zip(shares, shapes.VISITS, strict=True))
    assert mean == pytest.approx(shapes.MEAN_VIEWS)


FINGERPRINT = """
    SELECT (SELECT groupBitXor(cityHash64(*)) FROM `{0}`.feed_actions), (SELECT count() FROM `{0}`.feed_actions),
           (SELECT groupBitXor(cityHash64(*)) FROM `{0}`.message_actions), (SELECT count() FROM `{0}`.message_actions)
"""


@pytest.mark.slow
def test_rows_depend_on_the_arguments_alone(engine) -> None:
    for name, seed, threads in (("one", SEED, 1), ("two", SEED, 4), ("other", SEED + 1, 4)):
        engine.client.command(f"CREATE DATABASE {name}")
        engine.client.command(f"SET max_threads = {threads}")
        engine.build(scale=0.01, seed=seed, database=name)
    one, two, other = (engine.row(FINGERPRINT.format(name)) for name in ("one", "two", "other"))
    assert one == two
    assert one != other


@pytest.mark.slow
def test_scratch_tables_are_dropped_and_a_second_run_replaces(engine) -> None:
    engine.build(scale=0.005)
    once = engine.row(FINGERPRINT.format("default"))
    engine.build(scale=0.005)
    assert engine.row(FINGERPRINT.format("default")) == once
    tables = engine.rows("SELECT name FROM system.tables WHERE database = 'default' ORDER BY name")
    assert tables == [("feed_actions",), ("message_actions",)]


@pytest.mark.slow
def test_local_days_follow_the_zone(engine) -> None:
    engine.client.command("CREATE DATABASE tokyo")
    engine.build(scale=0.005, database="tokyo", timezone="Asia/Tokyo")
    first, last = engine.row(
        "SELECT min(toDate(time, 'Asia/Tokyo')), max(toDate(time, 'Asia/Tokyo')) FROM tokyo.feed_actions"
    )
    assert (first, last) == (events.FIRST_DAY, events.LAST_DAY)
