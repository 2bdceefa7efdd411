"""`models`: whatever the order of runs, deletions and late rows, the tables are those of plain SQL over the events."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assay.catalog.rules.models import RESERVED
from assay.compiler import zone
from assay.errors import UsageError
from assay.jobs.context import Context
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.jobs.storage import builds
from assay.project import Project

ZONE = "Europe/Moscow"
FIRST, DAYS = date(2025, 3, 6), 5
END = FIRST + timedelta(days=DAYS)
DAY = timedelta(days=1)
EVENTS = "at DateTime('UTC'), user_id UInt32, post_id UInt32, kind String, amount Float64"
YAML = """
sources:
  feed:
    table: RAW.feed
    time: at
    entities: {user: user_id}
    columns: {at: DateTime, user_id: UInt32, post_id: UInt32, kind: String, amount: Float64}
    lateness: 2d
  daily:
    model: fact_feed
    time: "toDateTime(date, {{ timezone }})"
    entities: {user: user_id}
    dimensions: {busy: "if(views > 2, 'yes', 'no')", top_views: {column: views, top: 2}}
models:
  fact_feed:
    file: fact_feed.sql.j2
    columns: {date: Date, user_id: UInt32, views: UInt16, likes: UInt16, gap_sum: UInt32, gaps: UInt16, spent: Float64}
    grain: [date, user_id]
    day: date
    order: [user_id]
  first_days:
    sql: SELECT user_id, min(date) AS first_day FROM {{ ref('fact_feed') }} WHERE {{ window }} GROUP BY user_id
    columns: {user_id: UInt32, first_day: Date}
    grain: [user_id]
  rollup:
    sql: |
      SELECT f.date AS date, least(dateDiff('day', u.first_day, f.date), 3) AS lifetime, count() AS users,
        sum(f.views) AS views
      FROM {{ ref('fact_feed') }} AS f
      INNER JOIN {{ ref('first_days') }} AS u ON u.user_id = f.user_id
      WHERE {{ window('fact_feed', 'f') }}
      GROUP BY date, lifetime
    columns: {date: Date, lifetime: UInt8, users: UInt32, views: UInt64}
    grain: [date, lifetime]
    day: date
metrics:
  views: {type: sum, source: daily, value: views}
  users: {type: unique, source: daily, of: user}
  raw_views: {type: count, source: feed, where: "{{ is_kind('view') }}"}
"""
FACT = """
SELECT toDate(at, {{ timezone }}) AS date, user_id,
  countIf({{ is_kind('view') }}) AS views,
  countIf({{ is_kind('like') }}) AS likes,
  sum(ifNull(gap, 0)) AS gap_sum, count(gap) AS gaps, -- sums and counts: a mean of nothing has no place here
  sum(amount) AS spent
