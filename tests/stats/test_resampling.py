"""Resampling against enumeration, theory and SciPy; tolerances are four or more Monte Carlo standard errors."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import combinations, product
from math import exp, factorial, prod

import numpy as np
import pytest
from scipy import stats as reference

from assay.stats import METHODS, Buckets, Derived, Effect, Estimand, MetricColumns, Moments, Samples, compare, stream
from assay.stats.bootstrapped import acceleration, observe
from assay.stats.percentile import Shape, interval, pvalue
from assay.stats.resample import resample, weighted_sums
from assay.stats.weights import SCHEMES, Scheme, assignment, multinomial, poisson, two_point

NAMES = ("likes", "views", "before")
MEAN, RATIO = MetricColumns("likes"), MetricColumns("likes", "views")
CUPED = MetricColumns("likes", numerator_covariate="before")
TOTAL = Derived(NAMES[:2], lambda m: m["likes"] + 0.2 * m["views"], lambda _: {"likes": 1.0, "views": 0.2})
BOOTSTRAPS = ("bootstrap", "bootstrap_bca", "poisson_bootstrap")
ALL = (*BOOTSTRAPS, "permutation")

every_method = pytest.mark.parametrize("test", ALL)
every_metric = pytest.mark.parametrize("metric", [MEAN, RATIO, CUPED, TOTAL], ids=["mean", "ratio", "cuped", "own"])
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def users(seed: int, n: int, lift: float = 0.0) -> Samples:
    rng = np.random.default_rng(seed)
    taste = rng.beta(15, 56, n)
    views = 1 + rng.poisson(rng.gamma(2.2, 30, n))
    likes = rng.binomial(views, np.clip(taste * (1 + lift), 0, 1))
    return Samples.of(NAMES, np.column_stack([likes, views, taste * views + rng.normal(0, 5, n)]))


def bucketed(samples: Samples, count: int) -> Buckets:
    of = stream(3, "buckets", samples.n).integers(0, count, samples.n)
    columns = [np.bincount(of, each, count) for each in (np.ones(samples.n), *samples.values.T)]
    return Buckets.of(samples.names, columns[0], np.column_stack(columns[1:]))


def run(
    test: str, metric: Estimand, control: Samples | Buckets, treatment: Samples | Buckets, **options: float
) -> Effect:
    return compare(metric, control, treatment, test=test, **{"seed": 7, **options})  # type: ignore[arg-type]


def known(value: float | None) -> float:
    assert value is not None
    return value


# The engine


def test_the_bootstrap_of_three_rows_has_the_law_of_all_27_resamples() -> None:
    values = [1.0, 2.0, 6.0]
    exact = Counter(sum(values[i] for i in picks) for picks in product(range(3), repeat=3))
    drawn = 3 * resample(Buckets.of(["x"], np.ones(3), values), 27_000, 1)[:, 0]
    found = Counter(drawn.round(9).tolist())
    assert set(found) == set(exact)
    assert reference.chisquare([found[total] for total in exact], [1000 * n for n in exact.values()]).pvalue > 0.001


def test_weights_have_the_moments_they_promise() -> None:
    many = {draw.__name__: draw(stream(1), 200, 5000) for draw in (multinomial, poisson, two_point)}
    for weights in many.values():
        centred = weights - 1
        # 1e6 weights: four standard errors of the mean, of the square (kurtosis up to 4) and of the cube.
        assert [(centred**power).mean() for power in (1, 2, 3)] == pytest.approx([0, 1, 1], abs=0.04)
    assert (many["multinomial"].sum(axis=1) == 5000).all()
    assert np.unique(many["two_point"]) == pytest.approx([(3 - 5**0.5) / 2, (3 + 5**0.5) / 2], abs=1e-4)
    counts = np.bincount(many["poisson"].ravel().astype(int), minlength=9)[:6] / 1e6
    assert counts == pytest.approx([exp(-1) / factorial(k) for k in range(6)], abs=0.002)
    deals = assignment(30)(stream(2), 100, 80)
    assert (deals.sum(axis=1) == 30).all()
    assert deals.mean(axis=0) == pytest.approx(np.full(80, 30 / 80), abs=0.2)


def test_rotated_weights_are_what_is_written_about_them() -> None:
    """The fast Fourier transform gives the sums that rotating the weights one place at a time gives."""
    columns = np.random.default_rng(1).normal(size=(1500, 2))
    found = weighted_sums(columns, poisson, 60, 5, "x")
    order = stream(5, "x", "order").permutation(1500)
    weights = poisson(stream(5, "x", 0), (1 << 16) // 1500, 1500)
    turns = 1500 // 64
    slow = [np.roll(weights[at // turns], -(at % turns)) @ columns[order] for at in range(60)]
    assert found == pytest.approx(np.array(slow), abs=1e-10)


@every_scheme
@pytest.mark.parametrize("n", [300, 5000])
def test_resampled_means_have_the_covariance_of_means(scheme: Scheme, n: int) -> None:
    table = users(2, n)
    means = resample(Buckets.single(table), 20_000, 3, scheme=scheme)
    error = np.sqrt(table.values.var(axis=0) / n)
    assert (means.mean(axis=0) - table.values.mean(axis=0)) / error == pytest.approx(np.zeros(3), abs=0.05)
    assert np.cov(means.T) / np.outer(error, error) == pytest.approx(np.corrcoef(table.values.T), abs=0.06)


def test_neighbouring_resamples_are_not_related_even_if_the_rows_are_sorted() -> None:
    rows = np.sort(np.random.default_rng(4).lognormal(size=20_000))
    means = resample(Buckets.of(["x"], np.ones(20_000), rows), 10_000, 5)[:, 0]
    lags = [np.corrcoef(means[:-lag], means[lag:])[0, 1] for lag in (1, 2, 3, 10, 100)]
    assert lags == pytest.approx(np.zeros(5), abs=4 * (10_000**-0.5 + 20_000**-0.5))


@pytest.mark.slow
def test_rotation_costs_no_precision() -> None:
    """The ends of intervals scatter over seeds as they do for independent weights."""
    values = np.random.default_rng(5).lognormal(size=(1100, 1))
    small, large = (Buckets.of(["x"], np.ones(n), values[:n]) for n in (1000, 1100))  # either side of the threshold
    ends = [
        np.array([np.quantile(resample(table, 2000, seed)[:, 0], [0.025, 0.975]) for seed in range(300)])
        for table in (small, large)
    ]
    spread = [
        part.std(axis=0) / table.sums.std() * len(table.units) ** 0.5
        for part, table in zip(ends, (small, large), strict=True)
    ]
    assert spread[1] / spread[0] == pytest.approx(np.ones(2), abs=0.125 + 4 / 300**0.5)


@pytest.mark.parametrize("n", [400, 3000])
def test_the_same_again_whatever_else_is_asked_for(n: int) -> None:
    table = Buckets.single(users(6, n))
    one = resample(table, 1000, 1, "a")
    assert (one == resample(table, 1000, 1, "a")).all()
    assert (one[:300] == resample(table, 300, 1, "a")).all()
    assert (one != resample(table, 1000, 2, "a")).any(axis=1).mean() > 0.99
    assert (one != resample(table, 1000, 1, "b")).any(axis=1).mean() > 0.99


@pytest.mark.slow
def test_the_number_of_threads_changes_nothing() -> None:
    code = (
        "import numpy as np; from assay.stats.resample import resample; from assay.stats import Buckets;"
        "rows = [Buckets.of(['x', 'y'], np.ones(n), np.arange(2.0 * n).reshape(n, 2) % 37) for n in (900, 5000)];"
        "print([resample(each, 2000, 1).round(12).tobytes().hex() for each in rows])"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "2")
    ]
    assert printed[0] == printed[1]


def test_a_large_offset_costs_no_digits() -> None:
    values = np.random.default_rng(7).normal(size=500)
    plain, moved = (resample(Buckets.of(["x"], np.ones(500), values + far), 500, 1)[:, 0] - far for far in (0, 1e9))
    assert moved == pytest.approx(plain, abs=1e-6)


@pytest.mark.slow
def test_a_million_rows_fit_into_300_megabytes() -> None:
    table = Buckets.of(["x", "y"], np.ones(1_000_000), np.random.default_rng(8).normal(size=(1_000_000, 2)))
    tracemalloc.start()
    resample(table, 2000, 1)
    assert tracemalloc.get_traced_memory()[1] < 300e6
    tracemalloc.stop()


# Intervals and p-values


@pytest.mark.parametrize("shape", [Shape(), Shape(0.1, 0.05), Shape(-0.2, -0.1)])
def test_p_is_the_smallest_alpha_whose_interval_leaves_out_zero(shape: Shape) -> None:
    for middle in (-2.5, -1.0, 0.3, 1.0, 2.5):
        values = np.random.default_rng(9).normal(middle, 1, 999)
        p = pvalue(values, shape)
        for alpha in (p * 1.000001, p * 0.999999, 0.05, 0.1, 0.5):
            if 0.02 < alpha < 1:
                low, high = interval(values, shape, alpha)
                assert (low * high > 0) == (p < alpha)


def test_a_percentile_interval_is_made_of_the_ranks_of_davison_and_hinkley() -> None:
    values = np.random.default_rng(10).permutation(np.arange(1.0, 10_000.0))
    # (R + 1) alpha / 2 = 250 exactly, where p = alpha is not below alpha: the next value outwards.
    assert interval(values, Shape(), 0.05) == (249.0, 9751.0)
    assert interval(values[values < 9999], Shape(), 0.05) == (249.0, 9750.0)


@every_method
@every_metric
def test_zero_is_left_out_exactly_when_p_is_below_alpha(test: str, metric: Estimand) -> None:
    for seed in range(6):
        control, treatment = users(seed, 60), users(seed + 100, 110, 0.1)
        p = known(run(test, metric, control, treatment, replicates=999).pvalue)
        for alpha in (0.05, p * 1.000001, p * 0.999999):
            effect = run(test, metric, control, treatment, replicates=999, alpha=min(alpha, 0.999))
            if effect.reason is None:  # else alpha is finer than 999 resamples resolve
                assert (known(effect.low) * known(effect.high) > 0) == (p < effect.alpha)
            else:
                assert p <= 0.0021
                assert "too few" in effect.reason or "needs at least" in effect.reason


@every_method
@every_metric
def test_swapped_variants_give_the_mirrored_answer(test: str, metric: Estimand) -> None:
    control, treatment = users(11, 200), users(12, 230, 0.05)
    there, back = (run(test, metric, *pair) for pair in ((control, treatment), (treatment, control)))
    assert (back.low, back.high) == (pytest.approx(-known(there.high)), pytest.approx(-known(there.low)))
    assert (back.pvalue, back.se) == pytest.approx((there.pvalue, there.se), rel=1e-9)
    same = run(test, metric, control, control)
    assert (same.difference, same.pvalue, same.relative) == (0.0, 1.0, 0.0)


@every_method
@every_metric
def test_methods_agree_with_the_delta_method_where_it_is_right(test: str, metric: Estimand) -> None:
    control, treatment = users(13, 4000), users(14, 3000, 0.02)
    ours, theirs = run(test, metric, control, treatment), run("delta", metric, control, treatment)
    assert (ours.difference, ours.control) == pytest.approx((theirs.difference, theirs.control), rel=1e-9)
    assert ours.se == pytest.approx(theirs.se, rel=0.04)
    width = known(theirs.high) - known(theirs.low)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.04 * width)
    assert (ours.relative_low, ours.relative_high) == pytest.approx(
        (theirs.relative_low, theirs.relative_high),
        abs=0.04 * (known(theirs.relative_high) - known(theirs.relative_low)),
    )
    assert (ours.variance_reduction or 0.0) == pytest.approx(theirs.variance_reduction or 0.0, rel=1e-9)
    assert ours.seed == 7


@every_method
def test_buckets_answer_like_units(test: str) -> None:
    control, treatment = users(15, 40_000), users(16, 40_000, 0.02)
    fine = run(test, RATIO, control, treatment)
    coarse = run(test, RATIO, bucketed(control, 2000), bucketed(treatment, 2000))
    # A variance from 2 × 2,000 buckets has a relative standard error of 1 / √2000, the width half of it, besides 1 % of
    # Monte Carlo error.
    slack = 4 * (0.5 / 2000**0.5 + 0.01) * known(fine.se)
    assert coarse.difference == pytest.approx(fine.difference, rel=1e-9)
    assert (coarse.low, coarse.high) == pytest.approx((fine.low, fine.high), abs=1.96 * slack)
    assert (coarse.n_control, coarse.n_treatment) == (40_000, 40_000)


@pytest.mark.parametrize(("test", "theirs"), [("bootstrap", "percentile"), ("bootstrap_bca", "BCa")])
@pytest.mark.parametrize("metric", [MEAN, RATIO], ids=["mean", "ratio"])
def test_intervals_are_scipys(test: str, theirs: str, metric: MetricColumns) -> None:
    control, treatment = users(17, 40), users(18, 30, 0.3)
    skewed = [Samples.of(NAMES, arm.values * [[1.0], [8.0]][0]) for arm in (control, treatment)]
    for arm in skewed:
        arm.values[0, 0] *= 6
    ours = run(test, metric, *skewed, replicates=40_000)

    def difference(one: np.ndarray, other: np.ndarray) -> float:
        return float(
            value(metric, skewed[1].values[other.astype(int)]) - value(metric, skewed[0].values[one.astype(int)])
        )

    found = reference.bootstrap(
        (np.arange(40), np.arange(30)), difference, n_resamples=8000, method=theirs, vectorized=False, rng=1
    )
    # The 2.5 % point of 8,000 resamples has a standard error of about 0.03 standard errors of the metric.
    slack = 4 * 0.035 * known(ours.se)
    assert (ours.low, ours.high) == pytest.approx(tuple(found.confidence_interval), abs=slack)
    assert ours.se == pytest.approx(found.standard_error, rel=4 * 0.012)


def value(metric: MetricColumns, rows: np.ndarray) -> float:
    likes, views, _ = rows.mean(axis=0)
    return float(likes / views if metric.denominator else likes)


def test_acceleration_of_a_mean_is_the_jackknifes() -> None:
    rng = np.random.default_rng(19)
    arms = [Samples.of(["likes"], rng.lognormal(size=(n, 1))) for n in (30, 50)]
    found = acceleration(observe(MEAN, *map(Buckets.single, arms))).difference
    without = [[np.delete(arm.values, i).mean() for i in range(arm.n)] for arm in arms]
    control, treatment = (np.mean(each) - np.array(each) for each in without)
    cubes, squares = (
        (treatment**p * 49**p / 50**p).sum() - (-1) ** (p + 1) * (control**p * 29**p / 30**p).sum() for p in (3, 2)
    )
    assert found == pytest.approx(cubes / (6 * (abs(squares)) ** 1.5), rel=1e-9)


def test_a_bca_interval_leans_to_the_long_tail() -> None:
    rng = np.random.default_rng(20)
    control, treatment = Samples.of(["x"], rng.normal(size=(400, 1))), Samples.of(["x"], rng.lognormal(0, 1.2, (40, 1)))
    plain, corrected = (run(test, MetricColumns("x"), control, treatment) for test in BOOTSTRAPS[:2])
    assert (plain.interval, corrected.interval) == ("percentile", "bca")
    assert known(corrected.low) > known(plain.low)
    assert known(corrected.high) > known(plain.high)


@pytest.mark.parametrize("metric", [MEAN, RATIO], ids=["mean", "ratio"])
def test_a_permutation_p_is_that_of_all_deals(metric: MetricColumns) -> None:
    rows = np.array([[1, 5, 0], [2, 6, 0], [2, 5, 0], [4, 9, 0], [5, 7, 0], [2, 5, 0], [6, 8, 0], [7, 9, 0]], float)
    observed, deals = (
        abs(welch(metric, rows, range(4))),
        [abs(welch(metric, rows, d)) for d in combinations(range(8), 4)],
    )
    exact = np.mean(np.array(deals) >= observed * (1 - 1e-9))
    found = run("permutation", metric, Samples.of(NAMES, rows[:4]), Samples.of(NAMES, rows[4:]), replicates=20_000)
    assert found.pvalue == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5)


def welch(metric: MetricColumns, rows: np.ndarray, first: range | tuple[int, ...]) -> float:
    """Welch's t on values linearised in each part."""
    parts = rows[list(first)], np.delete(rows, list(first), axis=0)
    if metric.denominator is None:
        return float(reference.ttest_ind(*(part[:, 0] for part in parts), equal_var=False).statistic)
    ratios = [part[:, 0].sum() / part[:, 1].sum() for part in parts]
    linear = [(part[:, 0] - r * part[:, 1]) / part[:, 1].mean() for part, r in zip(parts, ratios, strict=True)]
    spread = sum(each.var(ddof=1) / 4 for each in linear)
    return float((ratios[0] - ratios[1]) / spread**0.5)


