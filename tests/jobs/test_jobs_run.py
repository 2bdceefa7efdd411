"""`run`: whatever the order of runs, deletions, reloads and late rows, the states are those of a fresh build."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.compiler import zone
from assay.errors import UsageError, WarehouseError
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize

ZONE = "America/New_York"
FIRST, DAYS = date(2025, 3, 6), 6  # the clock changes on the fourth day
END = FIRST + timedelta(days=DAYS)
SOURCE = """
  {name}:
    table: RAW.{name}
    time: at
    entities: {{user: user_id}}
    dimensions: {{city: city, top_city: {{column: city, top: 2}}}}
    lateness: 2d
    checks: {{not_null: [user_id], accepted: {{kind: [view, like]}}, min_rows_per_day: {least}}}
"""


def _files(least: int = 0) -> dict[str, str]:
    sources = "sources:" + SOURCE.format(name="feed", least=least) + SOURCE.format(name="chat", least=0)
    metrics = """
metrics:
  views: {type: count, source: feed, where: "kind = 'view'"}
  spend: {type: sum, source: feed, value: amount}
  users: {type: unique, source: feed, of: user}
  middle: {type: quantile, source: feed, value: amount, level: 0.5}
  messages: {type: count, source: chat}
  talkers: {type: unique, source: chat, of: user}
  both: {type: set, expr: users & talkers}
"""
    alerts = "alerts: {quick: {metrics: [users], every: 1h, by: [city], route: nobody}}\n"
    return {"metrics/all.yaml": sources + metrics + alerts + "routes: {nobody: {outbox: {path: outbox}}}\n"}


COLUMNS = "at DateTime('UTC'), user_id Nullable(UInt32), kind String, amount Float64, city Nullable(String)"
TABLES = {"feed": COLUMNS, "chat": COLUMNS}


def _rows(rng: random.Random, day: date, count: int) -> list[dict[str, Any]]:
    start, end = zone.midnight(day, ZONE), zone.midnight(day, ZONE, after=1)
    return [
        {
            "at": start + timedelta(seconds=rng.randrange(int((end - start).total_seconds()))),
            "user_id": rng.randrange(20),
            "kind": rng.choice(["view", "like"]),
            "amount": float(rng.randrange(100)),  # whole numbers: their sums do not depend on the order
            "city": rng.choice(["A", "B", "C", "D", None]),
        }
        for _ in range(count)
    ]


READ = """SELECT source, grain, day, slot, measure, dim, val, sum(value),
  arraySort(bitmapToArray(groupBitmapMergeState(users))),
  quantilesTDigestMerge(0.1, 0.5, 0.9)(digest)
