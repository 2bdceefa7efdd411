"""Winsorising with a pooled threshold, and the test of spreads on samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import MetricColumns, Samples, compare
from assay.stats.levene import levene
from assay.stats.winsorize import winsorize


def test_the_threshold_is_pooled_and_cuts_both_arms() -> None:
    control = Samples.of(["x", "y"], [[float(i), 1.0] for i in range(10)])
    treatment = Samples.of(["x", "y"], [[100.0 + i, 1.0] for i in range(10)])
    cut = winsorize(control, treatment, 0.9, ["x"])
    assert cut.thresholds == {"x": 108.0}  # position 18 of 0..19
    assert cut.control.column("x").tolist() == control.column("x").tolist()
    assert cut.treatment.column("x").tolist() == [*range(100, 109), 108.0]
    assert winsorize(control, treatment, 0.9).thresholds == {"x": 108.0, "y": 1.0}
    assert treatment.column("x").max() == 109.0  # the original is as it was


def test_a_heavy_tail_is_read_more_precisely() -> None:
    rng = np.random.default_rng(40)
    arms = [Samples.of(["x"], rng.pareto(1.5, (2000, 1))) for _ in range(2)]
    cut = winsorize(arms[0], arms[1], 0.99)
    before, after = compare(MetricColumns("x"), *arms), compare(MetricColumns("x"), cut.control, cut.treatment)
    assert after.se < before.se  # type: ignore[operator]


def test_degenerate_values_stay_for_compare_to_tell() -> None:
    control = Samples.of(["x"], [[np.nan], [np.inf], [1.0], [2.0]])
    cut = winsorize(control, Samples.of(["x"], []), 0.5)
    assert cut.thresholds == {"x": 2.0}
    assert np.array_equal(cut.control.values, control.values, equal_nan=True)
    assert winsorize(Samples.of(["x"], []), Samples.of(["x"], []), 0.5).thresholds == {}
    with pytest.raises(UsageError, match="E601"):
        winsorize(control, control, 99)
    with pytest.raises(UsageError, match="E204"):
        winsorize(control, control, 0.99, ["z"])


def test_levene_is_scipys_around_medians() -> None:
    rng = np.random.default_rng(41)
    for scale in (1.0, 1.2, 3.0):
        control, treatment = rng.gamma(2, 1, 150), 5 + rng.gamma(2, scale, 170)
        found = levene(control, treatment)
        assert found.pvalue == pytest.approx(reference.levene(control, treatment, center="median").pvalue, rel=1e-9)
        assert found.ratio == pytest.approx(
            np.abs(treatment - np.median(treatment)).mean() / np.abs(control - np.median(control)).mean(), rel=1e-12
        )


@pytest.mark.parametrize("control", [[], [1.0], [1.0, np.nan], [1.0, np.inf], [3.0] * 9])
def test_levene_without_an_answer_says_why(control: list[float]) -> None:
    for treatment in ([2.0] * 5, [1.0, 5.0, 7.0, 20.0]):
        found = levene(control, treatment)
        assert found.reason
        assert (found.pvalue, found.ratio) == (None, None)
