"""The dip is the exact distance to unimodality, and its null law is the one in the table."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import binom

from assay.stats import Histogram
from assay.stats.dip import NULL_DIP, dip, dip_pvalue


def nearest_unimodal(histogram: Histogram) -> float:
    """The definition as linear programs: for each peak, slopes rise before it and fall after it."""
    return min(_distance(histogram, peak) for peak in range(len(histogram.counts)))


def _distance(histogram: Histogram, peak: int) -> float:
    """Variables: start, one slope per bin, distance. Minimise the distance at every edge."""
    bins, widths = len(histogram.counts), np.diff(histogram.edges)
    heights = np.hstack([np.ones((bins + 1, 1)), np.tril(np.tile(widths, (bins + 1, 1)), -1)])
    slack = np.ones((bins + 1, 1))
    within = np.vstack([np.hstack([heights, -slack]), np.hstack([-heights, -slack])])
    order = np.zeros((bins - 1, bins + 2))
    for i in range(bins - 1):
        sign = 1 if i < peak else -1
        order[i, [1 + i, 2 + i]] = sign, -sign
    bounds = [(None, None), *[(0, None)] * (bins + 1)]
    limits = np.concatenate([histogram.cumulative, -histogram.cumulative, np.zeros(bins - 1)])
    return float(linprog(np.eye(bins + 2)[-1], A_ub=np.vstack([within, order]), b_ub=limits, bounds=bounds).fun)


def test_equals_the_definition_solved_by_linear_programming() -> None:
    rng = np.random.default_rng(20)
    for _ in range(25):
        bins = int(rng.integers(3, 12))
        edges = np.concatenate([[0.0], np.cumsum(rng.uniform(0.2, 2, bins))])
        histogram = Histogram(edges, rng.integers(0, 30, bins) + np.eye(bins)[0])
        assert dip(histogram) == pytest.approx(nearest_unimodal(histogram), abs=1e-8)  # the solver's tolerance


def test_one_peak_has_no_dip_and_two_atoms_have_the_largest() -> None:
    edges = np.linspace(0, 1, 102)
    assert dip(Histogram(edges, np.bincount([50], minlength=101) + 0.0)) == 0.0
    assert dip(Histogram(edges, np.bincount([0, 100], minlength=101) + 0.0)) == pytest.approx(0.25, abs=0.01)


def test_the_table_is_the_law_under_the_uniform() -> None:
    rng = np.random.default_rng(21)
    edges, flat, n = np.linspace(0, 1, 201), np.full(200, 1 / 200), 1_000_000
    dips = [dip(Histogram(edges, rng.multinomial(n, flat) + 0.0)) * n**0.5 for _ in range(1500)]
    for value, tail in NULL_DIP:
        low, high = binom.interval(0.9999, 1500, tail)
        assert low <= sum(each >= value for each in dips) <= high


def test_the_pvalue_falls_with_the_dip_and_ends_with_the_table() -> None:
    pvalues = [dip_pvalue(x) for x in np.linspace(0, 2, 50)]
    assert pvalues == sorted(pvalues, reverse=True)
    assert (dip_pvalue(NULL_DIP[6][0]), dip_pvalue(9.0)) == (pytest.approx(0.05), pytest.approx(NULL_DIP[-1][1]))
