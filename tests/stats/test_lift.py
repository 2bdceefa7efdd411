"""Relative lifts: three intervals, their sources' numbers, and what none of them may do."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest
from scipy import optimize
from scipy import stats as reference

from assay.stats import MetricColumns, Moments, Samples, compare
from assay.stats.cuped import Estimate
from assay.stats.lift import lift
from assay.stats.setting import Relative

RELATIVES: tuple[Relative, ...] = ("delta", "log", "fieller")
every_kind = pytest.mark.parametrize("relative", RELATIVES)


def test_log_is_the_textbook_interval_of_a_risk_ratio() -> None:
    """15 of 100 against 10 of 100: log ratio ± 1.96 · sqrt(1/15 − 1/100 + 1/10 − 1/100) (Katz et al. 1978)."""
    control, treatment = (Estimate(p, p * (1 - p) / 100, 100) for p in (0.10, 0.15))
    found = lift(control, treatment, 1.96, "log")
    error = 1.96 * sqrt(1 / 15 - 1 / 100 + 1 / 10 - 1 / 100)
    assert (found.low, found.high) == pytest.approx((exp(log(1.5) - error) - 1, exp(log(1.5) + error) - 1), rel=1e-12)


def test_fieller_ends_where_the_test_of_a_ratio_rejects() -> None:
    control, treatment = Estimate(10.0, 1.3, 50), Estimate(12.0, 0.8, 50)
    found = lift(control, treatment, 2.0, "fieller")

    def t(ratio: float) -> float:
        return abs(12.0 - ratio * 10.0) / sqrt(0.8 + ratio**2 * 1.3)

    ends = [optimize.brentq(lambda r: t(r) - 2.0, *bracket, xtol=1e-14) for bracket in ((0.1, 1.2), (1.2, 9.0))]
    assert (found.low, found.high) == pytest.approx((ends[0] - 1, ends[1] - 1), rel=1e-9)


def test_fieller_excludes_zero_exactly_when_the_difference_does() -> None:
    rng = np.random.default_rng(20)
    for _ in range(300):
        control, treatment = (Samples.of(["x"], rng.gamma(2, scale, (12, 1))) for scale in (10, 20))
        effect = compare(MetricColumns("x"), control, treatment, relative="fieller")
        if effect.relative_low is not None and effect.relative_high is not None:
            assert (effect.relative_low * effect.relative_high > 0) == (effect.pvalue < 0.05)  # type: ignore[operator]
        else:
            assert "may be zero" in effect.warnings[0]


@every_kind
def test_the_sign_is_that_of_the_difference_for_a_negative_metric_too(relative: Relative) -> None:
    up = lift(Estimate(10.0, 0.1, 50), Estimate(11.0, 0.1, 50), 2.0, relative)
    down = lift(Estimate(-10.0, 0.1, 50), Estimate(-11.0, 0.1, 50), 2.0, relative)
    assert (down.value, down.low, down.high) == pytest.approx((-up.value, -up.high, -up.low), rel=1e-12)  # type: ignore[operator]


@every_kind
def test_with_small_errors_all_three_agree(relative: Relative) -> None:
    found = lift(Estimate(10.0, 1e-6, 50), Estimate(11.0, 1e-6, 50), 2.0, relative)
    delta = lift(Estimate(10.0, 1e-6, 50), Estimate(11.0, 1e-6, 50), 2.0)
    assert (found.value, found.low, found.high) == pytest.approx((delta.value, delta.low, delta.high), rel=1e-4)


@every_kind
def test_a_large_offset_keeps_the_digits(relative: Relative) -> None:
    """Around 1e12 a lift of 1e-9 with an error of 1e-10 still has its digits."""
    found = lift(Estimate(1e12, 1e4, 50), Estimate(1e12 + 1000, 1e4, 50), 2.0, relative)
    reach = 2 * sqrt(2e4) / 1e12
    assert (found.low, found.high) == pytest.approx((1e-9 - reach, 1e-9 + reach), rel=1e-6)


@every_kind
def test_no_nonsense(relative: Relative) -> None:
    assert lift(Estimate(0.0, 1.0, 5), Estimate(1.0, 1.0, 5), 2.0, relative).value is None
    uncertain = lift(Estimate(1.0, 1.0, 5), Estimate(-2.0, 1.0, 5), 2.0, relative)
    assert uncertain.value == -3.0
    if relative != "delta":
        assert (uncertain.low, uncertain.high) == (None, None)
        assert "no interval" in uncertain.warnings[0]
    tiny = lift(Estimate(1e-310, 0.0, 5), Estimate(1.0, 1.0, 5), 2.0, relative)
    assert (tiny.value, tiny.low) == (None, None)
    assert "too close to zero" in tiny.warnings[0]


@pytest.mark.parametrize("relative", ["log", "fieller"])
def test_coverage(relative: Relative) -> None:
    rng = np.random.default_rng(21)
    hits = 0
    for _ in range(1000):
        control, treatment = (Moments.of(["x"], rng.gamma(2, scale, (100, 1))) for scale in (10, 12))
        effect = compare(MetricColumns("x"), control, treatment, relative=relative)
        hits += effect.relative_low <= 0.2 <= effect.relative_high  # type: ignore[operator]
    low, high = reference.binom.interval(0.999, 1000, 0.95)
    assert low <= hits <= high