FROM (
  SELECT *, if({{ is_kind('view') }} AND before > 0, toUnixTimestamp(at) - before, NULL) AS gap
  FROM (
    SELECT *, lagInFrame(toUnixTimestamp(at), 1, 0) OVER (
      PARTITION BY user_id, kind, toDate(at, {{ timezone }}) ORDER BY at
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS before
    FROM {{ source('feed') }}
    WHERE {{ window }}
  )
)
GROUP BY date, user_id
"""
MACROS = "{% macro is_kind(which) %}kind = {{ which | literal }}{% endmacro %}\n"
FILES = {"metrics/all.yaml": YAML, "metrics/fact_feed.sql.j2": FACT, "metrics/macros/kinds.sql.j2": MACROS}


def _rows(rng: random.Random, day: date, count: int) -> list[dict[str, Any]]:
    start = zone.midnight(day, ZONE)
    return [
        {
            "at": start + timedelta(seconds=rng.randrange(86400)),
            "user_id": rng.randrange(8),
            "post_id": rng.randrange(5),
            "kind": rng.choice(["view", "view", "like"]),
            "amount": float(rng.randrange(10)),
        }
        for _ in range(count)
    ]


def _expected(shop) -> dict[str, list[tuple[Any, ...]]]:
    """The tables of the three models, by hand from the raw events."""
    events = shop.rows("SELECT at, user_id, kind, amount FROM RAW.feed ORDER BY at")
    facts: dict[tuple[date, int], list[Any]] = {}
    seen: dict[tuple[date, int], datetime] = {}
    for at, user, kind, amount in events:
        key = zone.local_day(at.replace(tzinfo=UTC), ZONE), user
        fact = facts.setdefault(key, [0, 0, 0, 0, 0.0])
        fact[4] += amount
        if kind == "like":
            fact[1] += 1
            continue
        fact[0] += 1
        if key in seen:
            fact[2] += int((at - seen[key]).total_seconds())
            fact[3] += 1
        seen[key] = at
    first: dict[int, date] = {}
    for day, user in sorted(facts):
        first.setdefault(user, day)
    rollup: dict[tuple[date, int], list[int]] = {}
    for (day, user), fact in facts.items():
        cell = rollup.setdefault((day, min((day - first[user]).days, 3)), [0, 0])
        cell[0] += 1
        cell[1] += fact[0]
    return {
        "fact_feed": sorted((*key, *fact) for key, fact in facts.items()),
        "first_days": sorted(first.items()),
        "rollup": sorted((*key, *cell) for key, cell in rollup.items()),
    }


def _stored(shop) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: shop.rows(f"SELECT * FROM {shop.context.database}.{name} ORDER BY ALL")
        for name in ("fact_feed", "first_days", "rollup")
    }


@pytest.fixture
def shop(lab):
    made, rng = lab.shop(FILES, {"feed": EVENTS}, ZONE), random.Random(5)
    for at in range(DAYS):
        made.load("feed", _rows(rng, FIRST + at * DAY, 40))
    return made


def _steps(result) -> list[tuple[str, str, str]]:
    return [(step.kind, step.name, step.status) for step in result.steps]


def _noon(day: date) -> datetime:
    return zone.midnight(day, ZONE) + timedelta(hours=12)


def test_a_chain_is_what_plain_sql_gives(shop) -> None:
    result = materialize.run(shop.context)
    assert result.ok, result.steps
    assert (result.start, result.end) == (FIRST, END)
    assert _stored(shop) == _expected(shop)
    order = [(kind, name) for kind, name, _ in _steps(result)]
    assert order.index(("model", "fact_feed")) < order.index(("model", "first_days")) < order.index(("model", "rollup"))
    assert order.index(("model", "fact_feed")) < order.index(("states", "daily:1d"))


def test_a_source_on_a_model_has_metrics(shop) -> None:
    materialize.run(shop.context)
    rows = query(shop.context, ["views", "raw_views", "users"], FIRST, END)
    values = {(row.metric, row.time): row.value for row in rows}
    for day in zone.days(FIRST, END):
        assert values["views", day] == values["raw_views", day] > 0
        users = {user for at, user, *_ in _stored(shop)["fact_feed"] if at == day}
        assert values["users", day] == len(users)
    (split,) = query(shop.context, ["views"], FIRST, FIRST + DAY, by="top_views")[:1]
    assert split.value is not None


@pytest.mark.slow
def test_running_twice_deleting_and_late_rows_end_alike(shop) -> None:
    rng = random.Random(6)
    materialize.run(shop.context)
    once = _stored(shop)
    assert materialize.run(shop.context).ok
    assert _stored(shop) == once
    gone = FIRST + 2 * DAY
    shop.write(f"DELETE FROM RAW.feed WHERE toDate(at, '{ZONE}') = '{gone}'")
    assert materialize.run(shop.context, start=FIRST, end=END).ok
    assert _stored(shop) == _expected(shop)
    assert gone not in {row[0] for row in _stored(shop)["fact_feed"]}
    shop.load("feed", _rows(rng, gone, 30))
    assert materialize.run(shop.context, start=gone, end=gone + DAY).ok
    assert _stored(shop)["fact_feed"] == _expected(shop)["fact_feed"]
    assert _stored(shop)["first_days"] == _expected(shop)["first_days"]
    shop.load("feed", _rows(rng, END - 2 * DAY, 20))  # late by a day, within the lateness of the source
    assert materialize.run(shop.context).ok
    assert materialize.run(shop.context, ["rollup"], FIRST, END).ok  # lifetimes of days before
    assert _stored(shop) == _expected(shop)


@pytest.mark.slow
def test_a_run_goes_on_where_it_was_left(shop) -> None:
    for at in range(1, DAYS + 1):
        assert materialize.run(shop.at(_noon(FIRST + at * DAY))).ok
        stored = {day for name, day in builds.read(shop.context, builds.MODEL) if name == "rollup"}
        assert stored == set(zone.days(FIRST, FIRST + at * DAY))
    assert _stored(shop) == _expected(shop)
    result = materialize.run(shop.at(_noon(END)))
    spans = {step.name: step.partition for step in result.steps if step.kind == "model"}
    late = f"{END - 2 * DAY}..{END - DAY}"
    assert spans == {"fact_feed": late, "first_days": "all", "rollup": late}


def test_a_day_that_is_not_over_is_built_again(shop) -> None:
    now = _noon(END - DAY)
    assert materialize.run(shop.at(now), start=FIRST, end=END).ok
    assert materialize.run(shop.at(_noon(END))).ok
    assert _stored(shop) == _expected(shop)


def test_days_without_events_are_empty(shop) -> None:
    assert materialize.run(shop.context, start=FIRST - 3 * DAY, end=END + 2 * DAY).ok
    assert _stored(shop) == _expected(shop)


def test_names_and_patterns_select(shop) -> None:
    materialize.run(shop.context)
    assert _steps(materialize.run(shop.context, ["fact_*"])) == [("model", "fact_feed", "done")]
    assert _steps(materialize.run(shop.context, ["first_days", "rollup"]))[0] == ("model", "first_days", "done")
    with pytest.raises(UsageError, match=r"Unknown source or model 'rolup'\. Did you mean 'rollup'"):
        materialize.run(shop.context, ["rolup"])


def test_the_bar_counts_pieces(shop) -> None:
    calls: list[tuple[int, int]] = []
    result = materialize.run(replace(shop.context, progress=lambda done, total, _: calls.append((done, total))))
    pieces = [step for step in result.steps if step.kind in ("model", "states")]
    assert calls == [(done, len(pieces)) for done in range(len(pieces) + 1)]


def _changed(shop, changes: Mapping[str, str]) -> Context:
    """The same warehouse with other definitions."""
    root = shop.context.root
    for path in FILES:
        text = (root / path).read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        (root / path).write_text(text)
    return replace(shop.context, catalog=Project.load(root).catalog)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sum(amount) AS spent", "sum(amount) / countIf(kind = 'none') AS spent", "NaN or infinity in 'spent'"),
        ("GROUP BY date, user_id", "GROUP BY date, user_id, kind", "keys of the grain (date, user_id)"),
        ("SELECT toDate(at, {{ timezone }}) AS date", "SELECT toDate(at, {{ timezone }}) + 1 AS date", "days outside"),
        ("sum(ifNull(gap, 0)) AS gap_sum", "sum(gap) + NULL AS gap_sum", "for 'gap_sum': UInt32"),
        ("count(gap) AS gaps", "count(gap) + 70000 AS gaps", "for 'gaps': UInt16"),
        ("count(gap) AS gaps", "count(gap) + 0.5 AS gaps", "for 'gaps': UInt16"),
    ],
)
def test_rows_that_no_model_may_have_are_refused(shop, old: str, new: str, said: str) -> None:
    materialize.run(shop.context)
    before = _stored(shop)
    result = materialize.run(_changed(shop, {old: new}))
    assert not result.ok
    steps = {step.name: step for step in result.steps}
    assert steps["fact_feed"].status == "failed"
    assert "E510" in steps["fact_feed"].reason
    assert said in steps["fact_feed"].reason
    assert {name: steps[name].status for name in ("first_days", "rollup", "daily:1d")} == dict.fromkeys(
        ("first_days", "rollup", "daily:1d"), "skipped"
    )
    assert "'fact_feed' failed" in steps["first_days"].reason
    assert steps["feed:1d"].status == "done"
    assert _stored(shop) == before
    assert shop.rows("SELECT name FROM system.tables WHERE name LIKE '%\\_\\_stg\\_%'") == []


def test_what_a_null_hides_is_not_looked_at(shop) -> None:
    nullable = {"gaps: UInt16": "gaps: Nullable(UInt16)"}
    hidden = "if(user_id % 2, toNullable(toInt64(count(gap)) - 70000), NULL) AS gaps"
    context = _changed(shop, {**nullable, "count(gap) AS gaps": hidden.replace("user_id % 2", "user_id > 99999")})
    first = materialize.run(context, ["fact_feed"])
    assert first.ok, first.steps[0].reason
    result = materialize.run(_changed(shop, {"user_id > 99999": "user_id >= 0"}), ["fact_feed"])
    assert "for 'gaps': Nullable(UInt16)" in (result.steps[0].reason or "")


def test_a_declared_check_stops_the_model_and_what_needs_it(shop) -> None:
    materialize.run(shop.context)
    before = _stored(shop)
    changed = _changed(shop, {"    order: [user_id]\n": "    checks: {range: {likes: [5, null]}}\n"})
    steps = {step.name: step for step in materialize.run(changed).steps}
    assert steps["fact_feed"].status == "failed"
    assert "range likes" in steps["fact_feed"].reason
    assert steps["rollup"].status == "skipped"
    assert _stored(shop) == before


def test_a_failed_check_of_a_source_stops_its_models(shop) -> None:
    materialize.run(shop.context)
    before = _stored(shop)
    changed = _changed(shop, {"    lateness: 2d\n": "    lateness: 2d\n    checks: {accepted: {kind: [view]}}\n"})
    steps = {step.name: step for step in materialize.run(changed).steps}
    assert {steps[name].status for name in ("feed:1d", "fact_feed")} == {"failed"}
    assert "accepted kind" in steps["fact_feed"].reason
    assert _stored(shop) == before


def test_a_changed_meaning_builds_every_day_again(shop) -> None:
    materialize.run(shop.context)
    changed = _changed(shop, {"sum(amount) AS spent": "2 * sum(amount) AS spent"})
    result = materialize.run(changed)
    assert result.ok
    spans = {step.name: step.partition for step in result.steps if step.kind == "model"}
    assert spans["fact_feed"] == spans["rollup"] == f"{FIRST}..{END - DAY}"
    wanted = [(*row[:-1], 2 * row[-1]) for row in _expected(shop)["fact_feed"]]
    assert _stored(shop)["fact_feed"] == wanted


def test_words_and_spaces_change_no_meaning(shop) -> None:
    before = {name: model.fingerprint for name, model in shop.context.catalog.models.items()}
    changed = _changed(shop, {"-- sums and counts: a": "-- a", "GROUP BY date, user_id": "group  by date,user_id"})
    assert {name: model.fingerprint for name, model in changed.catalog.models.items()} == before
    changed = _changed(shop, {"sum(amount)": "sum(Amount)"})
    assert {name for name, model in changed.catalog.models.items() if model.fingerprint != before[name]} == {*before}


POSTS = {"spent: Float64}": "spent: Float64, posts: UInt32}", "AS spent": "AS spent,\n  uniqExact(post_id) AS posts"}


def test_a_new_column_rebuilds_every_stored_day(shop) -> None:
    materialize.run(shop.context)
    changed = _changed(shop, POSTS)
    result = materialize.run(changed, start=END - DAY, end=END)
    assert result.ok, result.steps
    assert [step.partition for step in result.steps if step.name == "fact_feed"] == [f"{FIRST}..{END - DAY}"]
    posts = shop.rows(f"SELECT date, user_id, posts FROM {shop.context.database}.fact_feed ORDER BY ALL")
    assert posts == shop.rows(
        f"SELECT toDate(at, '{ZONE}') AS d, user_id, uniqExact(post_id) FROM RAW.feed GROUP BY ALL ORDER BY ALL"
    )
    assert {step.partition for step in materialize.run(changed).steps if step.name == "fact_feed"} == {
        f"{END - 2 * DAY}..{END - DAY}"
    }


def test_a_new_layout_that_fails_leaves_the_old_table(shop) -> None:
    materialize.run(shop.context)
    before = _stored(shop)
    changed = _changed(shop, POSTS | {"GROUP BY date, user_id": "GROUP BY date, user_id, kind"})
    assert not materialize.run(changed).ok
    assert _stored(shop) == before


def test_a_table_that_somebody_dropped_is_built_again(shop) -> None:
    materialize.run(shop.context)
    shop.write(f"DROP TABLE {shop.context.database}.fact_feed SYNC")
    assert materialize.run(shop.context).ok
    assert _stored(shop) == _expected(shop)


def test_an_empty_source_fails_alone(lab) -> None:
    shop = lab.shop(FILES | {"metrics/more.yaml": DATES}, {"feed": EVENTS}, ZONE)
    steps = {step.name: step for step in materialize.run(shop.context).steps}
    assert steps["dates"].status == "done"
    assert steps["fact_feed"].status == "failed"
    assert "E511" in steps["fact_feed"].reason
    assert shop.rows(f"SELECT count(), any(name) FROM {shop.context.database}.dates WHERE dow = 1") == [(52, "Monday")]


DATES = """
models:
  dates:
    sql: >-
      SELECT toDate('2025-01-01') + number AS date, toDayOfWeek(date) AS dow, dateName('weekday', date) AS name
      FROM numbers(365)
    columns: {date: Date, dow: UInt8, name: LowCardinality(String)}
    grain: [date]
"""


def test_a_foreign_table_is_not_touched(lab) -> None:
    shop = lab.shop(FILES, {"feed": EVENTS}, ZONE)
    shop.load("feed", _rows(random.Random(1), FIRST, 5))
    builds.prepare(shop.context)
    shop.write(f"CREATE TABLE {shop.context.database}.fact_feed (x UInt8) ENGINE = MergeTree ORDER BY x")
    steps = {step.name: step for step in materialize.run(shop.context).steps}
    assert steps["fact_feed"].status == "failed"
    assert "no model has made it" in steps["fact_feed"].reason
    assert shop.rows(f"SELECT * FROM {shop.context.database}.fact_feed") == []


WHOLE = """
models:
  numbers:
    sql: SELECT toUInt8(1) AS x
    columns: {x: UInt8}
    grain: [x]
"""


def test_a_foreign_table_is_not_exchanged_for_a_whole_model(lab) -> None:
    shop = lab.shop({"metrics/all.yaml": WHOLE}, {})
    builds.prepare(shop.context)
    shop.write(f"CREATE TABLE {shop.context.database}.numbers (x UInt8) ENGINE = MergeTree ORDER BY x")
    shop.write(f"INSERT INTO {shop.context.database}.numbers VALUES (7)")
    (step,) = materialize.run(shop.context).steps
    assert step.status == "failed"
    assert "no model has made it" in step.reason
    assert shop.rows(f"SELECT * FROM {shop.context.database}.numbers") == [(7,)]


def test_no_model_is_called_like_a_table_of_ours(lab) -> None:
    shop = lab.shop({"metrics/all.yaml": WHOLE}, {})
    builds.prepare(shop.context)
    sql = "SELECT name FROM system.tables WHERE database = {name:String} ORDER BY name"
    assert shop.rows(sql, name=shop.context.database) == [(name,) for name in sorted(RESERVED)]
