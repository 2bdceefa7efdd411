"""What every registered method must keep. A new method is tested here without a new line.

A method is tried on each metric of its kinds that it can answer. Those that work from moments are held to the last
digit; those that resample or order units (called with few replicates) to what chance and ties allow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import METHODS, Derived, Effect, Estimand, MetricColumns, Quantile, Samples, choose, compare

NAMES = ("likes", "views", "likes_before", "views_before", "liked")
REPLICATES = 1000
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
    "binary": MetricColumns("liked"),
    "quantile": Quantile("views", 0.5),
}
EXACT = ("fisher", "barnard", "boschloo")  # conservative, and their interval is another method's
ONE_SIDED = ("linearization",)  # centred on the control, so that swapped arms are another question


def users(rng: np.random.Generator, n: int, lift: float = 0.0) -> np.ndarray:
    """Rows of `NAMES` like the feed's: views ~ gamma-Poisson (mean 67), a rate per user, a past with the same taste."""
    taste = rng.beta(15, 56, n)
    views = 1 + rng.poisson(rng.gamma(2.2, 30, n))
    past = 1 + rng.poisson(rng.gamma(2.2, 30, n))
    likes = rng.binomial(views, np.clip(taste * (1 + lift), 0, 1))
    return np.column_stack([likes, views, rng.binomial(past, taste), past, likes > 10]).astype(np.float64)


def arms(seed: int, n: int = 150, lift: float = 0.0) -> tuple[Samples, Samples]:
    rng = np.random.default_rng(seed)
    return Samples.of(NAMES, users(rng, n)), Samples.of(NAMES, users(rng, n + 50, lift))


def run(test: str, metric: Estimand, control: Samples, treatment: Samples, alpha: float = 0.05) -> Effect:
    return compare(metric, control, treatment, alpha, test=test, seed=1, replicates=REPLICATES)


def strict(test: str) -> bool:
    return METHODS[test].needs == "moments" and test not in EXACT


@cache
def readable(test: str, label: str) -> bool:
    """Whether a method answers on this metric of one of its kinds; tests of proportions read only some means."""
    metric = METRICS[label]
    return metric.kind in METHODS[test].estimands and run(test, metric, *arms(0, n=60)).reason is None


def cases(*labels: str, wanted: Callable[[str], bool] = lambda _: True) -> pytest.MarkDecorator:
    """Every registered method that is wanted, with each of these metrics that it can read."""
    pairs = [(test, label) for test in METHODS if wanted(test) for label in labels if readable(test, label)]
    return pytest.mark.parametrize(
        ("test", "metric"), [pytest.param(test, METRICS[label], id=f"{test}-{label}") for test, label in pairs]
    )


every_case = cases(*METRICS)
strict_case = cases(*METRICS, wanted=strict)
loose_case = cases(*METRICS, wanted=lambda test: not strict(test))


def test_every_method_reads_something() -> None:
    assert [test for test in METHODS if not any(readable(test, label) for label in METRICS)] == []


@every_case
def test_swapping_the_arms_flips_the_sign(test: str, metric: Estimand) -> None:
    control, treatment = arms(1, lift=0.05)
    there, back = run(test, metric, control, treatment), run(test, metric, treatment, control)
    exact = METHODS[test].needs == "moments" and test not in ONE_SIDED
    slack = (1e-9 if exact else 0.25) * (_known(there.high) - _known(there.low))
    for name, mirrored in (("difference", "difference"), ("low", "high"), ("high", "low")):
        assert getattr(back, name) == pytest.approx(-getattr(there, mirrored), abs=slack)
    assert back.pvalue == pytest.approx(there.pvalue, rel=1e-9 if exact else None, abs=0 if exact else 0.05)


@every_case
def test_the_same_arms_differ_by_nothing(test: str, metric: Estimand) -> None:
    control, _ = arms(2)
    effect = run(test, metric, control, control)
    assert effect.difference == pytest.approx(0, abs=1e-12)
    assert effect.relative is None or effect.relative == pytest.approx(0, abs=1e-12)
    assert effect.pvalue == pytest.approx(1.0, rel=1e-12) if strict(test) else _known(effect.pvalue) > 0.5


@strict_case
def test_the_interval_excludes_zero_exactly_when_p_is_below_alpha(test: str, metric: Estimand) -> None:
    for seed in range(30):
        control, treatment = arms(seed, n=60, lift=0.1)
        pvalue = _known(run(test, metric, control, treatment).pvalue)
        for alpha in (0.05, pvalue * 1.000001, pvalue * 0.999999):
            effect = run(test, metric, control, treatment, min(alpha, 0.999))
            assert (_known(effect.low) * _known(effect.high) > 0) == (pvalue < effect.alpha)


