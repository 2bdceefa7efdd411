"""Gates fire on the case study's broken hypothesis and stay silent on clean data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import (
    Effect,
    Gate,
    Histogram,
    MetricColumns,
    Moments,
    bimodality,
    compare,
    crossovers,
    day_stability,
    decide,
    distribution,
    exposure,
    imbalance,
    missing_covariate,
    own_history,
    spread,
    twyman,
)

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


# --- days ---


def week_of(rng: np.random.Generator, last: float, days: int = 7) -> list[tuple[str, float, float]]:
    """Daily effects of 0.01 ± 0.002; the last day's is `last`."""
    truth = [0.01] * (days - 1) + [last]
    return [(str(day), float(rng.normal(effect, 0.002)), 0.002) for day, effect in enumerate(truth)]


def test_an_effect_that_changes_on_the_last_day_is_named() -> None:
    """Five standard errors off on one day of seven: named by the leave-one-out test, which beats Q at alpha 0.001."""
    rng = np.random.default_rng(70)
    found = [day_stability(week_of(rng, 0.01 - 5 * 0.002)) for _ in range(1000)]
    named, by_q = (np.mean([pick(each) for each in found]) for pick in (
        lambda each: each.odd == "6" and each.odd_pvalue < 0.001, lambda each: each.pvalue < 0.001,
    ))  # fmt: skip
    assert np.mean([each.odd == "6" for each in found]) > 0.9
    assert named > 0.75
    assert named > by_q


def test_the_odd_day_keeps_its_level() -> None:
    rng, runs = np.random.default_rng(71), 4000
    pvalues = [day_stability(week_of(rng, 0.01)).odd_pvalue for _ in range(runs)]
    assert np.mean([p < 0.05 for p in pvalues]) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)  # type: ignore[operator]
    assert np.mean([p < 0.001 for p in pvalues]) < 0.001 + 4 * np.sqrt(0.001 / runs)  # type: ignore[operator]


def test_days_of_returning_users_raise_no_false_alarm() -> None:
    """The same users on every day: the days' differences correlate, and the test becomes conservative."""
    rng, runs, found = np.random.default_rng(72), 400, []
    for _ in range(runs):
        habits = rng.normal(0, 1, (2, 200, 1))
        values = habits + rng.normal(0, 1, (2, 200, 7))
        gap, se = values[1].mean(0) - values[0].mean(0), np.sqrt(values.var(axis=1, ddof=1).sum(0) / 200)
        found.append(day_stability([(str(day), float(gap[day]), float(se[day])) for day in range(7)]).pvalue)
    assert np.mean([p < 0.05 for p in found]) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)  # type: ignore[operator]


# --- exposure, and units without a past ---


def test_exposure_is_the_chi_square_of_the_table() -> None:
    exposed, assigned = {"a": 900, "b": 860, "c": 450}, {"a": 1000, "b": 1000, "c": 500}
    table = [list(exposed.values()), [assigned[name] - exposed[name] for name in assigned]]
    theirs = reference.chi2_contingency(table, correction=False)
    found = exposure(exposed, assigned)
    assert (found.statistic, found.pvalue, found.df) == (pytest.approx(theirs.statistic, rel=1e-9),
                                                         pytest.approx(theirs.pvalue, rel=1e-9), 2)  # fmt: skip
    assert found.shares["c"] == 0.9


def test_exposure_keeps_its_level_and_finds_a_slow_variant() -> None:
    rng, runs, units = np.random.default_rng(73), 4000, {"a": 5000, "b": 5000}
    clean = [exposure(dict(zip("ab", rng.binomial(5000, 0.8, 2).tolist(), strict=True)), units) for _ in range(runs)]
    assert np.mean([each.pvalue < 0.01 for each in clean]) < 0.01 + 4 * np.sqrt(0.01 / runs)  # type: ignore[operator]
    slow = [exposure({"a": int(rng.binomial(5000, 0.8)), "b": int(rng.binomial(5000, 0.75))}, units) for _ in range(50)]
    assert sum(each.pvalue < 0.001 for each in slow) >= 48  # type: ignore[operator]


@pytest.mark.parametrize("share", [0, 1000])
def test_exposure_of_nobody_or_everybody_is_the_same_everywhere(share: int) -> None:
    assert exposure({"a": share, "b": share}, {"a": 1000, "b": 1000}).pvalue == 1.0


def test_exposure_without_units_or_with_too_many() -> None:
    assert exposure({"a": 0, "b": 1}, {"a": 0, "b": 1}).reason
    for exposed, assigned in (({"a": 2, "b": 1}, {"a": 1, "b": 1}), ({"a": 1}, {"a": 1}), ({"a": 1, "b": 1}, {"a": 1})):
        with pytest.raises(UsageError, match="impossible"):
            exposure(exposed, assigned)


