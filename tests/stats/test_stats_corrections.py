"""Adjusted p-values: statsmodels' numbers, at any size of p."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from assay.errors import UsageError
from assay.stats import CORRECTIONS, adjust

THEIRS = {
    "bonferroni": "bonferroni", "sidak": "sidak", "holm": "holm", "hochberg": "simes-hochberg",
    "bh": "fdr_bh", "by": "fdr_by",
}  # fmt: skip
families = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12)
every_correction = pytest.mark.parametrize("name", CORRECTIONS)


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


@every_correction
@given(family=families)
def test_adjusting_never_helps_and_keeps_the_order(name: str, family: list[float | None]) -> None:
    known = [p for p in family if p is not None]
    adjusted = [p for p in adjust(family, name) if p is not None]
    slack = 1 + 1e-12
    assert all(p <= q * slack <= slack for p, q in zip(known, adjusted, strict=True))
    ordered = [q for _, q in sorted(zip(known, adjusted, strict=True))]
    assert all(a <= b * slack for a, b in pairwise(ordered))


@every_correction
def test_tiny_pvalues_keep_their_relative_precision(name: str) -> None:
    factor = {"none": 1.0, "by": 2 * 1.5}.get(name, 2.0)
    assert adjust([1e-300, 0.9], name)[0] == pytest.approx(factor * 1e-300, rel=1e-12)


def test_mistakes_are_told() -> None:
    with pytest.raises(UsageError, match="Did you mean 'holm'"):
        adjust([0.1], "holmes")
    with pytest.raises(UsageError, match="outside"):
        adjust([float("nan")])
