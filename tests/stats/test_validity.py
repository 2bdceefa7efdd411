"""Gates fire on the case study's broken hypothesis and stay silent on clean data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import Gate, Histogram, bimodality, crossovers, day_stability, decide, distribution, spread

EDGES = np.linspace(0, 1, 101)
N = 10_000


def like_rates(rng: np.random.Generator, mixture: bool = False, zeros: float = 0.0, n: int = N) -> Histogram:
    """A week of users: views mean 67 sd 45, a like rate near 0.21 each, or the broken mixture 57 % 0.10, 43 % 0.32."""
    views = 1 + rng.poisson(rng.gamma(2.2, 30, n))
    centre = np.where(rng.random(n) < 0.57, 0.10, 0.32) if mixture else np.full(n, 0.21)
    rate = rng.beta(centre * 80, (1 - centre) * 80) * (rng.random(n) >= zeros)
    return Histogram.of_ratios(EDGES, rng.binomial(views, rate), views)


def test_the_mixture_of_the_broken_hypothesis_is_found_with_its_peaks() -> None:
    rng = np.random.default_rng(30)
    found = bimodality(like_rates(rng, mixture=True), like_rates(rng))
    assert found.pvalue is not None
    assert found.pvalue <= 0.001
    assert found.modes == (pytest.approx(0.10, abs=0.03), pytest.approx(0.32, abs=0.03))


@pytest.mark.parametrize("with_control", [True, False])
def test_clean_like_rates_stay_silent(with_control: bool) -> None:
    rng = np.random.default_rng(31)
    for _ in range(10):
        treatment, control = like_rates(rng, n=3000), like_rates(rng, n=3000)
        assert bimodality(treatment, control if with_control else None).pvalue > 0.05  # type: ignore[operator]


def test_a_peak_at_zero_in_both_arms_is_not_the_variants_doing() -> None:
    rng = np.random.default_rng(32)
    pairs = [(like_rates(rng, zeros=0.3, n=1000), like_rates(rng, zeros=0.3, n=1000)) for _ in range(100)]
    assert bimodality(pairs[0][0]).pvalue < 0.001  # type: ignore[operator]
    fired = sum(bimodality(*pair).pvalue < 0.05 for pair in pairs)  # type: ignore[operator]
    assert fired <= reference.binom.ppf(0.999, 100, 0.05)


def test_whole_numbers_alone_would_look_like_peaks() -> None:
    """Why `of_ratios` exists: the same smooth rates with few views, once binned as they are, once spread out."""
    rng = np.random.default_rng(33)
    views = rng.integers(5, 13, N)
    likes = rng.binomial(views, rng.beta(17, 63, N))
    assert bimodality(Histogram.of(EDGES, likes / views)).pvalue < 0.001  # type: ignore[operator]
    assert bimodality(Histogram.of_ratios(EDGES, likes, views, at_least=5)).pvalue > 0.05  # type: ignore[operator]


def test_of_ratios_spreads_each_unit_and_leaves_out_small_ones() -> None:
    histogram = Histogram.of_ratios([0.0, 0.25, 0.5, 1.0], [5, 0, 1], [20, 20, 2], units=[2, 1, 7], at_least=10)
    # 5 of 20 lies evenly on 5/21..6/21, a quarter of it below 0.25; 0 of 20 on 0..1/21; 1 of 2 is left out.
    np.testing.assert_allclose(histogram.counts, [1.5, 1.5, 0.0], atol=1e-12)
    assert histogram.n == 3.0


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: Histogram.of(EDGES, [0.1, np.nan]),
        lambda: Histogram.of_ratios(EDGES, [1.0], [np.nan]),
        lambda: Histogram.of([1, 0], [0.5]),
    ],
)
def test_missing_values_and_bad_bins_are_refused(mistake: Callable[[], Histogram]) -> None:
    with pytest.raises(UsageError):
        mistake()


def test_too_few_units_give_a_reason() -> None:
    assert bimodality(Histogram.of(EDGES, np.full(10, 0.5))).reason
    empty = Histogram.of(EDGES, [])
    assert distribution(empty, empty).reason


def test_distribution_is_the_kolmogorov_smirnov_test() -> None:
    rng = np.random.default_rng(34)
    control, treatment = rng.normal(0, 1, 900), rng.normal(0.1, 1, 1100)
    values = np.unique(np.concatenate([control, treatment]))
    edges = np.concatenate([[-9.0], (values[1:] + values[:-1]) / 2, [9.0]])
    ours = distribution(Histogram.of(edges, control), Histogram.of(edges, treatment))
    theirs = reference.ks_2samp(control, treatment, method="asymp")
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.pvalue == pytest.approx(theirs.pvalue, rel=0.1)  # SciPy uses the law at finite n
    with pytest.raises(UsageError):
        distribution(Histogram.of([0, 1], [0.5]), Histogram.of([0, 2], [0.5]))


WEEK = [("08-02", -0.012), ("08-03", -0.010), ("08-04", -0.015), ("08-05", -0.009), ("08-06", -0.011),
        ("08-07", -0.008)]  # fmt: skip


def test_the_day_that_went_back_to_normal_is_named() -> None:
    stable = day_stability([(day, difference, 0.003) for day, difference in WEEK])
    broken = day_stability([*((day, difference, 0.003) for day, difference in WEEK), ("08-08", 0.005, 0.003)])
    assert (stable.odd, broken.odd, broken.df) == (None, "08-08", 6)
    assert stable.pvalue > 0.05 > 0.001 > broken.pvalue  # type: ignore[operator]


def test_day_stability_is_chi_square_without_an_effect() -> None:
    rng = np.random.default_rng(35)
    weeks = [[(str(day), float(rng.normal(0.02, day)), float(day)) for day in range(1, 8)] for _ in range(2000)]
    results = [day_stability(week) for week in weeks]
    assert reference.kstest([result.pvalue for result in results], "uniform").pvalue > 0.001
    named = sum(result.odd is not None for result in results)
    assert named <= reference.binom.ppf(0.999, 2000, 0.05)


def test_days_without_an_error_or_a_second_day_give_a_reason() -> None:
    assert day_stability([("mon", 0.1, 0.1)]).reason
    assert day_stability([("mon", 0.1, 0.1), ("tue", 0.1, 0.0)]).reason
    assert day_stability([("mon", float("nan"), 0.1), ("tue", 0.1, 0.1)]).reason


def test_crossovers() -> None:
    assert crossovers(100, 1000).acceptable is False
    assert crossovers(1, 1000).acceptable is True
    assert crossovers(0, 0).reason
    with pytest.raises(UsageError):
        crossovers(5, 4)


def test_the_broken_hypothesis_is_blocked() -> None:
    rng = np.random.default_rng(36)
    found = bimodality(like_rates(rng, mixture=True), like_rates(rng))
    status = "fail" if found.pvalue is not None and found.pvalue < 0.001 else "pass"
    verdict = decide([Gate("distribution", status, found.pvalue, "two groups of users")], [])  # type: ignore[arg-type]
    assert verdict.verdict == "blocked"


def _rates(seed: int, mean: float, n: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).beta(mean * 30, (1 - mean) * 30, n)


FINE = np.linspace(0, 1, 2001)


def test_spread_agrees_with_welch_on_distances_from_the_median() -> None:
    control, treatment = _rates(1, 0.2), _rates(2, 0.3)
    expected = reference.ttest_ind(
        *(np.abs(arm - np.median(arm)) for arm in (treatment, control)), equal_var=False
    ).pvalue
    found = spread(Histogram.of(FINE, control), Histogram.of(FINE, treatment))
    assert found.pvalue == pytest.approx(expected, rel=0.02), "bins of 0.0005 move a distance by less than that"


def test_spread_ignores_a_shift_and_sees_users_moving_apart() -> None:
    control = _rates(3, 0.2)
    shifted = spread(Histogram.of(FINE, control), Histogram.of(FINE, control + 0.05))
    assert shifted.pvalue is not None
    assert shifted.pvalue > 0.9
    apart = np.concatenate([_rates(4, 0.1, 570), _rates(5, 0.32, 430)])
    found = spread(Histogram.of(FINE, control), Histogram.of(FINE, apart))
    assert found.ratio is not None
    assert found.ratio > 1.25
    assert found.pvalue is not None
    assert found.pvalue < 1e-6


def test_spread_keeps_its_level() -> None:
    """2,000 A/A comparisons: the share below 5 % is within three standard errors of it."""
    arms = [Histogram.of(FINE, _rates(seed, 0.2, 300)) for seed in range(4000)]
    pvalues = [spread(*pair).pvalue for pair in zip(arms[::2], arms[1::2], strict=True)]
    rate = np.mean([p < 0.05 for p in pvalues if p is not None])
    assert abs(rate - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize(("control", "treatment"), [([0.2] * 10, [0.2] * 10), ([0.2] * 100, [0.2] * 100)])
def test_spread_without_an_answer_says_why(control: list[float], treatment: list[float]) -> None:
    edges = np.array([0.0, 0.4, 1.0])
    found = spread(Histogram.of(edges, control), Histogram.of(edges, treatment))
    assert found.pvalue is None or found.ratio is not None
    assert (found.pvalue is None) == bool(found.reason)
