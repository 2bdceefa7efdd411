"""What every registered method must keep. A new method is tested here without a new line."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import METHODS, Derived, Effect, Estimand, MetricColumns, Samples, choose, compare

NAMES = ("likes", "views", "likes_before", "views_before")
MEAN = MetricColumns("likes")
RATIO = MetricColumns("likes", "views")
METRICS: dict[str, Estimand] = {
    "mean": MEAN,
    "mean_cuped": replace(MEAN, numerator_covariate="likes_before"),
    "ratio": RATIO,
    "ratio_cuped": replace(RATIO, numerator_covariate="likes_before", denominator_covariate="views_before"),
    "derived": Derived(
        ("likes", "views"), lambda m: m["likes"] - 0.1 * m["views"], lambda _: {"likes": 1.0, "views": -0.1}
    ),
}


def cases(*labels: str) -> pytest.MarkDecorator:
    """Every registered method with each of these metrics that it can read."""
    pairs = [(method, label) for method in METHODS.values() for label in labels]
    return pytest.mark.parametrize(
        ("test", "metric"),
        [
            pytest.param(method.name, METRICS[label], id=f"{method.name}-{label}")
            for method, label in pairs
            if METRICS[label].kind in method.estimands
        ],
    )


every_case = cases(*METRICS)


def users(rng: np.random.Generator, n: int, lift: float = 0.0) -> np.ndarray:
    """Rows of `NAMES` like the feed's: views ~ gamma-Poisson (mean 67), a rate per user, a past with the same taste."""
    taste = rng.beta(15, 56, n)
    views = 1 + rng.poisson(rng.gamma(2.2, 30, n))
    past = 1 + rng.poisson(rng.gamma(2.2, 30, n))
    likes = rng.binomial(views, np.clip(taste * (1 + lift), 0, 1))
    return np.column_stack([likes, views, rng.binomial(past, taste), past]).astype(np.float64)


def arms(seed: int, n: int = 400, lift: float = 0.0) -> tuple[Samples, Samples]:
    rng = np.random.default_rng(seed)
    return Samples.of(NAMES, users(rng, n)), Samples.of(NAMES, users(rng, n + 50, lift))


@every_case
def test_swapping_the_arms_flips_the_sign(test: str, metric: Estimand) -> None:
    control, treatment = arms(1, lift=0.05)
    there, back = compare(metric, control, treatment, test=test), compare(metric, treatment, control, test=test)
    assert back.difference == pytest.approx(-_known(there.difference), rel=1e-12)
    assert (back.low, back.high) == (
        pytest.approx(-_known(there.high), rel=1e-9),
        pytest.approx(-_known(there.low), rel=1e-9),
    )
    assert back.pvalue == pytest.approx(there.pvalue, rel=1e-9)


@every_case
def test_the_same_arms_differ_by_nothing(test: str, metric: Estimand) -> None:
    control, _ = arms(2)
    effect = compare(metric, control, control, test=test)
    assert (effect.difference, effect.pvalue, effect.relative) == (0.0, 1.0, 0.0)


@every_case
def test_the_interval_excludes_zero_exactly_when_p_is_below_alpha(test: str, metric: Estimand) -> None:
    for seed in range(30):
        control, treatment = arms(seed, n=60, lift=0.1)
        pvalue = _known(compare(metric, control, treatment, test=test).pvalue)
        for alpha in (0.05, pvalue * 1.000001, pvalue * 0.999999):
            effect = compare(metric, control, treatment, min(alpha, 0.999), test=test)
            assert (_known(effect.low) * _known(effect.high) > 0) == (pvalue < effect.alpha)


@cases("mean", "mean_cuped", "ratio", "ratio_cuped")  # a derived metric's function fixes its scale
def test_scaling_the_metric_scales_the_effect(test: str, metric: Estimand) -> None:
    control, treatment = arms(3, lift=0.05)
    scale = np.array([1000.0, 1.0, 1000.0, 1.0])
    plain = compare(metric, control, treatment, test=test)
    scaled = compare(metric, *(Samples.of(NAMES, arm.values * scale) for arm in (control, treatment)), test=test)
    for name in ("difference", "low", "high", "se", "control"):
        assert getattr(scaled, name) == pytest.approx(1000 * getattr(plain, name), rel=1e-9)
    for name in ("relative", "relative_low", "pvalue", "df"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), rel=1e-9)