def test_large_variants_are_dealt_in_groups_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    control, treatment = users(21, 9001), users(22, 6000, 0.02)
    single = run("permutation", RATIO, control, treatment)
    module = sys.modules[METHODS["permutation"].run.__module__]
    monkeypatch.setattr(module, "_ROWS", 5000)
    grouped = run("permutation", RATIO, control, treatment)
    assert grouped.difference == pytest.approx(single.difference, rel=1e-9)
    assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high), abs=0.25 * known(single.se))


# Metrics


def test_a_metric_that_takes_no_whole_columns_is_read_row_by_row() -> None:
    branching = Derived(
        ("likes", "views"),
        lambda m: m["likes"] + 0.2 * m["views"] if m["views"] > 0 else 0.0,
        lambda _: {"likes": 1.0, "views": 0.2},
    )
    arms = users(23, 100), users(24, 100)
    for test in ALL:
        one, other = (run(test, metric, *arms, replicates=300) for metric in (TOTAL, branching))
        assert (one.low, one.high, one.pvalue) == pytest.approx((other.low, other.high, other.pvalue), rel=1e-9)


def test_cuped_narrows_every_interval_and_keeps_the_question() -> None:
    arms = users(25, 1000), users(26, 1000, 0.1)
    for test in ALL:
        plain, adjusted = run(test, MEAN, *arms), run(test, CUPED, *arms)
        expected = (1 - known(adjusted.variance_reduction)) ** 0.5
        assert known(adjusted.se) / known(plain.se) == pytest.approx(expected, rel=0.05)
        assert known(plain.low) < known(adjusted.difference) < known(plain.high)


