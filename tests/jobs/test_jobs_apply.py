"""`apply`: exactly what changed is built, and whatever the history, the states are those of a full rebuild."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.compiler import zone
from assay.errors import UsageError
from assay.jobs.changes import applied, apply, plan
from assay.jobs.context import Context
from assay.jobs.experiments import analyze
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.jobs.storage import reuse
from assay.project import Project

ZONE = "America/New_York"
FIRST, DAYS = date(2025, 3, 6), 5  # the clock changes on the fourth day
SOURCE = """
sources:
  feed:
    table: RAW.feed
    time: at
    entities: {user: user_id}
    dimensions: {DIMENSIONS}
    lateness: 1d
"""
METRICS = {
    "views": "{type: count, source: feed, where: \"kind = 'view'\"}",
    "likes": "{type: count, source: feed, where: \"kind = 'like'\"}",
    "spend": "{type: sum, source: feed, value: amount}",
    "users": "{type: unique, source: feed, of: user}",
    "middle": "{type: quantile, source: feed, value: amount, level: 0.5}",
}
DIMENSIONS = {"city": "city", "kind": "kind", "rich": "amount > 50"}
COLUMNS = "at DateTime('UTC'), user_id UInt32, kind String, amount Float64, city Nullable(String)"
EXPERIMENT = """
experiments:
  button:
    hypothesis: More likes.
    assignment: {source: feed, column: user_id % 2, variants: {control: 0, treatment: 1}}
    exposure: {source: feed}
    start: 2025-03-06
    end: 2025-03-10
    metrics: {primary: [likes]}
    validity: [srm]
"""


def _yaml(metrics: Any = METRICS, dimensions: Any = DIMENSIONS, more: str = "") -> str:
    listed = "".join(f"  {name}: {METRICS[name]}\n" for name in sorted(metrics))
    split = ", ".join(f"{name}: {DIMENSIONS[name]}" for name in sorted(dimensions))
    return SOURCE.replace("{DIMENSIONS}", f"{{{split}}}") + "metrics:\n" + listed + more


def _rows(rng: random.Random, day: date, count: int) -> list[dict[str, Any]]:
    start = zone.midnight(day, ZONE)
    return [
        {
            "at": start + timedelta(minutes=rng.randrange(22 * 60)),
            "user_id": rng.randrange(20),
            "kind": rng.choice(["view", "like"]),
            "amount": float(rng.randrange(100)),  # whole numbers: their sums do not depend on the order
            "city": rng.choice(["A", "B", None]),
        }
        for _ in range(count)
    ]


class Live:
    """A shop whose definitions, data and clock move."""

    def __init__(self, lab, seed: int = 1, text: str | None = None) -> None:
        self.rng, self.metrics, self.dimensions = random.Random(seed), {"views", "users"}, {"city"}
        self.shop = lab.shop(
            {"metrics/all.yaml": text or _yaml(self.metrics, self.dimensions)}, {"feed": COLUMNS}, ZONE
        )
        for at in range(DAYS):
            self.shop.load("feed", _rows(self.rng, FIRST + timedelta(days=at), 12))
        self.today = FIRST + timedelta(days=DAYS)

    @property
    def context(self) -> Context:
        now = zone.midnight(self.today, ZONE) + timedelta(hours=12)
        return replace(self.shop.context, now=now, catalog=Project.load(self.shop.context.root).catalog)

    def write(self, text: str) -> None:
        path = self.shop.context.root / "metrics" / "all.yaml"
        path.write_text(text.replace("RAW", self.shop.raw), encoding="utf-8")

    def define(self) -> None:
        self.write(_yaml(self.metrics, self.dimensions))

    def apply(self, *accept: str) -> apply.Applied:
        context = self.context
        return apply.apply(context, plan.priced(context, accept=accept))

    def states(self) -> list[str]:
        return [str(row) for row in self.shop.rows(READ.replace("DB", self.context.database))]

    def fresh(self) -> list[str]:
        """The states of a full rebuild of the same rows at the same time."""
        for table in ("measure_states", "builds"):
            self.shop.write(f"TRUNCATE TABLE {self.context.database}.{table}")
        assert materialize.run(self.context, start=FIRST, end=self.today).ok
        return self.states()

    def step(self, what: str, at: int) -> None:
        if what == "metric":
            self.metrics ^= {sorted(METRICS)[at % len(METRICS)]}
            self.metrics = self.metrics or {"views"}
            self.define()
        if what == "dimension":
            self.dimensions ^= {sorted(DIMENSIONS)[at % len(DIMENSIONS)]}
            self.define()
        if what == "tomorrow":
            self.shop.load("feed", _rows(self.rng, self.today, 6))
            self.today += timedelta(days=1)
        if what == "late":  # the day before may still get events
            self.shop.load("feed", _rows(self.rng, self.today - timedelta(days=1), 2))
        if what == "reload":  # whoever loads an old day again builds it again
            day = FIRST + timedelta(days=at % DAYS)
            self.shop.write(f"DELETE FROM RAW.feed WHERE toDate(at, '{ZONE}') = '{day}'")
            self.shop.load("feed", _rows(self.rng, day, at))
            materialize.run(self.context, start=day, end=day + timedelta(days=1))
        if what == "run":
            materialize.run(self.context)
        if what == "apply":
            self.apply()


READ = """SELECT source, grain, day, slot, measure, dim, val, sum(value),
  arraySort(bitmapToArray(groupBitmapMergeState(users))),
  quantilesTDigestMerge(0.1, 0.5, 0.9)(digest)
