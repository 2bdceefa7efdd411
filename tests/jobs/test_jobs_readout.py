"""The whole read-out of an experiment on planted data: gates, effects, slices, days, and what is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from assay import stats
from assay.errors import UsageError, WarehouseError
from assay.jobs.experiments.aa import aa
from assay.jobs.experiments.analyze import analyze
from assay.jobs.experiments.design import design
from assay.jobs.experiments.history import history, record
from assay.jobs.experiments.power import power
from assay.stats import Moments

START, DAYS, USERS = date(2025, 3, 3), 8, 3000
ENDED = datetime(2025, 4, 1, tzinfo=UTC)
PLANTED = 0.05  # of the clicks' rate, 0.20

EXPERIMENT = """
    hypothesis: A larger button is clicked more often.
    assignment: {source: app, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: app, where: "kind = 'view'"}
    start: 2025-03-03
    end: 2025-03-11
    design: {mde: 0.02, power: 0.9, history: 2025-02-23..2025-03-03}
"""
GATES = "[srm, crossovers, exposure, pre_period, aa, distribution, day_stability, twyman, covariates]"
FILES = {
    "metrics/all.yaml": """
sources:
  app:
    table: RAW.events
    time: at
    entities: {user: user_id}
    columns: {at: DateTime('UTC'), user_id: UInt32, kind: String, amount: Float64, arm: UInt8, os: String, city: String}
    dimensions: {os: os, city: {column: city, top: 2}}
metrics:
  views: {type: count, source: app, where: "kind = 'view'"}
  clicks: {type: count, source: app, where: "kind = 'click'"}
  spend: {type: sum, source: app, value: amount}
  viewers: {type: unique, source: app, of: user, where: "kind = 'view'"}
  new_viewers: {type: new, metric: viewers}
  ctr: {type: ratio, numerator: clicks, denominator: views, good: up}
  view_to_click:
    {type: funnel, source: app, of: user, within: 2h, steps: {view: "kind = 'view'", click: "kind = 'click'"}}
  back_3: {type: retention, cohort: new_viewers, returns: viewers, day: 3}
experiments:"""
    f"""
  button: {EXPERIMENT}
    metrics: {{primary: [ctr, back_3], secondary: [spend, view_to_click], guardrail: {{views: -20%}}}}
    analysis: {{cuped: 8d, by: [os, city], sensitivity: [linearization, student], prior: 0.1}}
    validity: {GATES}
  watched: {EXPERIMENT}
    metrics: {{primary: [ctr]}}
    analysis: {{sequential: obrien_fleming}}
  capped: {EXPERIMENT}
    metrics: {{primary: [spend]}}
    analysis: {{winsorize: 95%}}
  by_os: {EXPERIMENT}
    metrics: {{primary: [spend]}}
    analysis: {{stratify: [os]}}
  three: {EXPERIMENT.replace("treatment: 1", "treatment: 1, absent: 7")}
    metrics: {{primary: [ctr]}}