@loose_case
def test_an_interval_without_zero_has_a_small_p(test: str, metric: Estimand) -> None:
    """Chance and ties leave the reverse open: half of all differences of counts may be zero."""
    for seed in range(5):
        effect = run(test, metric, *arms(seed, n=60, lift=0.3))
        assert _known(effect.low) <= _known(effect.difference) <= _known(effect.high)
        if _known(effect.low) * _known(effect.high) > 0:
            assert _known(effect.pvalue) < 2 * effect.alpha


@cases("mean", "mean_cuped", "ratio", "ratio_cuped")  # a derived metric's function fixes its scale
def test_scaling_the_metric_scales_the_effect(test: str, metric: Estimand) -> None:
    control, treatment = arms(3, lift=0.05)
    scale = np.array([1000.0, 1.0, 1000.0, 1.0, 1.0])
    plain = run(test, metric, control, treatment)
    scaled = run(test, metric, *(Samples.of(NAMES, arm.values * scale) for arm in (control, treatment)))
    slack = 1e-9 if strict(test) else 1e-6
    if plain.estimand == metric.kind:  # not the chance to be above, which has no unit
        for name in ("difference", "low", "high", "se", "control"):
            _same(getattr(scaled, name), 1000, getattr(plain, name), slack)
    for name in ("relative", "relative_low", "pvalue", "df"):
        _same(getattr(scaled, name), 1, getattr(plain, name), slack)


@every_case
@pytest.mark.parametrize("fault", ["empty", "single", "constant", "nan", "inf", "huge", "tiny_n"])
def test_degenerate_data_gives_a_reason_and_never_nan(test: str, metric: Estimand, fault: str) -> None:
    control, treatment = arms(4, n=20)
    spoilt = Samples.of(NAMES, _spoil(control.values, fault))
    if fault == "constant":  # with one constant arm there is an answer
        treatment = Samples.of(NAMES, _spoil(treatment.values, fault))
    effect = run(test, metric, spoilt, treatment)
    if fault in ("empty", "single", "nan", "inf") or (strict(test) and fault != "tiny_n"):
        assert effect.reason
    if effect.reason:
        assert all(getattr(effect, name) is None for name in ("control", "difference", "low", "pvalue", "se"))
    assert not any(isinstance(value, float) and not np.isfinite(value) for value in astuple(effect))


@cases("mean", "mean_cuped")
def test_a_large_offset_does_not_spoil_the_answer(test: str, metric: Estimand) -> None:
    control, treatment = arms(5, lift=0.2)
    plain = run(test, metric, control, treatment)
    moved = run(test, metric, *(Samples.of(NAMES, arm.values + 1e12) for arm in (control, treatment)))
    assert moved.difference == pytest.approx(plain.difference, abs=1e-2)  # 1e12 has a spacing of 1.2e-4
    _same(moved.se, 1, plain.se, 1e-3 if strict(test) else 0.05)


@pytest.mark.slow
@strict_case
def test_pvalues_are_uniform_without_an_effect(test: str, metric: Estimand, replays: np.ndarray) -> None:
    pvalues = _pvalues(test, metric, replays)
    assert reference.kstest(pvalues, "uniform").pvalue > 0.001
    low, high = reference.binom.interval(0.999, 2000, 0.05)
    assert low <= (pvalues < 0.05).sum() <= high


@pytest.mark.slow
@cases(*METRICS, wanted=lambda test: METHODS[test].needs != "moments")
def test_no_more_false_positives_than_stated(test: str, metric: Estimand, replays: np.ndarray) -> None:
    assert (_pvalues(test, metric, replays[:200]) < 0.05).sum() <= reference.binom.isf(0.0005, 200, 0.05)


@pytest.fixture(scope="module")
def replays() -> np.ndarray:
    """2,000 A/A experiments of 331 users, shape (2000, 331, 5): of 150 and 181, so that shares are seldom equal."""
    return users(np.random.default_rng(8), 2000 * 331).reshape(2000, 331, 5)


def _pvalues(test: str, metric: Estimand, replays: np.ndarray) -> np.ndarray:
    pairs = ((Samples.of(NAMES, rows[:150]), Samples.of(NAMES, rows[150:])) for rows in replays)
    return np.array([_known(run(test, metric, *pair).pvalue) for pair in pairs])


def _spoil(values: np.ndarray, fault: str) -> np.ndarray:
    with_one = values.copy()
    with_one[0] = {"nan": np.nan, "inf": np.inf, "huge": 1e200}.get(fault, 0.0)
    shapes: dict[str, Any] = {
        "empty": values[:0], "single": values[:1], "tiny_n": values[:2], "constant": np.ones_like(values)
    }  # fmt: skip
    return np.asarray(shapes.get(fault, with_one))


def _same(found: float | None, factor: float, expected: float | None, slack: float) -> None:
    """Equal up to a factor, or both not there."""
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found == pytest.approx(factor * expected, rel=slack)


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
    assert (effect.n_control, effect.n_treatment) == (0, 200)
    assert effect == Effect("welch", "mean", n_treatment=200, reason=effect.reason)
