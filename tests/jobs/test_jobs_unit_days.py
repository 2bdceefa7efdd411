"""Experiments from stored days: the same units, with the same numbers, as from the events."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assay.compiler import experiment as compiled
from assay.compiler import states, unit_days, zone
from assay.compiler.unit_days import EXPERIMENT, TOTALS
from assay.compiler.units import Plan
from assay.errors import CheckFailed
from assay.jobs.changes import apply as applying
from assay.jobs.changes.plan import priced
from assay.jobs.experiments import stored_days
from assay.jobs.experiments.analyze import analyze, plan_of
from assay.jobs.experiments.history import record
from assay.jobs.experiments.readout import PATH
from assay.jobs.runs import materialize
from assay.jobs.storage import builds, source_states
from assay.project import Project
from assay.statement import Statement

ZONE = "Europe/Berlin"
FIRST, START, END = date(2025, 3, 26), date(2025, 3, 28), date(2025, 4, 1)  # the clock changes on 30 March
AFTER = zone.midnight(END, ZONE) + timedelta(hours=5)

METRICS = """
sources:
  app:
    table: RAW.events
    time: at
    where: not is_test
    unit_days: [user]
    entities: {user: user_id}
    dimensions: {os: os, age: {bins: age, cuts: [18, 30]}}
    columns: {at: DateTime('UTC'), user_id: Nullable(UInt32), kind: String, amount: Nullable(Float64),
              arm: Nullable(UInt8), os: String, age: UInt8, is_test: Bool}
  shop: {table: RAW.orders, time: ordered_at, unit_days: [user], entities: {user: buyer}}
  quiet: {table: RAW.orders, time: ordered_at, entities: {user: buyer}}
metrics:
  views: {type: count, source: app, where: "kind = 'view'"}
  likes: {type: count, source: app, where: "kind = 'like'"}
  spend: {type: sum, source: app, value: amount}
  users: {type: unique, source: app, of: user}
  viewers: {type: unique, source: app, of: user, where: "kind = 'view'"}
  orders: {type: count, source: shop}
  revenue: {type: sum, source: shop, value: price}
  buyers: {type: unique, source: shop, of: user, where: price > 5}
  both: {type: set, expr: viewers & buyers}
  ctr: {type: ratio, numerator: likes, denominator: views}
  again: {type: retention, cohort: users, returns: users, day: 1}
  quiet_orders: {type: count, source: quiet}
  to_like: {type: funnel, source: app, of: user, steps: {seen: "kind = 'view'", liked: "kind = 'like'"}, within: 1h}
"""
TESTED = """
  {name}:
    hypothesis: A larger button sells more.
    assignment: {assignment}
    exposure: {{source: app, where: "kind = 'view'"}}
    start: 2025-03-28
    end: 2025-04-01
    metrics: {metrics}
    analysis: {{cuped: 2d, by: [os, age], winsorize: 95%, sensitivity: [bootstrap, mann_whitney]}}
    validity: [srm, crossovers, exposure, pre_period, distribution, day_stability, twyman, covariates]