FROM DB.measure_states GROUP BY source, grain, day, slot, measure, dim, val ORDER BY ALL"""
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["metric", "dimension", "tomorrow", "late", "reload", "run", "apply", "apply"]),
        st.integers(0, 20),
    ),
    max_size=8,
)


def _history(lab, steps: list[tuple[str, int]], seed: int) -> None:
    live = Live(lab, seed)
    materialize.run(live.context)
    for what, at in steps:
        live.step(what, at)
    materialize.run(live.context)
    assert live.apply().ok
    assert live.states() == live.fresh()


@pytest.mark.slow
def test_a_history_of_changes_ends_in_the_states_of_a_full_rebuild(lab) -> None:
    steps = [("apply", 0), ("metric", 0), ("metric", 4), ("apply", 0), ("dimension", 1), ("late", 0), ("apply", 0)]
    _history(lab, [*steps, ("tomorrow", 0), ("reload", 1), ("metric", 0), ("apply", 0), ("dimension", 0)], 3)


@pytest.mark.slow
@given(STEPS, st.integers(0, 2**32))
@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_of_changes_ends_in_the_states_of_a_full_rebuild(lab, steps, seed: int) -> None:
    _history(lab, steps, seed)


def _settled(lab, text: str | None = None) -> Live:
    """Days that nothing can change any more, built and applied."""
    live = Live(lab, text=text)
    live.today += timedelta(days=10)
    materialize.run(live.context, start=FIRST, end=FIRST + timedelta(days=DAYS))
    assert live.apply().ok
    return live


def test_only_what_a_change_lacks_is_computed(lab) -> None:
    """The events are gone: what is kept can only be a copy, and what is new counts nothing."""
    live = _settled(lab)
    before = {row.time: row.value for row in query(live.context, ["views"], FIRST, FIRST + timedelta(days=DAYS))}
    live.shop.write("TRUNCATE TABLE RAW.feed")
    live.metrics |= {"likes"}
    live.define()
    result = live.apply()
    assert [step.status for step in result.steps] == ["done"]
    rows = query(live.context, ["views", "likes"], FIRST, FIRST + timedelta(days=DAYS))
    assert {row.time: row.value for row in rows if row.metric == "views"} == before
    assert all(row.reason is None for row in rows)
    assert sum(row.value or 0 for row in rows if row.metric == "likes") == 0


def test_a_day_that_may_still_get_events_is_built_anew(lab) -> None:
    """Else its old measures would lack the late events that its new ones have."""
    live = Live(lab)
    materialize.run(live.context)
    live.step("late", 0)
    live.metrics |= {"likes"}
    live.define()
    assert live.apply().ok
    assert live.states() == live.fresh()


def test_a_second_apply_has_nothing_to_do(lab) -> None:
    live = _settled(lab)
    live.metrics |= {"likes"}
    live.define()
    assert live.apply().steps
    again = live.apply()
    assert (again.steps, again.plan.changes) == ((), ())
    count = f"SELECT count() FROM {live.context.database}.applied"
    assert live.shop.rows(count) == [(2,)]


def test_a_renamed_metric_computes_nothing_and_keeps_its_numbers(lab) -> None:
    live = _settled(lab)
    before = [row.value for row in query(live.context, ["views"], FIRST, FIRST + timedelta(days=DAYS))]
    live.write(
        _yaml({"users"}, {"city"})
        + "  seen: {type: count, source: feed, where: \"kind = 'view'\", renamed_from: views}\n"
    )
    result = live.apply()
    assert [(change.what, change.name) for change in result.plan.changes] == [("renamed", "seen")]
    assert result.steps == ()
    assert [row.value for row in query(live.context, ["seen"], FIRST, FIRST + timedelta(days=DAYS))] == before


def test_a_price_is_told_before_and_holds(lab) -> None:
    """5 days of 12 events: the estimate counts the rows of whole parts, so it is no less than that."""
    live = _settled(lab)
    live.metrics |= {"likes"}
    live.define()
    found = plan.priced(live.context)
    (change,) = found.changes
    assert change.backfill.days == found.backfill.days == DAYS
    assert change.backfill.rows is not None
    assert change.backfill.rows >= DAYS * 12
    live.metrics -= {"likes"}
    live.define()
    assert plan.priced(live.context).changes == ()


def test_a_new_alert_gets_its_slots_for_the_days_of_its_source(lab) -> None:
    live = _settled(lab)
    alert = (
        "alerts: {quick: {metrics: [views], every: 1h, route: nobody}}\nroutes: {nobody: {outbox: {path: outbox}}}\n"
    )
    live.write(_yaml({"views", "users"}, {"city"}, alert))
    assert live.apply().ok
    days = f"SELECT uniqExact(day) FROM {live.context.database}.builds WHERE grain = '1h'"
    assert live.shop.rows(days) == [(DAYS,)]
    live.define()
    assert plan.priced(live.context).drops == (f"feed 1h: {DAYS} days",)
    assert live.apply().ok
    assert live.shop.rows(f"SELECT DISTINCT grain FROM {live.context.database}.measure_states") == [("1d",)]
    assert live.shop.rows(f"SELECT DISTINCT grain FROM {live.context.database}.builds") == [("1d",)]
    assert reuse.orphans(live.context) == {}


@pytest.mark.slow
def test_a_failed_build_is_not_applied(lab) -> None:
    live = _settled(lab)
    before = applied.read(live.context)
    live.write(_yaml({"views", "users", "spend"}, {"city"}).replace("value: amount", "value: money"))
    result = live.apply()
    assert not result.ok
    assert {step.status for step in result.steps} == {"failed"}
    assert applied.read(live.context) == before == applied.read_copy(live.context.target)
    live.metrics |= {"spend"}
    live.define()
    assert live.apply().ok
    assert applied.read(live.context) != before


def test_the_copy_is_that_of_the_warehouse(lab) -> None:
    live = _settled(lab)
    copy = live.context.target / applied.COPY
    good = copy.read_text(encoding="utf-8")
    copy.write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="E604"):
        plan.plan(live.context.catalog, live.context.now)
    plan.priced(live.context)
    assert copy.read_text(encoding="utf-8") == good
    assert plan.plan(live.context.catalog, live.context.now).changes == ()


def test_a_warehouse_of_before_is_brought_up_to_date(lab) -> None:
    live = _settled(lab)
    live.shop.write(f"ALTER TABLE {live.context.database}.builds DROP COLUMN seen")
    live.shop.write(f"DROP TABLE {live.context.database}.schema_version")
    live.metrics |= {"likes"}
    live.define()
    assert live.apply().ok, "built whole, because nobody knows when its events were seen"


@pytest.fixture
def running(lab) -> Live:
    """An experiment on its third day, applied; then the meaning of its metric changes."""
    live = Live(lab, text=_yaml({"likes", "views"}, {"city"}, EXPERIMENT))
    live.today = date(2025, 3, 8)
    materialize.run(live.context, start=FIRST, end=live.today)
    assert live.apply().ok
    assert analyze.analyze(live.context, "button").units
    live.write(_yaml({"likes", "views"}, {"city"}, EXPERIMENT).replace("kind = 'like'", "kind != 'view'"))
    return live


def test_a_running_experiment_refuses_a_silent_change(running: Live) -> None:
    found = plan.plan(running.context.catalog, running.context.now)
    assert [(each.experiment.name, each.metric) for each in found.refused] == [("button", "likes")]
    with pytest.raises(UsageError, match=r"E603.*likes"):
        running.apply()
    with pytest.raises(UsageError, match=r"E603.*likes"):
        analyze.analyze(running.context, "button")


def test_an_accepted_change_is_analyzed(running: Live) -> None:
    with pytest.raises(UsageError, match="E201"):
        running.apply("buton")
    assert running.apply("button").ok
    assert analyze.analyze(running.context, "button").units
    assert plan.plan(running.context.catalog, running.context.now).changes == ()


def test_an_experiment_that_has_ended_holds_nothing(running: Live) -> None:
    running.today = date(2025, 3, 10)
    assert plan.plan(running.context.catalog, running.context.now).refused == ()
    assert analyze.analyze(running.context, "button").units
    assert running.apply().ok


def test_what_has_not_begun_is_pinned_by_its_beginning(running: Live) -> None:
    """Applied the day before the start, changed after it."""
    text = _yaml({"likes", "views"}, {"city"}, EXPERIMENT.replace("start: 2025-03-06", "start: 2025-03-09"))
    running.write(text)
    assert running.apply().ok
    running.write(text.replace("kind = 'like'", "kind != 'view'"))
    assert plan.plan(running.context.catalog, running.context.now).refused == ()
    running.today = date(2025, 3, 9)
    assert plan.plan(running.context.catalog, running.context.now).refused


MODEL = """
sources:
  feed: {table: RAW.feed, time: at, entities: {user: user_id}, lateness: 1d}
  daily: {model: fact, time: "toDateTime(date, 'America/New_York')", entities: {user: user_id}}
