"""Difference in differences and synthetic control."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.stats import ttest_ind

from assay.errors import UsageError
from assay.forecast.impact import differences, synthetic_control
from assay.forecast.series import Bools, Floats


def cities(seed: int, lift: float = 0.0, apart: float = 0.0) -> tuple[Floats, Bools]:
    """24 cities over 8 weeks, of which 8 are treated in the last 2; `apart` bends the treated before the event."""
    random = default_rng(seed)
    common = np.cumsum(random.normal(0, 0.05, 56))
    own = random.normal(5, 1, (24, 1)) + np.cumsum(random.normal(0, 0.02, (24, 56)), axis=1)
    treated = np.arange(24) < 8
    bend = apart * treated[:, None] * np.linspace(-1, 0, 56)
    after = lift * treated[:, None] * (np.arange(56) >= 42)
    return np.exp(common + own + bend + after + random.normal(0, 0.05, (24, 56))), treated


def test_differences_by_hand() -> None:
    values = np.array([[1.0, 1, 5, 5], [2, 2, 7, 7], [3, 3, 6, 6], [4, 4, 5, 5], [5, 5, 6, 6], [6, 6, 9, 9]])
    found = differences(values, np.arange(6) < 3, 2, log=False, period=1)
    reference = ttest_ind([4, 5, 3], [1, 1, 3], equal_var=False)
    assert found.effect == pytest.approx(4 - 5 / 3)
    assert found.pvalue == pytest.approx(reference.pvalue)
    interval = reference.confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_a_lift_is_found_as_a_percentage() -> None:
    found = differences(*cities(1, lift=np.log(1.3)), 42)
    assert found.low < 0.3 < found.high
    assert found.low > 0


def test_errors_by_unit_do_not_cry_without_cause() -> None:
    """At 5 %, 200 worlds give 10 ± 3; errors by day would give most of them."""
    assert sum(differences(*cities(seed), 42).pvalue < 0.05 for seed in range(200)) <= 20


def test_groups_that_moved_apart_before_are_told_by_the_leads() -> None:
    assert differences(*cities(2, apart=1.0), 42).leads_pvalue < 0.01
    assert sum(differences(*cities(seed), 42).leads_pvalue < 0.01 for seed in range(50)) <= 6


@pytest.mark.parametrize(
    ("values", "treated", "why"),
    [
        (np.ones((6, 20)), np.arange(6) < 1, "fewer than 3 units"),
        (np.ones((6, 20)), np.arange(5) < 3, "do not fit together"),
        (np.zeros((6, 20)), np.arange(6) < 3, "have zeros"),
    ],
)
def test_impossible_groups_are_refused(values: Floats, treated: Bools, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        differences(values, treated, 10)


def test_a_mix_is_recovered() -> None:
    controls = np.exp(default_rng(3).normal(0, 0.2, (70, 5)).cumsum(axis=0) * 0.2 + 6)
    values = controls @ [0.7, 0.3, 0, 0, 0]
    values[56:] *= 1.2
    found = synthetic_control(values, controls, 56)
    np.testing.assert_allclose(found.weights, [0.7, 0.3, 0, 0, 0], atol=1e-3)
    assert found.relative == pytest.approx(0.2, abs=1e-3)
    assert found.pvalue == pytest.approx(1 / 6)
    assert found.weights.sum() == pytest.approx(1.0)


def test_one_control_is_no_mix() -> None:
    with pytest.raises(UsageError, match="two controls"):
        synthetic_control(np.ones(30), np.ones((30, 1)), 20)


def test_few_units_that_moved_alike_are_called_alike() -> None:
    """By their covariance, seven leads of ten units would differ in most cases: here in about one of twenty."""
    random, treated, called = default_rng(1), np.arange(10) < 4, 0
    for _ in range(100):
        size = np.exp(random.normal(5, 0.5, (10, 1)))
        values = random.poisson(size * np.exp(random.normal(0, 0.02, 56))) + 1.0
        called += differences(values, treated, 49).leads_pvalue < 0.05
    assert called <= 12


def test_units_that_all_fall_silent_need_no_variance() -> None:
    """Shares of each unit's own usual day, none of which is left in the treated ones."""
    values = default_rng(2).uniform(0.9, 1.1, (8, 30))
    values[:4, 28:] = 0.0
    found = differences(values, np.arange(8) < 4, 28, log=False)
    assert found.low < found.effect < found.high < -0.8
