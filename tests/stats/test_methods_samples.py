"""Methods of samples and buckets: SciPy's numbers, brute force on small data, and units without a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import process_time

import numpy as np
import pytest
from scipy import stats as reference

from assay.stats import Buckets, Effect, MetricColumns, Samples, compare, ranks

MEAN = MetricColumns("likes")
RATIO = MetricColumns("likes", "views")
NAMES = ("likes", "views", "before")
RANKS = ("mann_whitney", "brunner_munzel", "ks")
COUNTS: Callable[[np.random.Generator, int], np.ndarray] = lambda rng, n: rng.poisson(3, n).astype(float)  # noqa: E731
SHAPES = [
    lambda rng, n: rng.gamma(2, 10, n),
    COUNTS,
    lambda rng, n: rng.integers(0, 2, n) * 0.1 + rng.integers(0, 4, n) * 0.3,
    lambda rng, n: 1e12 + rng.normal(size=n),
    lambda rng, n: rng.lognormal(0, 5, n),
]


def arm(rng: np.random.Generator, n: int, rate: float = 0.2, least: int = 0) -> Samples:
    views = least + rng.poisson(rng.gamma(0.7, 20, n))
    likes = rng.binomial(views, rate)
    return Samples.of(NAMES, np.column_stack([likes, views, likes + rng.poisson(3, n)]))


def column(values: np.ndarray) -> Samples:
    return Samples.of(["likes"], values[:, None])


@pytest.mark.parametrize("shape", SHAPES)
def test_rank_tests_are_scipys(shape: Callable[[np.random.Generator, int], np.ndarray]) -> None:
    rng = np.random.default_rng(30)
    before, after = shape(rng, 90), shape(rng, 110) + 0.25
    found = {test: compare(MEAN, column(before), column(after), test=test) for test in RANKS}
    u = reference.mannwhitneyu(after, before, method="asymptotic")
    assert found["mann_whitney"].pvalue == pytest.approx(u.pvalue, rel=1e-9)
    munzel = reference.brunnermunzel(before, after)
    assert found["brunner_munzel"].pvalue == pytest.approx(munzel.pvalue, rel=1e-9)
    assert found["brunner_munzel"].treatment == pytest.approx(u.statistic / 90 / 110, rel=1e-12)
    statistic = reference.ks_2samp(before, after).statistic
    assert abs(found["ks"].difference) == pytest.approx(statistic, rel=1e-12)  # type: ignore[arg-type]
    law = reference.kstwobign.sf(statistic * np.sqrt(90 * 110 / 200))
    assert found["ks"].pvalue == pytest.approx(law, rel=1e-9)
    assert found["ks"].pvalue >= reference.ks_2samp(before, after, method="exact").pvalue * 0.99


@pytest.mark.parametrize("shape", SHAPES)
def test_the_kth_difference_is_that_of_all_pairs(
    shape: Callable[[np.random.Generator, int], np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "_GATHERED", 50)  # so that small data takes the way of large data
    rng = np.random.default_rng(31)
    before, after = np.sort(shape(rng, 130)), np.sort(shape(rng, 170))
    pairs = np.sort(np.subtract.outer(after, before).ravel())
    rounding = 8 * np.finfo(float).eps * max(abs(before).max(), abs(after).max())
    for rank in (0, 1, *rng.integers(0, len(pairs), 40), len(pairs) - 1):
        assert ranks.kth_difference(before, after, int(rank)) == pytest.approx(pairs[rank], rel=0, abs=rounding)


def test_the_shift_is_hodges_and_lehmanns_and_its_interval_turns_the_test_round() -> None:
    rng = np.random.default_rng(32)
    before, after = rng.gamma(2, 10, 41), rng.gamma(2, 10, 38) + 4
    effect = compare(MEAN, column(before), column(after), test="mann_whitney")
    assert effect.difference == pytest.approx(np.median(np.subtract.outer(after, before)), rel=1e-12)
    assert effect.low is not None
    assert effect.high is not None
    for shift, kept in ((effect.low, False), (effect.low, True), (effect.high, True), (effect.high, False)):
        inside = 1e-9 if (shift == effect.low) == kept else -1e-9
        moved = reference.mannwhitneyu(after - shift - inside, before, method="asymptotic").pvalue
        assert (moved >= 0.05) == kept
    assert (effect.estimand, effect.relative) == ("shift", None)


def test_published_hodges_lehmann() -> None:
    """Hollander, Wolfe and Chicken (2014), §4.2: permeability of the membrane at term and before; shift −0.305."""
    term = np.array([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46])
    early = np.array([1.15, 0.88, 0.90, 0.74, 1.21])
    effect = compare(MEAN, column(term), column(early), test="mann_whitney")
    assert effect.difference == pytest.approx(-0.305, abs=1e-12)


@pytest.mark.slow
def test_a_million_units_take_seconds_and_no_matrix() -> None:
    rng = np.random.default_rng(33)
    before, after = (column(rng.gamma(2, 10, 1_000_000)) for _ in range(2))
    start = process_time()
    effect = compare(MEAN, before, after, test="mann_whitney")
    assert process_time() - start < 60
    assert abs(effect.difference) < 5 * effect.se  # type: ignore[arg-type, operator]


def test_user_mean_and_smoothed_are_welch_on_values_per_user() -> None:
    rng = np.random.default_rng(34)
    arms = arm(rng, 500), arm(rng, 520)
    total = sum(each.values.sum(axis=0) for each in arms)
    rows = [each.values[each.values[:, 1] > 0] for each in arms]
    missing = 1020 - sum(map(len, rows))
    assert missing > 0
    effect = compare(RATIO, *arms, test="user_mean")
    theirs = reference.ttest_ind(*(row[:, 0] / row[:, 1] for row in rows[::-1]), equal_var=False)
    assert (effect.pvalue, effect.df) == pytest.approx((theirs.pvalue, theirs.df), rel=1e-9)
    assert (effect.estimand, effect.n_control) == ("user mean", len(rows[0]))
    assert effect.warnings == (f"{missing} units have a denominator of zero, so no ratio, and are left out",)
    smooth = [(each.values[:, 0] + 5 * total[0] / total[1]) / (each.values[:, 1] + 5) for each in arms]
    effect = compare(RATIO, *arms, test="smoothed")
    theirs = reference.ttest_ind(*smooth[::-1], equal_var=False)
    assert (effect.pvalue, effect.df) == pytest.approx((theirs.pvalue, theirs.df), rel=1e-9)
    assert (effect.estimand, effect.n_control, effect.warnings) == ("smoothed user mean", 500, ())


@pytest.mark.parametrize("test", ["user_mean", "smoothed", "bucketed_t"])
def test_covariates_reduce_variance(test: str) -> None:
    rng = np.random.default_rng(35)
    taste = rng.beta(4, 16, 700)
    rows = np.column_stack([rng.binomial(40, taste), np.full(700, 40), rng.binomial(40, taste)])
    arms = Samples.of(NAMES, rows[:350]), Samples.of(NAMES, rows[350:])
    effect = compare(replace(RATIO, numerator_covariate="before"), *arms, test=test)
    raw = compare(RATIO, *arms, test=test)
    assert effect.variance_reduction == pytest.approx(1 - (effect.se / raw.se) ** 2, abs=5e-3)  # type: ignore[operator]
    assert effect.variance_reduction > 0.3  # type: ignore[operator]


def test_bucketed_t_is_welch_on_buckets() -> None:
    rng = np.random.default_rng(36)
    groups = [[arm(rng, 30).values for _ in range(count)] for count in (200, 220)]
    buckets = [Buckets.of(NAMES, [30] * len(g), [rows.sum(axis=0) for rows in g]) for g in groups]
    ratios = [np.array([rows[:, 0].sum() / rows[:, 1].sum() for rows in g]) for g in groups]
    effect = compare(RATIO, *buckets, test="bucketed_t")
    theirs = reference.ttest_ind(ratios[1], ratios[0], equal_var=False)
    assert (effect.pvalue, effect.df) == pytest.approx((theirs.pvalue, theirs.df), rel=1e-9)
    assert (effect.n_control, effect.n_treatment, effect.seed) == (6000, 6600, None)


def test_many_buckets_are_put_together_at_random_so_that_sorted_rows_do_no_harm() -> None:
    rng = np.random.default_rng(37)
    values = np.sort(rng.gamma(2, 10, 16_000))
    arms = Samples.of(["likes"], values[:, None]), Samples.of(["likes"], values[:, None] + 1)
    effect = compare(MEAN, *arms, test="bucketed_t", seed=5)
    assert effect.df == pytest.approx(798, abs=1)
    assert effect.se == pytest.approx(compare(MEAN, *arms).se, rel=0.1)  # 798 of freedom: 2.5 % per standard error
    assert (effect.seed, effect.difference) == (5, pytest.approx(1, rel=1e-9))
    assert compare(MEAN, *arms, test="bucketed_t", seed=5) == effect
    assert compare(MEAN, *arms, test="bucketed_t", seed=6).se != effect.se


@pytest.mark.slow
@pytest.mark.parametrize("test", [*RANKS, "user_mean", "smoothed", "bucketed_t"])
def test_pvalues_are_uniform_without_an_effect(test: str) -> None:
    """The law of Kolmogorov–Smirnov is conservative, so that its p-values may only be too large."""
    rng = np.random.default_rng(38)
    pvalues = [
        compare(RATIO, arm(rng, 90, least=1), arm(rng, 110, least=1), test=test).pvalue or 0.0 for _ in range(1000)
    ]
    alternative = "greater" if test == "ks" else "two-sided"
    assert reference.kstest(pvalues, "uniform", alternative=alternative).pvalue > 0.001
    low, high = reference.binom.interval(0.999, 1000, 0.05)
    assert (0 if test == "ks" else low) <= (np.array(pvalues) < 0.05).sum() <= high


@pytest.mark.parametrize("test", [*RANKS, "user_mean", "smoothed", "bucketed_t"])
def test_denominators_of_zero_are_told(test: str) -> None:
    rng = np.random.default_rng(39)
    nothing = Samples.of(NAMES, np.zeros((20, 3)))
    assert compare(RATIO, nothing, nothing, test=test).reason
    effect = compare(RATIO, nothing, arm(rng, 20, least=1), test=test)
    assert effect.reason or test == "smoothed"  # it gives everybody the common ratio
    some = Samples.of(NAMES, np.concatenate([nothing.values, arm(rng, 30, least=1).values]))
    effect = compare(RATIO, some, arm(rng, 30, least=1), test=test)
    assert effect.reason is None
    assert bool(effect.warnings) == (test != "smoothed")
    assert not effect.warnings or "20 " in effect.warnings[0]


def test_arms_that_do_not_overlap() -> None:
    low, high = column(np.arange(10.0)), column(np.arange(10.0) + 100)
    found: dict[str, Effect] = {test: compare(MEAN, low, high, test=test) for test in RANKS}
    assert "do not overlap" in str(found["brunner_munzel"].reason)
    assert found["ks"].difference == 1.0
    assert (found["mann_whitney"].difference, found["mann_whitney"].control) == (100.0, 4.5)
    few = compare(MEAN, column(np.arange(2.0)), column(np.arange(2.0)), test="mann_whitney")
    assert few.reason == "there are too few units for an interval at this level"
