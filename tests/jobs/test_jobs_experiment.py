"""Experiments against a plain calculation per unit, and the invariant that ties them to the series."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from assay import stats
from assay.compiler import zone
from assay.compiler.units import CROSSED, Plan
from assay.errors import UsageError, WarehouseError
from assay.jobs.experiments.analyze import analyze
from assay.jobs.experiments.moments import columns, estimand, moments
from assay.jobs.experiments.units import EVERYONE, units
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.statement import Statement
from assay.stats import Moments

ZONE = "America/New_York"
START, END = date(2025, 3, 8), date(2025, 3, 12)  # the clock changes inside
BEFORE = timedelta(days=5)
ARMS = {"control": 0, "one": 1, "two": 2, "three": 3, "four": 4}

FILES = {
    "metrics/all.yaml": """
sources:
  app:
    table: RAW.events
    time: at
    where: not is_test
    entities: {user: user_id}
    columns: {at: DateTime('UTC'), user_id: Nullable(UInt32), kind: String, amount: Nullable(Float64),
              arm: Nullable(UInt8), is_test: Bool}
  shop: {table: RAW.orders, time: ordered_at, entities: {user: buyer}}
metrics:
  events: {type: count, source: app}
  views: {type: count, source: app, where: "kind = 'view'"}
  likes: {type: count, source: app, where: "kind = 'like' or kind = 'love'"}
  spend: {type: sum, source: app, value: amount}
  huge: {type: sum, source: app, value: amount + 1e9}
  mean_amount: {type: mean, source: app, value: amount}
  users: {type: unique, source: app, of: user}
  viewers: {type: unique, source: app, of: user, where: "kind = 'view'"}
  orders: {type: count, source: shop}
  revenue: {type: sum, source: shop, value: price}
  buyers: {type: unique, source: shop, of: user, where: price > 5}
  both: {type: set, expr: viewers & buyers}
  either: {type: set, expr: viewers | buyers}
  only_viewers: {type: set, expr: viewers - buyers}
  ctr: {type: ratio, numerator: likes, denominator: views}
  per_order: {type: derived, expr: (revenue + spend) / (orders + 1) - 2 * ctr}