"""
COLUMN = "{source: app, column: arm, variants: {control: 0, one: 1}}"
HASH = "{variants: {control: 50, treatment: 50}, traffic: 80%}"
COMPARED = ("column", "hashed")


def experiment(name: str, assignment: str, metrics: str) -> str:
    return TESTED.format(name=name, assignment=assignment, metrics=metrics)


FILES = {
    "metrics/all.yaml": METRICS,
    "experiments/all.yaml": "experiments:"
    + experiment("column", COLUMN, "{primary: [ctr, spend, again], secondary: [both, revenue]}")
    + experiment("hashed", HASH, "{primary: [orders, viewers], guardrail: {views: -10%}}")
    + experiment("funnel", COLUMN, "{primary: [to_like]}")
    + experiment("undeclared", COLUMN, "{primary: [quiet_orders]}"),
}
TABLES = {
    "events": "at DateTime('UTC'), user_id Nullable(UInt32), kind String, amount Nullable(Float64), "
    "arm Nullable(UInt8), os String, age UInt8, is_test Bool",
    "orders": "ordered_at DateTime('UTC'), buyer Nullable(UInt32), price Float64",
}
Row = dict[str, Any]

# --- events ---

quarters = st.integers(-8, 80).map(lambda n: n / 4)  # sums of them are exact, in any order
units = st.sampled_from([None, *range(1, 9)])
seconds = st.one_of(st.sampled_from([0, 1, 82_799, 86_399]), st.integers(0, 82_799))
# The days on whose mornings the experiment is looked at, each with the first day of the events that came since.
THIRD = START + timedelta(days=2)
MORNINGS = {THIRD: FIRST, THIRD + timedelta(days=1): THIRD, END: FIRST}


def events(moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {
            "at": moments,
            "user_id": units,
            "kind": st.sampled_from(["view", "view", "like", "other"]),
            "amount": st.one_of(st.none(), quarters),
            "arm": st.sampled_from([None, 0, 0, 0, 1, 1, 1, 2]),
            "os": st.sampled_from(["iOS", "Android"]),
            "age": st.sampled_from([17, 18, 29, 30]),
            "is_test": st.sampled_from([False] * 9 + [True]),
        }
    )


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[Row], list[Row]]]:
    """Events that arrive in three goes: the second ones belong to the new day alone, and the last ones to any day."""
    found = []
    for first in MORNINGS.values():
        moments = st.builds(
            lambda day, second, first=first: zone.midnight(first, ZONE, after=day) + timedelta(seconds=second),
            st.integers(0, 0 if first == THIRD else 5),
            seconds,
        )
        orders = st.fixed_dictionaries({"ordered_at": moments, "buyer": units, "price": quarters})
        found.append((draw(st.lists(events(moments), max_size=60)), draw(st.lists(orders, max_size=25))))
    return found


# --- the shop ---


@pytest.fixture(scope="module")
def shop(lab):
    shop = lab.shop(FILES, TABLES, ZONE, now=AFTER)
    builds.prepare(shop.context)
    return shop


def empty(shop) -> None:
    for table in TABLES:
        shop.write(f"TRUNCATE TABLE RAW.{table}")
    for table in ("unit_days", "experiment_days", "experiment_totals", "builds", "measure_states"):
        shop.write(f"TRUNCATE TABLE {shop.context.database}.{table}")


def load(shop, rows: Sequence[Sequence[Row]]) -> None:
    for table, each in zip(TABLES, rows, strict=True):
        shop.load(table, each)


def store(shop, until: date, start: date = FIRST) -> None:
    """What `run` would store of units up to a day."""
    context = shop.at(zone.midnight(until, ZONE) + timedelta(hours=3))
    for grain in states.grains(context.catalog):
        if grain.of_units:
            source_states.build(context, grain, list(zone.days(start, until)))


def rows_of(shop, plan: Plan, create: Sequence[Statement], table: str) -> list[tuple[Any, ...]]:
    """Every column of the unit table, by unit."""
    for statement in create:
        shop.context.engine.run(statement)
    ids = [each for measures in plan.measures.values() for each in measures]
    columns = ["toString(assay__unit)", "assay__variant", "assay__first", "assay__past"]
    columns += [f"assay__by_{name}" for name in plan.slices] + [f"{face}_{each}" for each in ids for face in "yx"]
    columns += [f"arrayResize(d_{each}, {plan.days}, 0.)" for each in plan.tracked]
    try:
        return shop.rows(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1")
    finally:
        shop.write(f"DROP TABLE {table} SYNC")


def both_ways(shop, name: str, until: date) -> None:
    context = shop.at(zone.midnight(until, ZONE) + timedelta(hours=4))
    plan, table = plan_of(context.catalog, name, (START, until)), f"{context.database}.experiment_units__stg_test"
    assert stored_days.refresh(context, plan) is None
    found = rows_of(shop, plan, unit_days.create(plan, table, context.database), table)
    assert found == rows_of(shop, plan, [compiled.create(plan, table)], table)
    stored, raw = (
        context.engine.run(each).rows for each in (unit_days.assigned(plan, context.database), compiled.assigned(plan))
    )
    assert stored == raw


@pytest.mark.slow
@settings(
    max_examples=5,
    phases=[Phase.generate],
    print_blob=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(histories())
def test_the_unit_table_is_that_of_the_events(shop, arrivals: list[tuple[list[Row], list[Row]]]) -> None:
    """A new day is added to what is stored; late events of every day make all of it anew."""
    empty(shop)
    for (until, first), rows in zip(MORNINGS.items(), arrivals, strict=True):
        load(shop, rows)
        store(shop, until, first)
        for name in COMPARED:
            both_ways(shop, name, until)


# --- read-outs ---


def rows(seed: int, days: Sequence[date]) -> tuple[list[Row], list[Row]]:
    """Two hundred units that mostly stay in one arm."""
    rng = random.Random(seed)
    at = lambda: zone.midnight(rng.choice(days), ZONE) + timedelta(seconds=rng.randrange(82_800))  # noqa: E731
    app, shop = [], []
    for _ in range(700 * len(days)):
        user = rng.randrange(1, 201)
        crossing = user % 50 == 0 and rng.random() < 0.5
        app.append({"at": at(), "user_id": user, "kind": rng.choice(["view", "view", "like"]),
                    "amount": rng.choice([None, rng.uniform(0, 9)]), "arm": (user + crossing) % 2,
                    "os": ("iOS", "Android")[user % 3 == 0], "age": 16 + user % 30, "is_test": False})  # fmt: skip
        if rng.random() < 0.3:
            shop.append({"ordered_at": at(), "buyer": rng.randrange(1, 221), "price": rng.uniform(0, 20)})
    return app, shop


@pytest.fixture(scope="module")
def full(shop):
    """A shop that was run up to the day before the last one; then came the events of the last day."""
    empty(shop)
    days = list(zone.days(FIRST, END))
    load(shop, rows(1, days[:-1]))
    assert materialize.run(shop.at(AFTER - timedelta(days=1)), end=days[-1]).ok
    analyze(shop.at(AFTER - timedelta(days=1)), "column")
    load(shop, rows(2, days[-1:]))
    return shop


def told(context, name: str) -> dict[str, Any]:
    return analyze(context, name).as_dict()


def alike(ours: Any, theirs: Any) -> bool:
    """Numbers to nine digits: the engine adds up in no fixed order, from events as from days."""
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(alike(each, theirs[name]) for name, each in ours.items())
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(alike(*pair) for pair in zip(ours, theirs, strict=True))
    return ours == (pytest.approx(theirs, rel=1e-9, abs=1e-12) if isinstance(ours, float) else theirs)


def built(shop, grain: str) -> dict[date, str]:
    """Day: the run that built it last."""
    newest = f"SELECT day, argMax(run, finished_at) FROM {shop.context.database}.builds"
    return dict(shop.rows(f"{newest} WHERE grain = {{grain:String}} GROUP BY day", grain=grain))


def forget(shop, *grains: str, condition: str = "1") -> None:
    shop.write(f"DELETE FROM {shop.context.database}.builds WHERE grain IN ({str([*grains])[1:-1]}) AND {condition}")


def changed(before: dict[date, str], after: dict[date, str]) -> list[date]:
    """The days that were built since."""
    return sorted(day for day, run in after.items() if before.get(day) != run)


def test_without_the_last_day_the_events_are_read_and_say_so(full) -> None:
    settings = told(full.context, "column")["settings"]
    assert settings[PATH] == "events: unit_days of app lack 2025-03-31; 'platform run app' stores them"


@pytest.mark.parametrize("name", ["funnel", "undeclared"])
def test_what_days_cannot_answer_is_read_from_events(full, name: str) -> None:
    reasons = {"funnel": "days of a funnel do not add up (to_like)", "undeclared": "unit_days of quiet has no user"}
    assert told(full.context, name)["settings"][PATH] == f"events: {reasons[name]}"


def test_a_new_day_is_the_only_one_that_is_read_and_the_read_out_is_that_of_the_events(full) -> None:
    """The totals of the day before are carried on; a second look reads them as they are."""
    last = END - timedelta(days=1)
    from_events = analyze(full.context, "column")
    days, totals = built(full, EXPERIMENT), built(full, TOTALS)
    assert [*sorted(days)] == [*zone.days(START, last)]
    assert [*totals] == [last - timedelta(days=1)]
    assert materialize.run(full.context, ["app", "shop"], last, END).ok
    from_days = analyze(full.context, "column")
    assert analyze(full.context, "column").as_dict() == from_days.as_dict()
    assert changed(days, built(full, EXPERIMENT)) == [last]
    assert built(full, TOTALS).items() > totals.items()
    assert changed(totals, built(full, TOTALS)) == [last]
    assert from_days.settings[PATH] == "stored days"
    assert "unit_days" in " ".join(from_days.sql)
    ours, theirs = from_days.as_dict(), from_events.as_dict()
    assert ours["results"]
    assert sum(ours["units"].values()) > 150
    assert alike(ours, theirs | {"settings": ours["settings"]})


def test_a_day_that_was_built_again_is_read_again_with_those_after_it(full) -> None:
    """Who enters on them depends on it; a look at an earlier morning leaves the last ones for the next look."""
    late, again, last = AFTER + timedelta(minutes=5), START + timedelta(days=1), END - timedelta(days=1)
    assert materialize.run(full.at(late), ["app", "shop"], again, again + timedelta(days=1)).ok
    days, totals = built(full, EXPERIMENT), built(full, TOTALS)
    analyze(full.at(late), "column", until=last)
    earlier, sums = built(full, EXPERIMENT), built(full, TOTALS)
    assert changed(days, earlier) == [*zone.days(again, last)]
    assert changed(totals, sums) == [last - timedelta(days=1)]
    analyze(full.at(late + timedelta(minutes=1)), "column")
    assert changed(earlier, built(full, EXPERIMENT)) == [last]
    assert changed(sums, built(full, TOTALS)) == [last]


def test_only_the_totals_of_two_days_are_kept(full) -> None:
    """Those before them are forgotten first, so that nothing is added to rows that are gone."""
    forget(full, TOTALS)
    for until in zone.days(START + timedelta(days=1), END + timedelta(days=1)):
        analyze(full.at(AFTER + timedelta(minutes=7)), "column", until=until)
    kept = [END - timedelta(days=2), END - timedelta(days=1)]
    assert [*sorted(built(full, TOTALS))] == kept
    rows = full.rows(f"SELECT DISTINCT day FROM {full.context.database}.experiment_totals ORDER BY day")
    assert [day for (day,) in rows] == kept


def test_totals_that_lack_a_unit_are_not_published(full) -> None:
    """Such as when another process dropped those of the day before between two statements of this one."""
    last = END - timedelta(days=1)
    plan, table = plan_of(full.context.catalog, "column"), f"{full.context.database}.experiment_totals"
    sql = f"SELECT count() FROM {table} WHERE day = {{day:Date}}"
    before = full.rows(sql, day=last)
    full.write(f"ALTER TABLE {table} DROP PARTITION ('column', '{last - timedelta(days=1)}')")
    forget(full, TOTALS, condition=f"day = '{last}'")
    with pytest.raises(CheckFailed, match=r"check units of column failed: units of other days: \d"):
        stored_days.refresh(full.context, plan)
    assert full.rows(sql, day=last) == before
    forget(full, TOTALS)


def test_the_way_to_the_numbers_is_no_part_of_the_findings(full) -> None:
    readout = analyze(full.at(AFTER + timedelta(minutes=9)), "column")
    other = replace(readout, settings=dict(readout.settings) | {PATH: "events: for once"})
    assert record(full.context, readout) == record(full.context, other)


# --- what is stored ---


def one(shop, **units: Any) -> list[tuple[Any, ...]]:
    sql = f"SELECT source, unit, measures, values FROM {shop.context.database}.unit_days WHERE day = {{day:Date}}"
    return sorted(shop.rows(sql, **units))


def test_a_measure_that_is_new_is_computed_and_the_others_are_copied(shop) -> None:
    """A settled day: what it holds is not read again, what it lacks is, and what nobody wants any more is dropped."""
    empty(shop)
    event = {"at": zone.midnight(FIRST, ZONE), "user_id": 7, "kind": "view", "amount": 2.5, "arm": 0, "os": "iOS",
             "age": 20, "is_test": False}  # fmt: skip
    load(shop, ([event, event | {"kind": "like"}], []))
    grain = next(each for each in states.grains(shop.context.catalog) if each.of_units and each.source == "app")
    first, rest, gone = grain.measures[:2], grain.measures[1:], grain.measures[0]
    source_states.build(shop.context, replace(grain, measures=first), [FIRST])
    ((_, _, _, old),) = one(shop, day=FIRST)
    load(shop, ([event], []))  # too late for what is copied
    source_states.build(shop.context, replace(grain, measures=rest), [FIRST], keep=True)
    found = {name: value for _, _, names, values in one(shop, day=FIRST)
             for name, value in zip(names.split(","), values, strict=True)}  # fmt: skip
    assert found.keys() == {each.id for each in rest}
    assert found[first[1].id] == old[1]
    assert gone.id not in found


def test_days_before_the_first_stored_one_count_as_stored_if_nothing_happened(shop) -> None:
    empty(shop)
    store(shop, END, START)
    plan = plan_of(shop.context.catalog, "column")
    assert stored_days.refresh(shop.context, plan) is None
    order = {"ordered_at": zone.midnight(FIRST, ZONE), "buyer": 7, "price": 1.0}
    load(shop, ([], [order]))
    why = "unit_days of shop lack 2025-03-26 and 1 more; 'platform run shop' stores them"
    assert stored_days.refresh(shop.context, plan) == why


def test_units_of_text_are_stored_by_a_hash_and_columns_may_have_our_names(lab) -> None:
    columns = "day DateTime('UTC'), unit LowCardinality(String), values String, measures UInt8"
    yaml = """
