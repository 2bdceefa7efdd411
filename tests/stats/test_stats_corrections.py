"""Adjusted p-values: statsmodels' numbers, at any size of p."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from statsmodels.stats.multitest import fdrcorrection_twostage, multipletests

from assay.errors import UsageError
from assay.stats import CORRECTIONS, adjust
from assay.stats.corrections import adjusted_alpha

THEIRS = {
    "bonferroni": "bonferroni", "sidak": "sidak", "holm": "holm", "hochberg": "simes-hochberg",
    "hommel": "hommel", "bh": "fdr_bh", "by": "fdr_by",
}  # fmt: skip
families = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12)
every_correction = pytest.mark.parametrize("name", CORRECTIONS)


@pytest.mark.slow
@pytest.mark.parametrize(("ours", "theirs"), THEIRS.items())
def test_agrees_with_statsmodels(ours: str, theirs: str) -> None:
    for seed in range(20):
        pvalues = np.random.default_rng(seed).beta(0.3, 1, 15).tolist()
        assert adjust(pvalues, ours) == pytest.approx(multipletests(pvalues, method=theirs)[1], rel=1e-9)


@every_correction
@given(family=families)
def test_none_passes_through_and_does_not_count(name: str, family: list[float | None]) -> None:
    adjusted = adjust(family, name)
    assert [p is None for p in adjusted] == [p is None for p in family]
    assert tuple(p for p in adjusted if p is not None) == adjust([p for p in family if p is not None], name)


def test_two_stages_reject_what_statsmodels_rejects_at_every_level() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        pvalues = rng.beta(0.2 if seed % 2 else 0.6, 1, 1 + seed).tolist()
        adjusted = [p or 0.0 for p in adjust(pvalues, "bky")]
        for alpha in (0.01, 0.05, 0.2, 0.6):
            theirs = fdrcorrection_twostage(pvalues, alpha=alpha, method="bky", maxiter=1)[0]
            assert [p <= alpha for p in adjusted] == theirs.tolist()


def test_two_stages_by_hand() -> None:
    """BH at q' = q / (1 + q): the first is rejected, so that one is left, and the second stands against 2 q'."""
    assert adjust([0.001, 0.05], "bky") == pytest.approx((0.002 / 0.998, 0.025 / 0.975), rel=1e-12)


@every_correction
@given(family=families)
def test_adjusting_never_helps_and_keeps_the_order(name: str, family: list[float | None]) -> None:
    known = [p for p in family if p is not None]
    adjusted = [p for p in adjust(family, name) if p is not None]
    slack = 1 + 1e-12
    if name != "bky":  # where nearly everything is an effect, the second stage may ask less than alpha of the rest
        assert all(p <= q * slack <= slack for p, q in zip(known, adjusted, strict=True))
    ordered = [q for _, q in sorted(zip(known, adjusted, strict=True))]
    assert all(a <= b * slack for a, b in pairwise(ordered))


@every_correction
def test_tiny_pvalues_keep_their_relative_precision(name: str) -> None:
    factor = {"none": 1.0, "by": 2 * 1.5}.get(name, 2.0)
    assert adjust([1e-300, 0.9], name)[0] == pytest.approx(factor * 1e-300, rel=1e-12)


@every_correction
@given(family=families)
def test_an_interval_without_zero_means_a_rejection(name: str, family: list[float | None]) -> None:
    """An interval at level a excludes zero exactly when p < a."""
    levels = adjusted_alpha(family, name)
    assert len(levels) == len(family)
    for p, q, level in zip(family, adjust(family, name), levels, strict=True):
        assert 0 < level <= 0.05 * (1 + 1e-12)
        if p is not None and q is not None and abs(p - level) > 1e-12:
            assert p > level or q <= 0.05 * (1 + 1e-12)
            if name in ("none", "bonferroni", "sidak", "bh", "by"):
                assert p < level or q > 0.05 * (1 - 1e-12)


def test_levels_by_hand() -> None:
    family = [0.001, None, 0.01, 0.2, 0.9]  # four tests, of which BH rejects two
    assert adjusted_alpha(family, "bonferroni") == (0.0125,) * 5
    assert adjusted_alpha(family, "holm") == (0.0125,) * 5
    assert adjusted_alpha(family, "bh") == (0.025,) * 5
    assert adjusted_alpha(family, "none", 0.1) == (0.1,) * 5
    assert adjusted_alpha([0.5, 0.6], "bh") == (0.025,) * 2
    assert adjusted_alpha([0.5, 0.6], "sidak") == pytest.approx((1 - 0.95**0.5,) * 2, rel=1e-12)
    assert adjusted_alpha([], "bh") == ()


def test_false_coverage_rate_of_what_was_selected() -> None:
    """Benjamini and Yekutieli (2005): of the intervals of selected effects at most alpha miss on average."""
    rng = np.random.default_rng(60)
    missed = []
    for _ in range(1500):
        truth = np.repeat([0.0, 2.0, 4.0], [10, 6, 4])
        seen = truth + rng.standard_normal(20)
        pvalues = (2 * ndtr(-np.abs(seen))).tolist()
        level = adjusted_alpha(pvalues, "bh", 0.1)[0]
        chosen = np.array([q <= 0.1 for q in adjust(pvalues, "bh") if q is not None])
        outside = np.abs(seen - truth) > -ndtri(level / 2)
        missed.append((chosen & outside).sum() / max(chosen.sum(), 1))
    assert np.mean(missed) <= 0.1 + 4 * np.std(missed) / np.sqrt(1500)


def test_mistakes_are_told() -> None:
    with pytest.raises(UsageError, match="Did you mean 'holm'"):
        adjust([0.1], "holmes")
    with pytest.raises(UsageError, match="alpha is 5"):
        adjusted_alpha([0.1], "holm", 5)
    with pytest.raises(UsageError, match="outside"):
        adjust([float("nan")])
