"""Tests of two shares: SciPy's and statsmodels' p-values, published intervals, exact size by enumeration."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import optimize
from scipy import stats as reference
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from assay.stats import Effect, MetricColumns, Moments, compare

PROPORTIONS = ("proportion_z", "chi_square", "newcombe", "fisher", "barnard", "boschloo")
TABLES = [(48, 80, 56, 70), (3, 10, 9, 10), (0, 20, 10, 20), (0, 29, 5, 56), (12, 400, 31, 410), (1, 3, 1, 2)]
every_test = pytest.mark.parametrize("test", PROPORTIONS)
every_table = pytest.mark.parametrize("table", TABLES)
Table = tuple[int, int, int, int]  # hits and units of the control, then of the treatment


def binary(hits: int, n: int) -> Moments:
    """Built from its sums, at any size: Σ(x − p)² = n · p · (1 − p)."""
    return Moments(n, ("x",), np.array([float(hits)]), np.array([[hits * (n - hits) / n]]))


def answer(test: str, table: Table, alpha: float = 0.05) -> Effect:
    return compare(MetricColumns("x"), binary(*table[:2]), binary(*table[2:]), alpha, test=test)


@every_table
def test_pvalues_are_scipys_and_statsmodels(table: Table) -> None:
    before, n, after, m = table
    cells = np.array([[after, before], [m - after, n - before]])
    z = proportions_ztest([after, before], [m, n])[1]
    assert answer("proportion_z", table).pvalue == pytest.approx(z, rel=1e-9)
    chi = reference.chi2_contingency(cells, correction=False).pvalue
    assert answer("chi_square", table).pvalue == pytest.approx(chi, rel=1e-9)
    assert answer("fisher", table).pvalue == pytest.approx(reference.fisher_exact(cells).pvalue, rel=1e-9)
    if n * m < 10_000:
        assert answer("barnard", table).pvalue == pytest.approx(reference.barnard_exact(cells).pvalue, rel=1e-9)
        assert answer("boschloo", table).pvalue == pytest.approx(reference.boschloo_exact(cells).pvalue, rel=1e-9)


@every_table
def test_newcombe_is_statsmodels(table: Table) -> None:
    before, n, after, m = table
    theirs = confint_proportions_2indep(after, m, before, n, method="newcomb", alpha=0.1)
    for test in ("newcombe", "fisher"):
        effect = answer(test, table, 0.1)
        assert (effect.low, effect.high) == pytest.approx(theirs, rel=1e-9, abs=1e-12)
        assert effect.interval == "newcombe"


def test_published_intervals() -> None:
    """Newcombe (1998), table II, column (a), 56/70 − 48/80: methods 5 (Mee) and 10."""
    effect = answer("proportion_z", (48, 80, 56, 70))
    assert (effect.low, effect.high) == pytest.approx((0.0533, 0.3377), abs=5e-5)
    hybrid = answer("newcombe", (48, 80, 56, 70))
    assert (hybrid.low, hybrid.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@every_table
def test_the_score_interval_is_the_test_turned_round(table: Table) -> None:
    """With the likelihood maximised by a general optimiser instead of a formula."""
    before, n, after, m = table
    effect = answer("chi_square", table)

    def minus_log_likelihood(share: float, delta: float) -> float:
        parts = ((before, share), (n - before, 1 - share), (after, share + delta), (m - after, 1 - share - delta))
        return -sum(count * np.log(max(part, 1e-300)) for count, part in parts)

    for end in (effect.low, effect.high):
        assert end is not None
        bounds = max(0.0, -end), min(1.0, 1 - end)
        share = optimize.minimize_scalar(
            minus_log_likelihood, bounds, args=(end,), bounds=bounds, options={"xatol": 1e-12}
        ).x
        variance = share * (1 - share) / n + (share + end) * (1 - share - end) / m
        if abs(end) < 0.999:
            assert abs(effect.difference - end) / sqrt(variance) == pytest.approx(1.959964, abs=1e-4)  # type: ignore[operator]


@pytest.mark.parametrize("test", ["proportion_z", "chi_square", "newcombe"])
def test_extreme_pvalues_and_large_samples(test: str) -> None:
    """z = 28.3 of a million units each, and shares of one in a hundred thousand."""
    table = (490_000, 1_000_000, 510_000, 1_000_000)
    expected = proportions_ztest([510_000, 490_000], [1_000_000] * 2)[1]
    assert answer(test, table).pvalue == pytest.approx(expected, rel=0.15 if test == "newcombe" else 1e-9)
    assert 0 < answer(test, table).pvalue < 1e-170  # type: ignore[operator]
    rare = answer(test, (10, 1_000_000, 25, 1_000_000))
    assert rare.low > 0  # type: ignore[operator]
    assert rare.difference == pytest.approx(1.5e-5, rel=1e-12)


def test_newcombes_p_is_the_level_that_touches_zero() -> None:
    pvalue = answer("newcombe", (12, 40, 22, 44)).pvalue
    assert pvalue is not None
    assert answer("newcombe", (12, 40, 22, 44), pvalue).low == pytest.approx(0, abs=1e-12)


@every_test
def test_what_is_not_binary_is_told(test: str) -> None:
    rows = Moments.of(["x"], [[0.0], [1.0], [2.0], [1.0]])
    effect = compare(MetricColumns("x"), rows, rows, test=test)
    assert effect.reason == "the column 'x' is not 0 or 1 for every unit, as a test of proportions needs"
    million = Moments.of(["x"], np.r_[np.ones(500_000), np.zeros(499_999), 2.0][:, None])
    assert compare(MetricColumns("x"), million, million, test=test).reason


@every_test
def test_edges(test: str) -> None:
    for hits in (0, 20):
        assert "no variation" in str(answer(test, (hits, 20, hits, 20)).reason)
    apart = answer(test, (0, 20, 20, 20))
    assert (apart.difference, apart.relative) == (1.0, None)
    assert apart.pvalue < 1e-6  # type: ignore[operator]
    assert 0 < apart.low < 1  # type: ignore[operator]
    gone = answer(test, (20, 20, 0, 20))
    assert gone.relative_low < -1 < gone.relative_high  # type: ignore[operator]
    adjusted = compare(MetricColumns("x", None, "x"), binary(5, 20), binary(9, 20), test=test)
    assert adjusted.warnings == ("covariates are not used by this method",)


@pytest.mark.parametrize("test", ["barnard", "boschloo"])
def test_too_many_tables_are_told(test: str) -> None:
    assert "too many units" in str(answer(test, (10, 1000, 20, 1000)).reason)


@pytest.mark.slow
@pytest.mark.parametrize("test", ["fisher", "barnard", "boschloo"])
def test_exact_tests_keep_their_level_at_every_share(test: str) -> None:
    """All tables of 9 and 11 units: the chance of p ≤ 0.05 is at most 0.05, whatever the share."""
    n, m = 9, 11
    pvalues = np.ones((n + 1, m + 1))
    for before, after in np.ndindex(n + 1, m + 1):
        pvalues[before, after] = answer(test, (before, n, after, m)).pvalue or 1.0
    for share in np.linspace(0.01, 0.99, 49):
        chances = np.outer(reference.binom.pmf(range(n + 1), n, share), reference.binom.pmf(range(m + 1), m, share))
        assert chances[pvalues <= 0.05].sum() <= 0.05


@pytest.mark.parametrize("test", ["proportion_z", "newcombe"])
@pytest.mark.parametrize("shares", [(0.5, 0.6), (0.05, 0.1), (0.9, 0.97)])
def test_coverage_by_enumeration(test: str, shares: tuple[float, float]) -> None:
    """All tables of 25 and 30 units; score intervals cover 95 % up to what their discreteness allows."""
    n, m, gap = 25, 30, shares[1] - shares[0]
    chances = np.outer(*(reference.binom.pmf(range(k + 1), k, p) for k, p in zip((n, m), shares, strict=True)))
    covered = np.ones_like(chances, dtype=bool)
    for before, after in np.ndindex(n + 1, m + 1):
        effect = answer(test, (before, n, after, m))
        covered[before, after] = bool(effect.reason) or effect.low <= gap <= effect.high  # type: ignore[operator]
    assert 0.925 <= chances[covered].sum() <= 0.985