experiments:
  button:
    hypothesis: A larger button sells more.
    assignment: {source: app, column: arm, variants: {control: 0, one: 1, two: 2, three: 3, four: 4}}
    exposure: {source: app, where: "kind = 'view'"}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [ctr, spend], secondary: [both, per_order], guardrail: {orders: -5%}}
    analysis: {cuped: 5d, correction: holm}
  by_day:
    hypothesis: Metrics of one source and of two have their days.
    assignment: {source: app, column: arm, variants: {control: 0, one: 1, two: 2, three: 3, four: 4}}
    exposure: {source: app, where: "kind = 'view'"}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [views, both]}
  everyone:
    hypothesis: All groups, and any event exposes.
    assignment: {source: app, column: arm, variants: {control: 0, one: 1, two: 2, three: 3, four: 4}}
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [ctr]}
  nobody:
    hypothesis: Nobody has seen it yet.
    assignment: {source: app, column: arm, variants: {control: 7, treatment: 8}}
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [ctr]}
"""
}
TABLES = {
    "events": "at DateTime('UTC'), user_id Nullable(UInt32), kind String, amount Nullable(Float64), "
    "arm Nullable(UInt8), is_test Bool",
    "orders": "ordered_at DateTime('UTC'), buyer UInt64, price Float64",
}
Row = dict[str, Any]


def _moment(rng: random.Random) -> datetime:
    """From ten days before the start to two days after the end; often exactly on a bound."""
    day = START + timedelta(days=rng.randrange(-10, (END - START).days + 2))
    midnight = zone.midnight(day, ZONE)
    return midnight + timedelta(seconds=rng.choice([0, rng.randrange(82_800), 82_799]))


def _event(rng: random.Random) -> Row:
    user = rng.choice([None, *range(1, 121)])
    arm = None if user is None or rng.random() < 0.05 else user % 6
    return {
        "at": _moment(rng),
        "user_id": user,
        "kind": rng.choice(["view", "view", "like", "love", "buy"]),
        "amount": rng.choice([None, rng.uniform(-3, 30)]),
        "arm": 4 if user and user % 20 == 0 and rng.random() < 0.5 else arm,  # every twentieth crosses over
        "is_test": rng.random() < 0.05,
    }


@pytest.fixture(scope="module")
def data() -> tuple[list[Row], list[Row]]:
    rng = random.Random(11)
    events = [_event(rng) for _ in range(2500)]
    orders = [
        {"ordered_at": _moment(rng), "buyer": rng.randrange(1, 140), "price": rng.uniform(0, 20)} for _ in range(400)
    ]
    return events, orders


@pytest.fixture(scope="module")
def shop(lab, data):
    shop = lab.shop(FILES, TABLES, ZONE)
    for table, rows in zip(TABLES, data, strict=True):
        shop.load(table, rows)
    assert materialize.run(shop.context).ok
    return shop


# --- the plain calculation ---


def _bounds() -> tuple[datetime, datetime, datetime]:
    return zone.midnight(START - BEFORE, ZONE), zone.midnight(START, ZONE), zone.midnight(END, ZONE)


def _exposed(events: list[Row]) -> dict[int, tuple[str, datetime]]:
    """Unit: its variant and the moment of its first exposure."""
    _, start, end = _bounds()
    seen: dict[int, list[Row]] = {}
    for row in events:
        inside = start <= row["at"] < end and not row["is_test"] and row["arm"] in ARMS.values()
        if inside and row["user_id"] is not None and row["kind"] == "view":
            seen.setdefault(row["user_id"], []).append(row)
    names = {value: name for name, value in ARMS.items()}
    return {
        user: (
            CROSSED if len({row["arm"] for row in rows}) > 1 else names[rows[0]["arm"]],
            min(row["at"] for row in rows),
        )
        for user, rows in seen.items()
    }


def _amounts(rows: list[Row]) -> list[float]:
    return [row["amount"] for row in rows if row["amount"] is not None]


def _count(rows: list[Row], *kinds: str) -> int:
    return sum(row["kind"] in kinds for row in rows)


def _buys(rows: list[Row]) -> bool:
    return any(row["price"] > 5 for row in rows)


UNIT: dict[str, Callable[[list[Row], list[Row]], float]] = {
    "events": lambda e, _: len(e),
    "views": lambda e, _: _count(e, "view"),
    "likes": lambda e, _: _count(e, "like", "love"),
    "spend": lambda e, _: sum(_amounts(e)),
    "huge": lambda e, _: sum(amount + 1e9 for amount in _amounts(e)),
    "users": lambda e, _: float(bool(e)),
    "viewers": lambda e, _: float(_count(e, "view") > 0),
    "orders": lambda _, o: len(o),
    "revenue": lambda _, o: sum(row["price"] for row in o),
    "buyers": lambda _, o: float(_buys(o)),
    "both": lambda e, o: float(_count(e, "view") > 0 and _buys(o)),
    "either": lambda e, o: float(_count(e, "view") > 0 or _buys(o)),
    "only_viewers": lambda e, o: float(_count(e, "view") > 0 and not _buys(o)),
}
OF_APP = ("events", "views", "likes", "spend", "huge", "users", "viewers")


def _units(data: tuple[list[Row], list[Row]], names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Variant: one row per unit, the columns after exposure and then the same from before the start."""
    events, orders = data
    before, start, end = _bounds()
    found: dict[str, list[list[float]]] = {}
    for user, (variant, first) in _exposed(events).items():
        mine = [row for row in events if row["user_id"] == user and not row["is_test"]]
        bought = [row for row in orders if row["buyer"] == user]
        after = (
            [row for row in mine if first <= row["at"] < end],
            [row for row in bought if first <= row["ordered_at"] < end],
        )
        earlier = (
            [row for row in mine if before <= row["at"] < start],
            [row for row in bought if before <= row["ordered_at"] < start],
        )
        found.setdefault(variant, []).append([UNIT[name](*part) for part in (after, earlier) for name in names])
    return {variant: np.array(rows) for variant, rows in found.items()}


def _plan(shop, name: str, metrics: tuple[str, ...]) -> Plan:
    catalog = shop.context.catalog
    return Plan(catalog, catalog.definitions.experiments[name], [catalog.metric(each) for each in metrics])


def _run(shop, plan: Plan) -> dict[str, Row]:
    with units(shop.context, plan) as table:
        return table.moments({})[EVERYONE]


# --- moments ---


@pytest.mark.parametrize("name", UNIT)
def test_moments_are_those_of_the_units(shop, data, name: str) -> None:
    """n, sums and centred second moments, with the covariate from before the start; crossed units are left out."""
    rows, expected = _run(shop, _plan(shop, "button", (name,))), _units(data, (name,))
    assert {*rows, CROSSED} == set(expected) == {*ARMS, CROSSED}
    for variant, table in expected.items():
        if variant == CROSSED:
            continue
        row, centred = rows[variant], table - table.mean(axis=0)
        assert row["n"] == len(table)
        assert [row["s_y0"], row["s_x_y0"]] == pytest.approx(table.sum(axis=0), rel=1e-9, abs=1e-9)
        products = centred.T @ centred
        assert row["c_y0__y0"] == pytest.approx(products[0, 0], rel=1e-9, abs=1e-9)
        assert row["c_x_y0__x_y0"] == pytest.approx(products[1, 1], rel=1e-9, abs=1e-9)
        scale = np.sqrt(products[0, 0] * products[1, 1])
        assert row["c_x_y0__y0"] == pytest.approx(products[0, 1], abs=1e-9 * scale + 1e-9)