FROM DB.measure_states GROUP BY source, grain, day, slot, measure, dim, val ORDER BY ALL"""


def _states(shop) -> list[str]:
    """Everything that is stored, read out; as text, because the quantile of nothing is NaN."""
    return [str(row) for row in shop.rows(READ.replace("DB", shop.context.database))]


def _fresh(shop) -> list[str]:
    """The states that a first build of the same rows gives, with the values that are pinned already."""
    for table in ("measure_states", "builds"):
        shop.write(f"TRUNCATE TABLE {shop.context.database}.{table}")
    assert materialize.run(shop.context, start=FIRST, end=END).ok
    return _states(shop)


DAY = st.integers(0, DAYS - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), DAY, DAY),
        st.tuples(st.just("delete"), DAY, st.just(0)),
        st.tuples(st.just("reload"), DAY, st.integers(0, 5)),
        st.tuples(st.just("late"), DAY, st.integers(1, 5)),
    ),
    max_size=6,
)


def _apply(shop, rng: random.Random, step: tuple[str, int, int]) -> None:
    what, at, more = step
    day = FIRST + timedelta(days=at)
    if what == "run":
        first, last = sorted((at, more))
        materialize.run(shop.context, start=FIRST + timedelta(days=first), end=FIRST + timedelta(days=last + 1))
    if what in ("delete", "reload"):
        shop.write(f"DELETE FROM RAW.feed WHERE toDate(at, '{ZONE}') = '{day}'")
    if what in ("reload", "late"):
        shop.load("feed", _rows(rng, day, more))


def _live(lab, steps: list[tuple[str, int, int]], seed: int) -> None:
    rng, shop = random.Random(seed), lab.shop(_files(), TABLES, ZONE)
    for table in TABLES:
        for at in range(DAYS):
            shop.load(table, _rows(rng, FIRST + timedelta(days=at), 12))
    materialize.run(shop.context, start=FIRST, end=END)
    for step in steps:
        _apply(shop, rng, step)
    materialize.run(shop.context, start=FIRST, end=END)
    assert _states(shop) == _fresh(shop)


def test_repairs_end_in_the_states_of_a_fresh_build(lab) -> None:
    """A day deleted and reloaded, one that became empty, late rows, and days built twice in another order."""
    _live(lab, [("reload", 2, 4), ("run", 2, 3), ("delete", 0, 0), ("late", 5, 3), ("run", 4, 5), ("run", 5, 5)], 11)


@pytest.mark.slow
@given(STEPS, st.integers(0, 2**32))
@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_of_runs_ends_in_the_states_of_a_fresh_build(lab, steps, seed: int) -> None:
    _live(lab, steps, seed)


@pytest.fixture
def shop(lab):
    shop, rng = lab.shop(_files(), TABLES, ZONE), random.Random(3)
    for table in TABLES:
        for at in range(DAYS):
            shop.load(table, _rows(rng, FIRST + timedelta(days=at), 12))
    return shop


def _noon(day: date) -> datetime:
    return zone.midnight(day, ZONE) + timedelta(hours=12)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 4])
def test_chunks_do_not_matter(shop, size: int) -> None:
    materialize.run(shop.context, start=FIRST, end=FIRST + timedelta(days=1))
    for at in range(0, DAYS, size):
        last = min(FIRST + timedelta(days=at + size), END)
        assert materialize.run(shop.context, start=FIRST + timedelta(days=at), end=last).ok
    assert _states(shop) == _fresh(shop)


@pytest.mark.slow
def test_rows_within_the_lateness_are_picked_up(shop) -> None:
    """Each day at noon a run without dates builds what is due; two of the last days are read again."""
    rng = random.Random(5)
    for at in range(1, DAYS + 1):
        materialize.run(shop.at(_noon(FIRST + timedelta(days=at))))
        if at >= 2:
            shop.load("feed", _rows(rng, FIRST + timedelta(days=at - 2), 3))
    materialize.run(shop.at(_noon(END)))
    assert _states(shop) == _fresh(shop)


def test_a_day_that_is_over_but_was_built_before_its_end_is_built_again(shop) -> None:
    materialize.run(shop.at(_noon(END - timedelta(days=1))), start=FIRST, end=END)
    (row,) = query(shop.context, ["views"], END - timedelta(days=1), END)
    assert not row.complete
    materialize.run(shop.at(_noon(END)))
    (row,) = query(shop.context, ["views"], END - timedelta(days=1), END)
    assert row.complete
    assert _states(shop) == _fresh(shop)


@pytest.mark.slow
def test_a_hole_is_filled_by_the_next_run(shop) -> None:
    """What a failed check has left out comes as soon as the data is right, without naming the days."""
    bad = FIRST + timedelta(days=1)
    shop.load("feed", [_rows(random.Random(1), bad, 1)[0] | {"kind": "odd"}])
    for at in range(DAYS):
        materialize.run(shop.context, start=FIRST + timedelta(days=at), end=FIRST + timedelta(days=at + 1))
    assert query(shop.context, ["views"], bad, bad + timedelta(days=1))[0].reason
    shop.write("DELETE FROM RAW.feed WHERE kind = 'odd'")
    assert materialize.run(shop.at(_noon(END))).ok
    assert _daily(shop) == [state for state in _fresh(shop) if "'1d'" in state]


def _daily(shop) -> list[str]:
    """What is stored by day, without the slots of alerts."""
    return [state for state in _states(shop) if "'1d'" in state]


def test_nothing_after_the_moment_of_the_run_is_seen(shop) -> None:
    noon = _noon(FIRST)
    materialize.run(shop.at(noon), start=FIRST, end=END)
    rows = query(shop.at(noon), ["messages"], FIRST, END)
    (seen,) = shop.rows("SELECT count() FROM RAW.chat WHERE at < fromUnixTimestamp({t:Int64})", t=zone.epoch(noon))
    assert [row.value for row in rows] == [seen[0], 0, 0, 0, 0, 0]
    assert not any(row.complete for row in rows)


BAD = {
    "not_null": {"user_id": None},
    "accepted": {"kind": "it's odd"},
}


@pytest.mark.parametrize("check", BAD)
def test_a_failing_check_publishes_nothing_and_the_others_go_on(shop, check: str) -> None:
    assert materialize.run(shop.context, start=FIRST, end=END - timedelta(days=1)).ok
    before = [state for state in _daily(shop) if state.startswith("('feed'")]
    shop.load("feed", [_rows(random.Random(1), FIRST, 1)[0] | BAD[check]])
    shop.load("chat", _rows(random.Random(1), FIRST, 1))
    result = materialize.run(shop.context, start=FIRST, end=END)
    assert not result.ok
    failed = [step for step in result.steps if step.status == "failed"]
    assert {step.name for step in failed} == {"feed:1d", "feed:1h"}
    assert all(step.rows == 0 and check in step.reason for step in failed)
    assert [state for state in _daily(shop) if state.startswith("('feed'")] == before
    rows = {(row.metric, row.time): row for row in query(shop.context, ["views", "messages"], FIRST, END)}
    assert rows["messages", FIRST].value == 13
    assert rows["views", END - timedelta(days=1)].reason == "not built: run 'platform run'"
    leftover = "SELECT count() FROM system.tables WHERE database = {d:String} AND name LIKE '%stg%'"
    assert shop.rows(leftover, d=shop.context.database) == [(0,)]


def test_a_thin_day_is_not_published(lab) -> None:
    shop, rng = lab.shop(_files(least=5), TABLES, ZONE), random.Random(3)
    for at, count in enumerate([5, 4, 0, 6]):
        shop.load("feed", _rows(rng, FIRST + timedelta(days=at), count))
    shop.load("chat", _rows(rng, FIRST, 1))
    steps = [
        materialize.run(shop.context, ["feed"], FIRST + timedelta(days=at), FIRST + timedelta(days=at + 1)).steps
        for at in range(4)
    ]
    daily = [step for each in steps for step in each if step.name == "feed:1d"]
    assert [step.status for step in daily] == ["done", "failed", "failed", "done"]
    assert f"min_rows_per_day: 0 of at least 5 rows on {FIRST + timedelta(days=2)}" in daily[2].reason


def test_a_renamed_metric_costs_nothing_and_a_new_meaning_is_another_measure(lab, shop) -> None:
    catalog = shop.context.catalog
    renamed = _files()["metrics/all.yaml"].replace("spend:", "revenue:")
    changed = _files()["metrics/all.yaml"].replace("value: amount}\n  users", "value: amount * 2}\n  users")
    same, other = (
        lab.shop({"metrics/all.yaml": text.replace("RAW", shop.raw)}, {}, ZONE) for text in (renamed, changed)
    )
    ids = catalog.metric("spend").measures
    assert same.context.catalog.metric("revenue").measures[0].id == ids[0].id
    assert other.context.catalog.metric("spend").measures[0].id != ids[0].id


def test_top_values_are_pinned_by_the_first_run(shop) -> None:
    materialize.run(shop.context, start=FIRST, end=FIRST + timedelta(days=1))
    pinned = shop.rows(f"SELECT val FROM {shop.context.database}.dimension_values ORDER BY val")
    assert len(pinned) == 2
    shop.load("feed", [row | {"city": "Z"} for row in _rows(random.Random(9), FIRST, 50)])
    materialize.run(shop.context, start=FIRST, end=END)
    assert shop.rows(f"SELECT val FROM {shop.context.database}.dimension_values ORDER BY val") == pinned
    found = {row.by["top_city"] for row in query(shop.context, ["views"], FIRST, END, "top_city")}
    assert found == {*(val for (val,) in pinned), "other"}


def test_an_empty_range_and_an_empty_source_are_told(lab) -> None:
    shop = lab.shop(_files(), TABLES, ZONE)
    with pytest.raises(UsageError, match="E602"):
        materialize.run(shop.context, start=FIRST, end=FIRST)
    with pytest.raises(WarehouseError, match="E511"):
        materialize.run(shop.context)


def test_a_run_says_what_it_did(shop) -> None:
    done: list[tuple[int, int, str]] = []
    context = materialize.Context(
        shop.context.catalog, shop.context.engine, datetime(2025, 4, 1, tzinfo=UTC), lambda *a: done.append(a)
    )
    result = materialize.run(context)
    assert (result.start, result.end) == (FIRST, END)
    assert done[0][:2] == (0, len(result.steps))
    assert done[-1][:2] == (len(result.steps), len(result.steps))
    stored = shop.rows(f"SELECT count() FROM {shop.context.database}.measure_states")
    assert stored == [(sum(step.rows for step in result.steps),)]