def test_units_without_a_past() -> None:
    few, many = ({"a": n, "b": n + 5} for n in (100, 700))
    units = {"a": 1000, "b": 1000}
    assert (missing_covariate(few, units).acceptable, missing_covariate(many, units).acceptable) == (True, False)
    assert missing_covariate({"a": 100, "b": 200}, units).pvalue < 1e-6  # type: ignore[operator]
    assert missing_covariate({"a": 0, "b": 0}, {"a": 0, "b": 0}).reason


# --- effects that should not be ---


def effect_of(rng: np.random.Generator, shift: float = 0.0, n: int = 500) -> Effect:
    arms = [Moments.of(["x"], rng.normal(mean, 1, (n, 1))) for mean in (10.0, 10.0 + shift)]
    return compare(MetricColumns("x"), *arms)


def test_imbalance_keeps_its_level_over_many_metrics_and_names_the_worst() -> None:
    rng, runs = np.random.default_rng(74), 1000
    clean = [imbalance({name: effect_of(rng) for name in "abcde"}).pvalue for _ in range(runs)]
    assert np.mean([p < 0.05 for p in clean]) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)  # type: ignore[operator]
    found = imbalance({"a": effect_of(rng), "b": effect_of(rng, 0.5), "c": effect_of(rng)})
    assert found.metric == "b"
    assert found.pvalue < 0.001  # type: ignore[operator]


def test_imbalance_without_a_past_says_why() -> None:
    nobody = Effect("welch", "mean", reason="the control has 0 units, at least 2 are needed")
    assert imbalance({"a": nobody}).reason == nobody.reason
    assert imbalance({}).reason
    mixed = imbalance({"a": nobody, "b": Effect("welch", "mean", difference=1.0, pvalue=0.5)})
    assert (mixed.metric, mixed.pvalue, dict(mixed.pvalues or {})) == ("b", 0.5, {"a": None, "b": 0.5})


def test_twyman_lets_ordinary_effects_pass_and_stops_wonders() -> None:
    rng = np.random.default_rng(75)
    ordinary = [effect_of(rng, float(rng.normal(0, 0.3))) for _ in range(500)]
    assert np.mean([twyman(each, mde=0.3).pvalue < 0.01 for each in ordinary]) < 0.01 + 4 * np.sqrt(0.01 / 500)
    assert max(twyman(each).pvalue > 0.999 for each in ordinary)  # type: ignore[operator]
    for shift in (7.0, -7.0):
        wonder = effect_of(rng, shift)
        assert twyman(wonder).pvalue < 0.001  # type: ignore[operator]
        assert twyman(wonder, mde=0.3).pvalue < 0.001  # type: ignore[operator]


def test_twyman_without_numbers_says_why() -> None:
    assert twyman(Effect("welch", "mean", reason="nobody")).reason == "nobody"
    assert twyman(Effect("welch", "mean", difference=1.0, se=0.1)).reason
    assert twyman(Effect("welch", "mean", difference=1.0, se=0.1), mde=0.5).pvalue is not None


# --- the metric's own past ---


def test_own_history_tolerates_a_small_drift_and_finds_a_large_one() -> None:
    rng, runs = np.random.default_rng(76), 500
    past = Histogram.of(FINE, rng.beta(6, 24, 20_000))
    same = [own_history(past, Histogram.of(FINE, rng.beta(6, 24, 2000))).pvalue for _ in range(runs)]
    drift = [own_history(past, Histogram.of(FINE, rng.beta(6.1, 24, 20_000))) for _ in range(20)]
    assert np.mean([p < 0.001 for p in same]) == 0  # type: ignore[operator]
    assert all(each.pvalue > 0.05 and each.statistic > 0.005 for each in drift)  # type: ignore[operator]
    assert distribution(past, Histogram.of(FINE, rng.beta(7, 24, 20_000))).pvalue < 0.001  # type: ignore[operator]
    assert own_history(past, Histogram.of(FINE, rng.beta(7, 24, 20_000))).pvalue < 0.001  # type: ignore[operator]


def test_own_history_at_its_limit_keeps_the_level() -> None:
    """Distribution functions exactly `tolerance` apart: the excess is a false alarm."""
    rng, runs, edges, found = np.random.default_rng(77), 2000, [0.0, 1.0, 2.0], []
    for _ in range(runs):
        before, now = rng.binomial(2000, 0.5), rng.binomial(2000, 0.55)
        arms = [Histogram(np.array(edges), np.array([n, 2000 - n], float)) for n in (before, now)]
        found.append(own_history(*arms).pvalue)
    assert np.mean([p < 0.05 for p in found]) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)  # type: ignore[operator]


def test_own_history_without_units() -> None:
    empty = Histogram.of(EDGES, [])
    assert own_history(empty, empty).reason
