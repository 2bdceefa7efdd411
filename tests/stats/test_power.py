"""Sample size, effect, power and duration follow from each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from assay.errors import UsageError
from assay.stats import MetricColumns, Moments, plan, power_at, unit_sd
from assay.stats.power import noncentrality


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