# Bad input


@every_method
def test_what_cannot_be_answered_is_told(test: str) -> None:
    fine, constant = users(27, 50), Samples.of(NAMES, np.ones((50, 3)))
    assert "no variation" in str(run(test, MEAN, constant, constant).reason)
    assert "needs at least" in str(run(test, MEAN, fine, fine, replicates=30).reason) or test == "permutation"
    assert "too few" in str(run(test, MEAN, fine, fine, replicates=10).reason) or test != "permutation"
    assert "sums to zero" in str(run(test, RATIO, Samples.of(NAMES, fine.values * [1, 0, 1]), fine).reason)
    huge = fine.values.copy()
    huge[0, 0] = 1e200
    assert "too large" in str(run(test, MEAN, Samples.of(NAMES, huge), fine).reason)
    lonely = Buckets.of(NAMES, [50.0], fine.values.sum(axis=0))
    assert "fewer than 2 buckets" in str(run(test, MEAN, lonely, Buckets.single(fine)).reason)


@every_method
@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_few_units_give_numbers_or_a_reason(test: str, n: int) -> None:
    for metric in (MEAN, RATIO, CUPED, TOTAL):
        effect = run(test, metric, users(28, n), users(29, n))
        assert (
            effect.reason
            or np.isfinite([known(getattr(effect, name)) for name in ("low", "high", "pvalue", "se")]).all()
        )