@every_case
@pytest.mark.parametrize("fault", ["empty", "single", "constant", "nan", "inf", "huge", "tiny_n"])
def test_degenerate_data_gives_a_reason_and_never_nan(test: str, metric: Estimand, fault: str) -> None:
    control, treatment = arms(4, n=20)
    effect = compare(metric, Samples.of(NAMES, _spoil(control.values, fault)), treatment, test=test)
    if fault == "constant":  # the other arm still varies, so there is an answer
        effect = compare(metric, *(Samples.of(NAMES, _spoil(arm.values, fault)) for arm in (control, treatment)))
    if fault != "tiny_n":
        assert effect.reason
        assert all(getattr(effect, name) is None for name in ("control", "difference", "low", "pvalue", "se"))
    assert not any(isinstance(value, float) and not np.isfinite(value) for value in astuple(effect))


@cases("mean", "mean_cuped")
def test_a_large_offset_does_not_spoil_the_answer(test: str, metric: Estimand) -> None:
    control, treatment = arms(5, lift=0.2)
    plain = compare(metric, control, treatment, test=test)
    moved = compare(metric, *(Samples.of(NAMES, arm.values + 1e12) for arm in (control, treatment)), test=test)
    assert moved.difference == pytest.approx(plain.difference, abs=1e-2)  # 1e12 has a spacing of 1.2e-4
    assert moved.se == pytest.approx(plain.se, rel=1e-3)


@every_case
def test_pvalues_are_uniform_without_an_effect(test: str, metric: Estimand, replays: np.ndarray) -> None:
    pairs = ([Samples.of(NAMES, arm) for arm in pair] for pair in replays)
    pvalues = np.array([_known(compare(metric, *pair, test=test).pvalue) for pair in pairs])
    assert reference.kstest(pvalues, "uniform").pvalue > 0.001
    low, high = reference.binom.interval(0.999, 2000, 0.05)
    assert low <= (pvalues < 0.05).sum() <= high


@pytest.fixture(scope="module")
def replays() -> np.ndarray:
    """2,000 A/A experiments of 150 users per arm, shape (2000, 2, 150, 4)."""
    return users(np.random.default_rng(6), 2000 * 2 * 150).reshape(2000, 2, 150, 4)


def _spoil(values: np.ndarray, fault: str) -> np.ndarray:
    with_one = values.copy()
    with_one[0, 0] = {"nan": np.nan, "inf": np.inf, "huge": 1e200}.get(fault, values[0, 0])
    shapes: dict[str, Any] = {
        "empty": values[:0], "single": values[:1], "tiny_n": values[:2], "constant": np.ones_like(values)
    }  # fmt: skip
    return np.asarray(shapes.get(fault, with_one))


def _known(value: float | None) -> float:
    assert value is not None
    return value


def test_a_test_that_cannot_read_a_metric_hands_over_or_refuses() -> None:
    control, treatment = arms(7)
    assert compare(RATIO, control, treatment, test="welch").method == "delta"
    with pytest.raises(UsageError, match="Did you mean 'welch'"):
        choose("welsh", "mean")


def test_a_zero_denominator_and_a_zero_control_are_told() -> None:
    zero = Samples.of(("a", "b"), [[1, 0], [2, 0], [3, 0]])
    fine = Samples.of(("a", "b"), [[1, 1], [2, 3], [3, 1]])
    effect = compare(MetricColumns("a", "b"), zero, fine)
    assert "denominator 'b' sums to zero" in str(effect.reason)
    nothing = compare(MetricColumns("b"), zero, fine)
    assert (nothing.relative, nothing.relative_low, nothing.reason) == (None, None, None)
    assert nothing.difference == pytest.approx(5 / 3)


def test_an_effect_without_an_answer_still_counts_its_units() -> None:
    effect = compare(MEAN, Samples.of(NAMES, []), arms(8)[1])
    assert (effect.n_control, effect.n_treatment) == (0, 450)
    assert effect == Effect("welch", "mean", n_treatment=450, reason=effect.reason)