def test_columns_of_a_metric_have_their_cross_moments(shop, data) -> None:
    rows, expected = (
        _run(shop, _plan(shop, "button", ("per_order",))),
        _units(data, ("revenue", "spend", "orders", "likes", "views")),
    )
    for variant in ARMS:
        table = expected[variant][:, :5]
        centred = table - table.mean(axis=0)
        products = centred.T @ centred
        for a in range(5):
            for b in range(a, 5):
                assert rows[variant][f"c_y{a}__y{b}"] == pytest.approx(products[a, b], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("face", ["day", "until"])
def test_days_of_units(shop, data, face: str) -> None:
    """Every unit counts from the day of its exposure on: what it did on that day, or up to its end."""
    plan = _plan(shop, "by_day", ("views", "both"))
    with units(shop.context, plan) as table:
        daily = table.daily(face, {})
    events, orders = data
    exposed = _exposed(events)
    for at, rows in enumerate(daily):
        day = START + timedelta(days=at)
        begins = zone.midnight(START if face == "until" else day, ZONE)
        ends = zone.midnight(day + timedelta(days=1), ZONE)
        expected: dict[str, list[tuple[float, float]]] = {}
        for user, (variant, first) in exposed.items():
            if first >= ends:
                continue
            inside = lambda moment, first=first: max(first, begins) <= moment < ends  # noqa: B023, E731
            mine = [r for r in events if r["user_id"] == user and not r["is_test"] and inside(r["at"])]
            bought = [r for r in orders if r["buyer"] == user and inside(r["ordered_at"])]
            values = UNIT["views"](mine, bought), UNIT["both"](mine, bought)
            expected.setdefault(variant, []).append(values)
        assert {*rows, CROSSED} >= set(expected)
        for variant, row in rows.items():
            values = np.array(expected[variant])
            assert row["n"] == len(values)
            assert [row["s_y0"], row["s_y1"]] == pytest.approx(values.sum(axis=0))
            assert row["c_y0__y0"] == pytest.approx(np.var(values[:, 0]) * len(values))


def test_counts_by_day_of_exposure(shop, data) -> None:
    with units(shop.context, _plan(shop, "button", ("views",))) as table:
        counts = table.counts()
    exposed = _exposed(data[0])
    expected = Counter((variant, (zone.local_day(first, ZONE) - START).days) for variant, first in exposed.values())
    crossed = sum(number for (variant, _), number in expected.items() if variant == CROSSED)
    assert counts.crossed == crossed > 0
    found = {(variant, day): number for variant, days in counts.by_day.items() for day, number in days.items()}
    assert found == {key: number for key, number in expected.items() if key[0] != CROSSED}


def test_buckets_and_samples_hold_the_same_units(shop, data) -> None:
    plan, expected = _plan(shop, "button", ("views", "spend")), _units(data, ("views", "spend"))
    with units(shop.context, plan) as table:
        buckets, past = table.buckets("salt", {}), table.buckets("", {}, past=True)
        samples = table.samples(["y0", "y1"], {"y0": 3.0})
    for variant in ARMS:
        assert buckets[variant].n == len(expected[variant])
        assert buckets[variant].column("y1").sum() == pytest.approx(expected[variant][:, 1].sum())
        capped = np.minimum(expected[variant][:, 0], 3.0)
        assert sorted(samples[variant].column("y0")) == sorted(capped)
    everyone = [table for name, table in expected.items() if name != CROSSED]
    assert past[""].n == sum(map(len, everyone))
    assert past[""].column("x_y0").sum() == pytest.approx(sum(table[:, 2].sum() for table in everyone))


def test_the_unit_table_is_gone_afterwards(shop) -> None:
    names = "SELECT name FROM system.tables WHERE name LIKE 'experiment_units%'"

    def fail() -> None:
        with units(shop.context, _plan(shop, "button", ("views",))):
            assert len(shop.context.engine.run(Statement(names, "look"))) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(shop.context.engine.run(Statement(names, "look"))) == 0


def test_quotients_count_units(shop, data) -> None:
    plan = _plan(shop, "button", ("ctr",))
    with units(shop.context, plan) as table:
        rows = table.quotients(plan.readings[0], 2.0)
    found = {(row["variant"], row["numerator"], row["denominator"]): row["units"] for row in rows}
    pairs = Counter(
        (variant, likes, views)
        for variant, table in _units(data, ("likes", "views")).items()
        for likes, views in table[:, :2].tolist()
        if views >= 2 and likes <= views and variant != CROSSED
    )
    assert found == dict(pairs)


# --- the invariant: variants together are the series ---


@pytest.fixture(scope="module")
def everybody(lab, data):
    """Every event has a user, and every user is in one of the five groups."""
    shop = lab.shop(FILES, TABLES, ZONE)
    shop.load("events", [row | {"arm": row["user_id"] % 5} for row in data[0] if row["user_id"] is not None])
    shop.load("orders", data[1])
    assert materialize.run(shop.context).ok
    return shop


@pytest.mark.parametrize("name", [*OF_APP, "ctr", "mean_amount"])
def test_variants_add_up_to_the_series(everybody, name: str) -> None:
    """Any event exposes: Σy over the variants is the series total over the window, for both parts of a quotient."""
    plan = _plan(everybody, "everyone", (name,))
    rows = _run(everybody, plan)
    assert set(rows) == set(ARMS)
    (total,) = query(everybody.context, [name], START, END, grain="total")
    expected = [total.numerator, total.denominator] if total.denominator is not None else [total.value]
    sums = [sum(row[f"s_{name}"] for row in rows.values()) for name in plan.units.values()]
    assert sums == pytest.approx(expected, rel=1e-12)


# --- the read-out ---


def test_analyze_says_what_the_statistics_say_about_the_units(shop, data) -> None:
    readout = analyze(shop.context, "button")
    units = _units(data, ("spend",))
    assert readout.units == {name: len(units[name]) for name in ARMS}
    by = {(result.metric, result.variant): result for result in readout.results}
    assert len(by) == len(readout.results) == 5 * 4
    for variant in list(ARMS)[1:]:
        arms = [Moments.of(["y", "x"], units[arm]) for arm in ("control", variant)]
        expected = stats.compare(stats.MetricColumns("y", None, "x"), *arms, 0.05)
        effect = by["spend", variant].effect
        assert effect.difference == pytest.approx(expected.difference, rel=1e-9)
        assert effect.pvalue == pytest.approx(expected.pvalue, rel=1e-7)
        assert effect.variance_reduction == pytest.approx(expected.variance_reduction, abs=1e-9)


def test_a_derived_metric_has_the_gradient_of_its_expression(shop, data) -> None:
    """Against the delta method with a numerical gradient, without covariates."""
    names = ("revenue", "spend", "orders", "likes", "views")
    units = _units(data, names)

    def value(m: np.ndarray) -> float:
        return (m[0] + m[1]) / (m[2] + 1) - 2 * m[3] / m[4]

    def estimate(table: np.ndarray) -> tuple[float, float]:
        means, step = table.mean(axis=0), 1e-6
        gradient = [(value(means + step * e) - value(means - step * e)) / (2 * step) for e in np.eye(5)]
        return value(means), float(np.var(table @ gradient, ddof=1)) / len(table)

    plan = _plan(shop, "button", ("per_order",))
    rows = _run(shop, plan)
    (reading,) = plan.readings
    arms = [moments(rows[arm], columns(plan, reading)) for arm in ("control", "two")]
    effect = stats.compare(estimand(reading), *arms)
    (a, va), (b, vb) = (estimate(units[arm][:, :5]) for arm in ("control", "two"))
    assert effect.difference == pytest.approx(b - a, rel=1e-9)
    assert effect.se == pytest.approx(np.sqrt(va + vb), rel=1e-6)


def test_primary_and_secondary_metrics_are_families_of_their_own(shop) -> None:
    results = analyze(shop.context, "button").as_dict()["results"]
    for role in ("primary", "secondary"):
        family = [result for result in results if result["role"] == role]
        adjusted = stats.adjust([result["pvalue"] for result in family], "holm")
        assert [result["pvalue_adjusted"] for result in family] == list(adjusted)
        assert {result["correction"] for result in family} == {"holm"}
    for result in results:
        if result["role"] == "guardrail":
            assert (result["correction"], result["pvalue_adjusted"]) == ("none", result["pvalue"])


def test_crossed_units_fail_the_gate_and_are_left_out(shop, data) -> None:
    readout = analyze(shop.context, "button")
    crossed = sum(variant == CROSSED for variant, _ in _exposed(data[0]).values())
    (gate,) = [gate for gate in readout.gates if gate.name == "crossovers"]
    assert crossed > 0
    assert gate.status == "fail"
    assert gate.detail.startswith(f"{crossed} units were seen in more than one variant")
    assert readout.verdict.verdict == "blocked"


def test_an_experiment_without_units_says_so(shop) -> None:
    with pytest.raises(WarehouseError, match="E511"):
        analyze(shop.context, "nobody")
    with pytest.raises(UsageError, match="E201"):
        analyze(shop.context, "buton")