def test_resamples_without_a_denominator_are_left_out_while_they_are_rare() -> None:
    fine = users(30, 100)
    rare = Samples.of(
        NAMES, [[i % 3, float(i < 5), 0] for i in range(20)]
    )  # no 1 in 15^20 / 20^20 = 0.3 % of resamples
    effect = run("bootstrap", RATIO, rare, fine)
    assert "has no value in" in effect.warnings[0]
    lost = int(effect.warnings[0].split(" in ")[1].split()[0])
    assert lost == pytest.approx(10_000 * 0.75**20, abs=4 * (10_000 * 0.75**20) ** 0.5)
    often = Samples.of(NAMES, [[1, float(i < 1), 0] for i in range(20)])
    assert "has no value in" in str(run("bootstrap", RATIO, often, fine).reason)


def test_a_control_that_may_be_zero_has_a_lift_without_an_interval() -> None:
    rare, fine = Samples.of(["x"], [[float(i < 2)] for i in range(60)]), Samples.of(["x"], [[i % 2] for i in range(60)])
    for test in BOOTSTRAPS:
        effect = run(test, MetricColumns("x"), rare, fine)
        assert (effect.relative, effect.relative_low, effect.relative_high) == (pytest.approx(14.0), None, None)
        assert "may be zero" in effect.warnings[0]
    nothing = run("bootstrap", MetricColumns("x"), Samples.of(["x"], np.zeros((60, 1))), fine)
    assert (nothing.relative, nothing.relative_low) == (None, None)


