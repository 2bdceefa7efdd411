"""Quantiles: bootstrap ranks against enumeration, intervals against SciPy and theory, clusters by coverage."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from scipy import stats as reference

from assay.stats import Effect, Moments, Quantile, Samples, compare, stream
from assay.stats.cuped import Arms
from assay.stats.effect import NoAnswer
from assay.stats.quantiles import bootstrap_ranks, clustered_quantile, rank
from assay.stats.setting import Setting
from assay.stats.welch_t import welch_t

MEDIAN = Quantile("x", 0.5)


def samples(seed: int, n: int, shift: float = 0.0) -> Samples:
    return Samples.of(["x"], np.random.default_rng(seed).lognormal(1, 0.6, (n, 1)) + shift)


def run(metric: Quantile, control: Samples, treatment: Samples, test: str = "quantile", **options: float) -> Effect:
    return compare(metric, control, treatment, test=test, **{"seed": 7, **options})  # type: ignore[arg-type]


def known(value: float | None) -> float:
    assert value is not None
    return value


@pytest.mark.parametrize("level", [0.2, 0.5, 0.9])
def test_ranks_have_the_law_of_all_3125_resamples(level: float) -> None:
    k = rank(5, level)
    exact = Counter(sorted(picks)[k - 1] for picks in product(range(1, 6), repeat=5))
    found = Counter(bootstrap_ranks(5, level, 31_250, 1).tolist())
    assert reference.chisquare([found[at] for at in exact], [10 * n for n in exact.values()]).pvalue > 0.001


def test_a_quantile_is_an_order_statistic() -> None:
    values = np.random.default_rng(1).normal(size=997)
    for level in (0.001, 0.1, 0.5, 0.99, 0.9999):
        assert np.sort(values)[rank(997, level) - 1] == np.quantile(values, level, method="inverted_cdf")
    effect = run(Quantile("x", 0.9), samples(2, 500), samples(3, 700))
    assert effect.control == np.quantile(samples(2, 500).values, 0.9, method="inverted_cdf")
    assert effect.treatment == np.quantile(samples(3, 700).values, 0.9, method="inverted_cdf")


@pytest.mark.parametrize("level", [0.25, 0.5, 0.9])
def test_the_interval_is_scipys(level: float) -> None:
    control, treatment = samples(4, 301), samples(5, 401, 0.3)
    ours = run(Quantile("x", level), control, treatment, replicates=40_000)

    def difference(one: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
        cut = [np.quantile(each, level, axis=axis, method="inverted_cdf") for each in (one, other)]
        return np.asarray(cut[1] - cut[0])

    columns = control.column("x"), treatment.column("x")
    found = reference.bootstrap(columns, difference, n_resamples=8000, method="percentile", rng=1)
    slack = 4 * 0.035 * known(ours.se)
    assert (ours.low, ours.high) == pytest.approx(tuple(found.confidence_interval), abs=slack)
    assert ours.se == pytest.approx(found.standard_error, rel=0.05)


def test_the_error_of_a_large_median_is_the_theorys() -> None:
    control, treatment = (Samples.of(["x"], np.random.default_rng(seed).normal(size=(400_000, 1))) for seed in (6, 7))
    effect = run(MEDIAN, control, treatment)
    # √(π / 2n) for each arm. The bootstrap's own error of a quantile's spread is of order n^-1/4.
    assert effect.se == pytest.approx((np.pi / 400_000) ** 0.5, rel=0.06)
    assert (effect.interval, effect.n_control, effect.seed) == ("percentile", 400_000, 7)


def test_swapped_variants_give_the_mirrored_answer_and_p_is_that_of_the_interval() -> None:
    control, treatment = samples(8, 200), samples(9, 260, 0.2)
    there, back = run(MEDIAN, control, treatment), run(MEDIAN, treatment, control)
    assert (back.low, back.high, back.pvalue) == (-known(there.high), -known(there.low), there.pvalue)
    assert run(MEDIAN, control, control).pvalue == 1.0
    assert there == run(MEDIAN, control, treatment)
    p = known(there.pvalue)
    for alpha in (p * 1.000001, p * 0.999999, 0.05):
        effect = run(MEDIAN, control, treatment, alpha=alpha)
        assert (known(effect.low) * known(effect.high) > 0) == (p < alpha)


def test_other_methods_hand_quantiles_over() -> None:
    for test in ("welch", "delta", "bootstrap", "bootstrap_bca", "poisson_bootstrap", "permutation"):
        assert run(MEDIAN, samples(10, 50), samples(11, 50), test=test).method == "quantile"


def test_what_cannot_be_answered_is_told() -> None:
    fine, coarse = samples(12, 50), Samples.of(["x"], np.repeat([1.0, 2.0, 3.0], [10, 1000, 10])[:, None])
    assert "same difference" in str(run(MEDIAN, coarse, coarse).reason)
    assert "holds missing" in str(run(MEDIAN, Samples.of(["x"], [[np.nan], [1.0], [2.0]]), fine).reason)
    assert "needs at least 40 resamples" in str(run(MEDIAN, fine, fine, replicates=20).reason)
    few = run(MEDIAN, Samples.of(["x"], [[1.0], [2.0]]), Samples.of(["x"], [[3.0], [5.0]]))
    assert (few.low, few.high, few.difference) == (1.0, 4.0, 2.0)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_p_is_uniform_without_an_effect(level: float) -> None:
    pairs = ((samples(2 * seed, 401), samples(2 * seed + 1, 451)) for seed in range(2000))
    pvalues = np.array([known(run(Quantile("x", level), *pair, replicates=999).pvalue) for pair in pairs])
    assert reference.kstest(pvalues, "uniform").pvalue > 0.001
    low, high = reference.binom.interval(0.999, 2000, 0.05)
    assert low <= (pvalues < 0.05).sum() <= high


# Several values per unit


def events(seed: int, users: int) -> tuple[np.ndarray, np.ndarray]:
    """Latencies of events: a level per user, so that events of a user are alike."""
    rng = stream(seed, "events")
    unit = np.repeat(np.arange(users), 1 + rng.poisson(9, users))
    return rng.lognormal(rng.normal(5, 0.5, users)[unit], 0.5), unit


def test_clusters_of_one_value_give_the_binomial_interval() -> None:
    values = np.random.default_rng(13).normal(size=10_000)
    found = clustered_quantile(values, np.arange(10_000), 0.5)
    assert (found.value, found.n) == (np.sort(values)[4999], 10_000)
    reach = 1.959964 * (0.25 / 9999) ** 0.5
    ranks = 10_000 * (0.5 - reach), 10_000 * (0.5 + reach)
    width = np.diff(np.sort(values)[np.array([np.floor(ranks[0]), np.ceil(ranks[1])], int) - 1])[0]
    assert found.variance == pytest.approx((width / 2 / 1.959964) ** 2, rel=1e-6)


def test_repeating_every_value_adds_no_information() -> None:
    values, units = events(14, 500)
    once, thrice = (
        clustered_quantile(values, units, 0.9),
        clustered_quantile(np.tile(values, 3), np.tile(units, 3), 0.9),
    )
    assert thrice.variance == pytest.approx(once.variance, rel=0.05)
    assert once.variance > 2 * clustered_quantile(values, np.arange(len(values)), 0.9).variance


@pytest.mark.parametrize(
    ("values", "units", "why"),
    [
        ([], [], "no values"),
        ([1.0, np.nan], [1, 2], "missing"),
        ([1.0, 2.0], [1, 1], "2 units"),
        ([3.0] * 9, range(9), "the same"),
    ],
)
def test_clusters_without_an_answer_say_why(values: list[float], units: list[int], why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        clustered_quantile(values, list(units), 0.5)


@pytest.mark.slow
def test_clustered_quantiles_cover_as_often_as_they_say_and_plain_ones_do_not() -> None:
    clustered = plain = 0
    for seed in range(500):
        pairs = [events(2 * seed + arm, 300) for arm in (0, 1)]
        found = Arms(*(clustered_quantile(*pair, 0.75) for pair in pairs))
        clustered += known(welch_t("clustered", "quantile", found, Setting()).pvalue) < 0.05
        ignoring = Arms(*(clustered_quantile(values, np.arange(len(values)), 0.75) for values, _ in pairs))
        plain += known(welch_t("plain", "quantile", ignoring, Setting()).pvalue) < 0.05
    low, high = reference.binom.interval(0.999, 500, 0.05)
    assert low <= clustered <= high
    assert plain > 2 * high


def test_moments_cannot_be_ordered() -> None:
    from assay.errors import UsageError

    values = samples(15, 20)
    with pytest.raises(UsageError, match="needs samples"):
        compare(MEDIAN, Moments.of(["x"], values.values), Moments.of(["x"], values.values))