"""
}
TABLES = {
    "events": "at DateTime('UTC'), user_id UInt32, kind String, amount Float64, arm UInt8, os String, city String"
}
Row = dict[str, Any]


def _events(rng: np.random.Generator) -> list[Row]:
    """Eight days before and eight of the experiment; users come on some days, view, and click some of what they see."""
    rows: list[Row] = []
    for user in range(USERS):
        arm = user % 2
        fixed = {"user_id": user, "arm": arm, "os": ["ios", "android"][user % 3 == 0], "city": "abcd"[user // 2 % 4]}
        taste = rng.gamma(4.0, 0.25)
        for day in range(-DAYS, DAYS):
            if rng.random() < 0.5:
                continue
            views = 1 + rng.poisson(9 * taste)
            clicks = rng.binomial(views, 0.20 + PLANTED * arm * (day >= 0))
            at = datetime(2025, 3, 3, tzinfo=UTC) + timedelta(days=day, seconds=int(rng.integers(86_399)))
            # one row stands for many views: the amount carries the money of the day
            rows += [fixed | {"at": at, "kind": "view", "amount": rng.exponential(2.0)}] * int(views)
            rows += [fixed | {"at": at, "kind": "click", "amount": 0.0}] * int(clicks)
    return rows


@pytest.fixture(scope="module")
def events() -> list[Row]:
    return _events(np.random.default_rng(3))


@pytest.fixture(scope="module")
def shop(lab, events):
    shop = lab.shop(FILES, TABLES, now=ENDED)
    for at in range(0, len(events), 200_000):
        shop.load("events", events[at : at + 200_000])
    return shop


@pytest.fixture(scope="module")
def readout(shop):
    return analyze(shop.context, "button")


def _day(row: Row) -> int:
    return int((row["at"].date() - START).days)


def _users(events: list[Row], until: int = DAYS) -> dict[int, Row]:
    """Per exposed user: first day, and sums after (up to a day) and before."""
    first: dict[int, datetime] = {}
    for row in events:
        if row["kind"] == "view" and 0 <= _day(row) < until:
            first[row["user_id"]] = min(first.get(row["user_id"], row["at"]), row["at"])
    names = ("views", "clicks", "spend", "x_views", "x_clicks")
    found = {
        user: {"first": (at.date() - START).days, "days": set(), **dict.fromkeys(names, 0.0)}
        for user, at in first.items()
    }
    for row in events:
        user, day = row["user_id"], _day(row)
        if user not in found:
            continue
        mine = found[user]
        mine |= {"arm": row["arm"], "os": row["os"]}
        if day < 0:
            mine[f"x_{row['kind']}s"] += 1
        elif day < until and row["at"] >= first[user]:
            mine[f"{row['kind']}s"] += 1
            mine["spend"] += row["amount"]
            if row["kind"] == "view":
                mine["days"].add(day)
    return found


def _arms(users: dict[int, Row], names: list[str], **where: Any) -> list[Moments]:
    kept = [each for each in users.values() if all(each[name] == value for name, value in where.items())]
    return [
        Moments.of(names, [[each[name] for name in names] for each in kept if each["arm"] == arm]) for arm in (0, 1)
    ]


CTR = stats.MetricColumns("clicks", "views", "x_clicks", "x_views")


def test_an_effect_is_found_with_its_reasons(readout) -> None:
    assert {gate.name: gate.status for gate in readout.gates} == dict.fromkeys(GATES.strip("[]").split(", "), "pass")
    assert (readout.verdict.verdict, readout.verdict.variant) == ("ship", "treatment")
    effect = readout.results[0].effect
    assert effect.low < PLANTED < effect.high


def test_cuped_is_that_of_the_units(readout, events) -> None:
    expected = stats.compare(CTR, *_arms(_users(events), ["clicks", "views", "x_clicks", "x_views"]))
    assert readout.results[0].effect.difference == pytest.approx(expected.difference, rel=1e-9)
    assert readout.results[0].effect.se == pytest.approx(expected.se, rel=1e-9)


def test_the_intervals_of_a_family_are_widened(readout) -> None:
    primary = [result for result in readout.results if result.role == "primary"]
    assert len(primary) == 2
    for result in primary:
        assert result.adjusted.alpha == pytest.approx(0.025)
        assert result.adjusted.low < result.effect.low < result.effect.high < result.adjusted.high
    assert all(result.adjusted is None for result in readout.results if result.role == "guardrail")


def test_a_return_counts_from_each_users_own_exposure(readout, events) -> None:
    """Only users who could come back within the window are asked; others are not counted as gone."""
    users = _users(events).values()
    (result,) = [each for each in readout.results if each.metric == "back_3"]
    for arm, value in ((0, result.effect.control), (1, result.effect.treatment)):
        due = [each for each in users if each["arm"] == arm and each["first"] + 3 < DAYS]
        assert value == pytest.approx(np.mean([each["first"] + 3 in each["days"] for each in due]), rel=1e-12)


def test_a_funnel_begins_at_the_exposure(readout, events) -> None:
    """A click within two hours of a view, both at or after the first view."""
    moments: dict[int, list[tuple[datetime, str]]] = {}
    for row in events:
        if _day(row) >= 0:
            moments.setdefault(row["user_id"], []).append((row["at"], row["kind"]))
    done = {}
    for user, told in moments.items():
        views = [at for at, kind in told if kind == "view"]
        clicks = [at for at, kind in told if kind == "click" and views and at >= min(views)]
        done[user] = any(timedelta() <= click - view <= timedelta(hours=2) for view in views for click in clicks)
    (result,) = [each for each in readout.results if each.metric == "view_to_click"]
    for arm, value in ((0, result.effect.control), (1, result.effect.treatment)):
        mine = [done[user] for user, each in _users(events).items() if each["arm"] == arm]
        assert value == pytest.approx(np.mean(mine))


def test_slices_are_their_own_experiments(readout, events) -> None:
    users = _users(events)
    found = {each.slice["os"]: each.result.effect for each in readout.slices
             if "os" in each.slice and each.result.metric == "ctr"}  # fmt: skip
    for value in ("ios", "android"):
        arms = _arms(users, ["clicks", "views", "x_clicks", "x_views"], os=value)
        assert found[value].difference == pytest.approx(stats.compare(CTR, *arms).difference, rel=1e-9)
    by_city = [each.slice["city"] for each in readout.slices if "city" in each.slice and each.result.metric == "ctr"]
    assert len(by_city) == 3
    assert "other" in by_city
    assert all(each.pvalue_adjusted > 0.01 for each in readout.interactions if each.metric == "ctr")


def test_the_course_ends_at_the_effect(readout, events) -> None:
    """Each day has the effect of everything before its end; the last day has that of the read-out."""
    course = next(each for each in readout.courses if each.metric == "ctr")
    assert course.points[-1].difference == pytest.approx(readout.results[0].effect.difference, rel=1e-12)
    third = stats.compare(CTR, *_arms(_users(events, until=3), ["clicks", "views", "x_clicks", "x_views"]))
    assert course.points[2].difference == pytest.approx(third.difference, rel=1e-9)
    assert course.points[2].low == pytest.approx(third.low, rel=1e-9)
    assert all(point.band_low < point.low for point in course.points)


def test_other_methods_agree(readout) -> None:
    answers = [each.effect for each in readout.sensitivity if each.metric == "ctr"]
    assert [each.method for each in answers] == ["delta", "linearization", "delta"]
    assert answers[1].difference == pytest.approx(answers[0].difference, rel=0.01)
    assert answers[1].se == pytest.approx(answers[0].se, rel=0.1)


def test_a_prior_pulls_towards_zero(readout) -> None:
    belief, effect = readout.beliefs[0].posterior, readout.results[0].effect
    assert 0 < belief.mean < effect.difference
    assert belief.chance_to_win > 0.999


def test_shapes_are_shares(readout) -> None:
    (shape,) = readout.shapes
    assert (shape.metric, set(shape.shares)) == ("ctr", {"control", "treatment"})
    assert sum(shape.shares["control"]) == pytest.approx(1.0)


def test_sums_are_cut_at_a_pooled_quantile(shop, events) -> None:
    users = _users(events)
    values = {arm: np.array([each["spend"] for each in users.values() if each["arm"] == arm]) for arm in (0, 1)}
    pooled = np.sort(np.concatenate(list(values.values())))
    effect = analyze(shop.context, "capped").results[0].effect
    cuts = [np.minimum(values[0], cut).mean() for cut in pooled[[int(0.94 * len(pooled)), int(0.96 * len(pooled))]]]
    assert cuts[0] < effect.control < cuts[1] < values[0].mean()


def test_strata_are_weighted_alike(shop, events) -> None:
    users = _users(events)
    strata = [tuple(_arms(users, ["spend"], os=value)) for value in ("android", "ios")]
    expected = stats.poststratify(stats.MetricColumns("spend"), strata)
    effect = analyze(shop.context, "by_os").results[0].effect
    assert (effect.method, effect.difference) == (expected.method, pytest.approx(expected.difference, rel=1e-9))


def test_a_running_experiment_is_read_to_its_last_whole_day(shop) -> None:
    half = analyze(shop.at(datetime(2025, 3, 7, 15, tzinfo=UTC)), "button")
    assert (half.until, half.progress.days, half.progress.planned_days) == ("2025-03-07", 4, 8)
    assert half.verdict.verdict == "keep_running"
    assert any("before the end" in reason for reason in half.verdict.reasons)


def test_a_sequential_rule_may_stop_it(shop) -> None:
    early = analyze(shop.at(datetime(2025, 3, 8, tzinfo=UTC)), "watched")
    (course,) = early.courses
    assert course.rule == "obrien_fleming"
    assert early.verdict.verdict == ("ship" if course.points[-1].stopped else "keep_running")
    assert early.results[0].look.stopped == course.points[-1].stopped


@pytest.mark.parametrize("now", [datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 3, 3, 23, tzinfo=UTC)])
def test_one_that_has_not_begun_says_so(shop, now: datetime) -> None:
    with pytest.raises(WarehouseError, match=r"E511.*no whole day"):
        analyze(shop.at(now), "button")


def test_a_variant_without_data_is_told(shop) -> None:
    readout = analyze(shop.context, "three")
    assert readout.units["absent"] == 0
    assert {gate.name: gate.status for gate in readout.gates}["srm"] == "fail"
    absent = next(each for each in readout.results if each.variant == "absent")
    assert absent.effect.reason == "the treatment has 0 units, at least 2 are needed"
    assert readout.verdict.verdict == "blocked"


def test_an_analysis_is_stored_once(shop, readout) -> None:
    first = record(shop.context, readout)
    assert record(replace(shop.context, now=ENDED + timedelta(days=1)), readout) == first
    (stored,) = history(shop.context, "button")
    assert (stored.analysis, stored.at, stored.verdict) == (first, ENDED, "ship")
    ctr = next(each for each in stored.results if each["metric"] == "ctr")
    assert ctr["difference"] == readout.results[0].effect.difference
    assert ctr["meaning"] == readout.hashes["ctr"]
    assert history(shop.context, "watched") == []


def test_design_power_and_replays_agree(shop) -> None:
    """The formula's units have the power that simulation finds, and the past gives 5 % false positives."""
    planned = design(shop.context, "button", mde=0.01).found
    assert planned.baseline.mean == pytest.approx(0.20, abs=0.005)
    simulated = power(shop.context, "button", effect=0.01, n=planned.n["control"], simulations=4000).as_dict()
    assert simulated["power"] == pytest.approx(0.9, abs=4 * np.sqrt(0.9 * 0.1 / 4000) + 0.005)
    again = design(shop.context, "button", days=planned.days).found
    assert again.mde <= planned.mde
    replays = aa(shop.context, "button", replays=2000).found
    assert replays.verdict == "healthy"
    with pytest.raises(UsageError, match="E601"):
        design(shop.context, "button", mde=0.01, days=3)
    with pytest.raises(UsageError, match="E601"):
        power(shop.context, "button", metric="clicks")
