"""Sample ratio mismatch against SciPy and the case study's numbers."""

from __future__ import annotations

import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import srm


@pytest.mark.parametrize(
    ("counts", "weights"),
    [
        ({"a": 6548, "b": 6545}, {"a": 1, "b": 1}),
        ({"a": 9284, "b": 9123, "c": 9022, "d": 8947}, {"a": 1, "b": 1, "c": 1, "d": 1}),
        ({"a": 900, "b": 120}, {"a": 0.9, "b": 0.1}),
        ({"a": 10, "b": 0}, {"b": 1, "a": 1}),
    ],
)
def test_agrees_with_scipy(counts: dict[str, int], weights: dict[str, float]) -> None:
    result = srm(counts, weights)
    theirs = reference.chisquare(list(counts.values()), [result.expected[name] for name in counts])
    assert (result.statistic, result.pvalue) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)


def test_the_case_studys_four_groups() -> None:
    result = srm(dict(zip("abcd", (9284, 9123, 9022, 8947), strict=True)), dict.fromkeys("abcd", 1))
    assert (result.statistic, result.pvalue) == (pytest.approx(7.01, abs=0.005), pytest.approx(0.072, abs=5e-4))


def test_an_extreme_mismatch_keeps_its_relative_precision() -> None:
    result = srm({"control": 510_000, "treatment": 490_000}, {"control": 1, "treatment": 1})
    assert result.pvalue == pytest.approx(reference.chi2.sf(400, 1), rel=1e-9)
    assert result.pvalue == pytest.approx(5.5e-89, rel=0.01)


def test_no_units_give_a_reason() -> None:
    result = srm({"a": 0, "b": 0}, {"a": 1, "b": 1})
    assert result.pvalue is None
    assert result.reason


@pytest.mark.parametrize(
    ("counts", "weights"),
    [({"a": 1}, {"a": 1}), ({"a": 1, "b": 1}, {"a": 1}), ({"a": 1, "b": 1}, {"a": 1, "b": 0}),
     ({"a": -1, "b": 1}, {"a": 1, "b": 1})],
)  # fmt: skip
def test_counts_and_weights_must_fit(counts: dict[str, int], weights: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        srm(counts, weights)