sources:
  app: {table: RAW.events, time: day, unit_days: [user], entities: {user: [unit, values]}, dimensions: {name: values}}
metrics: {events: {type: count, source: app, where: measures > 3}}
experiments:
  letters:
    hypothesis: Letters behave like numbers.
    assignment: {variants: {control: 50, treatment: 50}}
    exposure: {source: app, where: measures > 1}
    start: 2025-03-28
    end: 2025-04-01
    metrics: {primary: [events]}
    analysis: {by: [name]}
"""
    shop = lab.shop({"metrics/all.yaml": yaml}, {"events": columns}, ZONE, now=AFTER)
    rng = random.Random(3)
    moments = [zone.midnight(day, ZONE) for day in zone.days(FIRST, END)]
    events = [
        {
            "day": rng.choice(moments) + timedelta(hours=rng.randrange(20)),
            "unit": rng.choice("abcdefgh") * 2,
            "values": rng.choice("xy"),
            "measures": rng.randrange(9),
        }
        for _ in range(300)
    ]
    shop.load("events", events)
    assert materialize.run(shop.context).ok
    both_ways(shop, "letters", END)


def test_apply_forgets_what_nobody_defines(lab) -> None:
    """An experiment that is gone, and with it the days of units that only it read."""
    files = {
        "metrics/all.yaml": METRICS,
        "experiments/all.yaml": "experiments:" + experiment("column", COLUMN, "{primary: [ctr]}"),
    }
    shop = lab.shop(files, TABLES, ZONE, now=AFTER)
    load(shop, rows(4, list(zone.days(FIRST, END))))
    assert materialize.run(shop.context).ok
    analyze(shop.context, "column")
    database = shop.context.database
    tables = ("unit_days", "experiment_days", "experiment_totals")
    count = "SELECT " + ", ".join(f"(SELECT count() FROM {database}.{table})" for table in tables)
    assert all(shop.rows(count)[0])
    root = shop.context.root
    (root / "experiments/all.yaml").unlink()
    context = replace(shop.context, catalog=Project.load(root).catalog)
    assert applying.apply(context, priced(context)).ok
    assert shop.rows(count) == [(0, 0, 0)]
    grains = {name for (name,) in shop.rows(f"SELECT DISTINCT grain FROM {database}.builds")}
    assert grains == {"1d"}
