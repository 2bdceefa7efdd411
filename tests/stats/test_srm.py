"""Sample ratio mismatch against SciPy and the case study's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import adjust, srm, srm_slices


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


EVEN = {"a": 1.0, "b": 1.0}


def test_slices_are_tested_one_by_one_and_corrected_together() -> None:
    counts = {"mon": {"a": 500, "b": 520}, "tue": {"a": 800, "b": 600}, "wed": {"a": 100, "b": 90}}
    found = srm_slices(counts, EVEN)
    alone = [srm(each, EVEN).pvalue for each in counts.values()]
    assert [each.pvalue for each in found.slices] == alone
    assert [each.pvalue_adjusted for each in found.slices] == list(adjust(alone, "holm"))
    assert (found.worst, found.pvalue) == ("tue", min(adjust(alone, "holm")))  # type: ignore[type-var]


def test_small_slices_are_told_but_not_tested() -> None:
    found = srm_slices({"tv": {"a": 6, "b": 0}, "web": {"a": 50, "b": 50}, "none": {"a": 0, "b": 0}}, EVEN)
    assert [each.reason is None for each in found.slices] == [False, True, False]
    assert found.worst == "web"
    assert srm_slices({"tv": {"a": 1, "b": 0}}, EVEN).reason
    assert srm_slices({}, EVEN).reason
    with pytest.raises(UsageError):
        srm_slices({"web": {"a": 1}}, EVEN)


def test_slices_keep_their_level_and_the_planted_one_is_named() -> None:
    """Ten slices of 10 to 5,000 units with unequal weights; then one of them loses a tenth of an arm."""
    rng, runs, shares = np.random.default_rng(20), 2000, [0.5, 0.3, 0.2]
    weights = dict(zip("abc", shares, strict=True))
    sizes = [10, 30, 60, 100, 300, 500, 1000, 2000, 4000, 5000]

    def draw() -> dict[str, dict[str, int]]:
        return {str(n): dict(zip("abc", rng.multinomial(n, shares).tolist(), strict=True)) for n in sizes}

    clean = [srm_slices(draw(), weights).pvalue for _ in range(runs)]
    for alpha in (0.05, 0.001):
        assert np.mean([p < alpha for p in clean]) < alpha + 4 * np.sqrt(alpha / runs)  # type: ignore[operator]
    for _ in range(30):
        broken = draw()
        broken["4000"]["a"] = round(broken["4000"]["a"] * 0.8)
        found = srm_slices(broken, weights)
        assert found.worst == "4000"
        assert found.pvalue < 0.001  # type: ignore[operator]