models:
  fact:
    sql: |
      SELECT toDate(at, {{ timezone }}) AS date, user_id, count() AS events FROM {{ source('feed') }}
      WHERE {{ window }} GROUP BY date, user_id
    columns: {date: Date, user_id: UInt32, events: UInt32}
    grain: [date, user_id]
    day: date
metrics:
  events: {type: sum, source: daily, value: events}
"""


def test_a_changed_model_is_built_again_with_what_stands_on_it(lab) -> None:
    live = _settled(lab, MODEL)
    total = "SELECT count(), countIf(kind = 'like') FROM RAW.feed"
    ((events, likes),) = live.shop.rows(total)
    assert _sum(live) == events
    live.write(MODEL.replace("count() AS events", "countIf(kind = 'like') AS events"))
    found = plan.priced(live.context)
    (change,) = found.changes
    assert (change.kind, change.name, change.what, change.backfill.days) == ("model", "fact", "meaning", DAYS)
    assert {("source", "daily"), ("metric", "events")} <= {(each.kind, each.name) for each in change.readers}
    assert found.drops == ()
    assert live.apply().ok
    assert _sum(live) == likes
    again = live.apply()
    assert (again.steps, again.plan.changes) == ((), ())


def _sum(live: Live) -> float:
    return sum(row.value or 0 for row in query(live.context, ["events"], FIRST, FIRST + timedelta(days=DAYS)))