# Calibration


@pytest.mark.slow
@every_method
@pytest.mark.parametrize("shape", ["normal", "binary", "ratio", "zeros"])
def test_p_is_uniform_without_an_effect_and_intervals_cover(test: str, shape: str) -> None:
    rng, runs = np.random.default_rng(31), 250  # tests/calibration does it on more shapes
    metric = RATIO if shape == "ratio" else MEAN
    effects = [run(test, metric, drawn(rng, shape), drawn(rng, shape), replicates=999, seed=at) for at in range(runs)]
    pvalues = np.array([known(effect.pvalue) for effect in effects])
    covered = np.mean([known(effect.low) <= 0 <= known(effect.high) for effect in effects])
    assert covered == pytest.approx(0.95, abs=4 * (0.05 * 0.95 / runs) ** 0.5)
    assert reference.kstest(pvalues, "uniform").pvalue > 0.001 or shape == "binary"  # whose p has few values


def drawn(rng: np.random.Generator, shape: str) -> Samples:
    likes = {
        "normal": lambda: rng.normal(10, 3, 300),
        "binary": lambda: rng.binomial(1, 0.2, 300),
        "zeros": lambda: rng.binomial(1, 0.3, 300) * rng.lognormal(0, 0.7, 300),
    }
    if shape == "ratio":
        return users(int(rng.integers(1 << 60)), 300)
    return Samples.of(("likes",), likes[shape]()[:, None])


@pytest.mark.slow
def test_a_permutation_test_of_unequal_buckets_keeps_its_level() -> None:
    rejected = 0
    for seed in range(500):
        arms = bucketed(users(2 * seed, 500), 64), bucketed(users(2 * seed + 1, 4500), 64)
        rejected += known(run("permutation", RATIO, *arms, replicates=499).pvalue) < 0.05
    assert rejected <= reference.binom.isf(0.0005, 500, 0.05)


def test_moments_of_buckets_of_one_unit_are_those_of_units() -> None:
    table = users(32, 100)
    found = observe(RATIO, Buckets.single(table), Buckets.single(table)).arms.control
    exact = compare(RATIO, Moments.of(NAMES, table.values), Moments.of(NAMES, table.values))
    assert (2 * found.variance) ** 0.5 == pytest.approx(exact.se, rel=1e-12)


def test_derived_covariates_are_used() -> None:
    metric = replace(TOTAL, covariates=("before",))
    effect = run("bootstrap", metric, users(33, 500), users(34, 500), replicates=999)
    assert 0 < known(effect.variance_reduction) < 1
    assert prod((known(effect.low), 1.0)) < known(effect.high)
