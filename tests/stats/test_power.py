"""Sample size, effect, power and duration follow from each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from assay.errors import UsageError
from assay.stats import MetricColumns, Moments, plan, power_at, unit_sd
from assay.stats.arrivals import Arrivals
from assay.stats.power import curve, design, noncentrality


@given(st.floats(0.1, 10), st.floats(0.01, 5), st.floats(0.06, 0.999), st.floats(0.2, 5))
def test_round_trip(sd: float, effect: float, power: float, ratio: float) -> None:
    n = plan(sd, effect=effect, power=power, ratio=ratio).n_control
    assert plan(sd, effect=effect, n=n, ratio=ratio).power >= power * (1 - 1e-9)
    assert plan(sd, n=n, power=power, ratio=ratio).effect <= effect * (1 + 1e-9)
    if n > 1:
        assert plan(sd, effect=effect, n=n - 1, ratio=ratio).power < power * (1 + 1e-9)


@pytest.mark.parametrize("power", [0.051, 0.5, 0.8, 0.999999])
def test_noncentrality_is_the_inverse(power: float) -> None:
    assert power_at(noncentrality(power, 0.05), 0.05) == pytest.approx(power, rel=1e-12)


def test_agrees_with_statsmodels() -> None:
    theirs = NormalIndPower().power(0.1, 2000, 0.05, ratio=1.5)
    assert plan(2.0, effect=0.2, n=2000, ratio=1.5).power == pytest.approx(theirs, rel=1e-9)


def test_the_case_studys_numbers() -> None:
    """sd of linearised likes 4.98, MDE 0.01 × 67 views: about 830 users for 80 %, 1,110 for 90 %; 6,500 see 0.0036."""
    needed = [plan(4.98, effect=0.01 * 68.5, power=power).n_control for power in (0.8, 0.9)]
    assert needed == pytest.approx([830, 1110], rel=0.01)
    assert plan(4.98, n=6500, power=0.8).effect / 68.5 == pytest.approx(0.0036, rel=0.01)


def test_duration_counts_both_arms() -> None:
    found = plan(5.0, effect=0.7, power=0.9, ratio=0.5, per_day=100)
    assert found.n_treatment == -(-found.n_control // 2)
    assert found.days == -(-(found.n_control + found.n_treatment) // 100)


def test_unit_sd_of_a_ratio_and_after_cuped() -> None:
    rng = np.random.default_rng(40)
    values = rng.gamma(3, 5, (500, 3)) + rng.gamma(3, 5, (500, 1))
    history = Moments.of(("likes", "views", "before"), values)
    likes, views, before = values.T
    linear = (likes - likes.sum() / views.sum() * views) / views.mean()
    assert unit_sd(MetricColumns("likes", "views"), history) == pytest.approx(linear.std(ddof=1), rel=1e-9)
    left = likes - np.polyval(np.polyfit(before, likes, 1), before)
    adjusted = unit_sd(MetricColumns("likes", numerator_covariate="before"), history)
    assert adjusted == pytest.approx(left.std(ddof=1), rel=1e-9)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"effect": 1, "n": 5, "power": 0.8}, {"effect": 0, "power": 0.8}, {"effect": 1, "power": 0.01},
     {"n": 0, "power": 0.8}, {"effect": 1, "power": 1.0}, {"effect": 1, "power": 0.8, "per_day": 0}],
)  # fmt: skip
def test_a_plan_needs_exactly_two(arguments: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        plan(1.0, **arguments)  # type: ignore[arg-type]


def test_history_without_an_answer_is_told() -> None:
    with pytest.raises(UsageError, match="W601"):
        unit_sd(MetricColumns("a", "b"), Moments.of(("a", "b"), [[1, 0], [2, 0]]))


@given(st.floats(0.1, 10), st.floats(0.01, 5), st.floats(0.06, 0.999), st.floats(5, 5000), st.floats(0.2, 5))
def test_curve_round_trip(sd: float, effect: float, power: float, rate: float, weight: float) -> None:
    """Days to effect and back never asks for more days, and one day less is not enough."""
    weights = {"control": 1.0, "a": weight, "b": 1.0}
    days = curve(sd, arrivals=rate, effects=[effect], power=power, weights=weights)[0].days
    if days is None:
        return
    there = curve(sd, arrivals=rate, days=[days], power=power, weights=weights)[0]
    assert there.mde <= effect * (1 + 1e-9)
    assert curve(sd, arrivals=rate, effects=[there.mde], power=power, weights=weights)[0].days == days
    if days > 1 and rate * (days - 1) * min(weights.values()) > 10 * sum(weights.values()):
        assert curve(sd, arrivals=rate, days=[days - 1], power=power, weights=weights)[0].mde > effect * (1 - 1e-9)


def test_a_curve_of_two_equal_variants_is_a_plan() -> None:
    for point in curve(4.98, arrivals=1000, effects=[0.35, 0.6881]):
        single = plan(4.98, effect=point.mde, power=0.8, per_day=1000)
        assert (point.n, point.days) == ({"control": single.n_control, "treatment": single.n_treatment}, single.days)
        assert not point.extrapolated


def test_the_smallest_treatment_decides() -> None:
    weights = {"control": 2.0, "a": 1.0, "b": 0.5}
    point = curve(5.0, arrivals=350, effects=[0.7], power=0.9, weights=weights)[0]
    assert point.n_per_variant == point.n["b"]
    assert point.n["control"] == pytest.approx(4 * point.n["b"], abs=4)
    for name in ("a", "b"):
        found = plan(5.0, effect=0.7, n=point.n["control"], ratio=point.n[name] / point.n["control"]).power
        assert found >= 0.9 * (1 - 1e-3)
    assert point.days == -(-point.n["control"] * 3.5 // 2 // 350)


def test_relative_effects_are_shares_of_the_baseline() -> None:
    relative = curve(5.0, arrivals=100, effects=[0.1], baseline=-7.0, relative=True)[0]
    absolute = curve(5.0, arrivals=100, effects=[0.7], baseline=-7.0)[0]
    assert (relative.mde, relative.n, relative.days) == (pytest.approx(absolute.mde), absolute.n, absolute.days)
    assert relative.relative == pytest.approx(0.1)
    assert curve(5.0, arrivals=100, effects=[0.7])[0].relative is None


def test_durations_follow_the_measured_arrivals() -> None:
    daily = [1000.0, 500, 400, 300, 300, 300, 200]
    assert Arrivals.of(daily).units(3) == 1900
    needed = curve(5.0, arrivals=daily, effects=[0.7], power=0.9)[0]
    assert (sum(needed.n.values()), needed.days, needed.extrapolated) == (2146, 4, False)
    beyond = curve(5.0, arrivals=daily, effects=[0.4], power=0.9)[0]
    assert beyond.extrapolated
    assert beyond.days is not None
    assert Arrivals.of(daily).units(beyond.days - 1) < sum(beyond.n.values()) <= Arrivals.of(daily).units(beyond.days)


@pytest.mark.parametrize("known", [7, 14, 28])
def test_arrivals_beyond_the_history_slow_down_as_they_did(known: int) -> None:
    """Units that come back by a power law are carried on without bias; a constant stream stays constant."""
    total = 1000 * np.arange(1, 57) ** 0.6
    daily = np.diff(total, prepend=0.0)
    assert Arrivals.of(daily[:known].tolist()).units(56) == pytest.approx(total[-1], rel=0.01)
    assert Arrivals.of([50.0] * known).units(100) == 5000
    growing = Arrivals.of(np.linspace(10, 100, known).tolist())
    assert growing.units(2 * known) <= 2 * growing.units(known) + 1  # growth is not counted on


def test_what_never_comes_has_no_duration() -> None:
    ended = [1000.0, 100, 10, 0, 0, 0, 0, 0]
    assert curve(5.0, arrivals=ended, effects=[0.01])[0].days is None
    assert curve(5.0, arrivals=1.0, effects=[0.01])[0].days is None
    assert Arrivals.of([0.0, 0.0, 5.0, 5.0]).days(5) == 3


def test_a_design_is_the_curves_point_with_its_baseline() -> None:
    rng = np.random.default_rng(41)
    history = Moments.of(("likes", "views"), rng.gamma(3, 5, (500, 2)))
    metric = MetricColumns("likes", "views")
    found = design(metric, history, mde=0.05, relative=True, arrivals=[200, 150, 100], power=0.9)
    mean = history.sum("likes") / history.sum("views")
    assert (found.baseline.mean, found.baseline.n_per_day) == (pytest.approx(mean), 150)
    assert found.mde == pytest.approx(0.05 * mean)
    assert found.n_per_variant == plan(unit_sd(metric, history), effect=found.mde, power=0.9).n_control
    assert found.curve[3].mde == found.mde
    sizes = [point.n_per_variant for point in found.curve]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"effects": [1], "days": [1]}, {"days": [0]}, {"effects": [0]}, {"effects": [1], "arrivals": 0},
     {"effects": [1], "arrivals": []}, {"effects": [1], "arrivals": [1, float("nan")]},
     {"effects": [1], "arrivals": [-1]}, {"effects": [1], "weights": {"a": 1}},
     {"effects": [1], "weights": {"a": 1, "b": 0}},
     {"effects": [1], "relative": True}, {"effects": [1], "power": 1.0}, {"days": [1], "arrivals": 1}],
)  # fmt: skip
def test_impossible_curves_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="E601"):
        curve(1.0, **{"arrivals": 100, **wrong})
