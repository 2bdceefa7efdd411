"""Effects by slice and by day: Q and the trend against statsmodels, false alarms, planted differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as reference
from statsmodels.regression.linear_model import WLS
from statsmodels.stats.meta_analysis import combine_effects

from assay.errors import UsageError
from assay.stats import Effect, Interaction, MetricColumns, Moments, adjust, compare, heterogeneity, novelty


def effect(difference: float, se: float = 0.1, base: float = 1.0) -> Effect:
    reach = 1.959963984540054 * se / base
    relative = difference / base, difference / base - reach, difference / base + reach
    pvalue = 2 * float(reference.norm.sf(abs(difference) / se))
    return Effect("welch", "mean", base, base + difference, difference, se=se, pvalue=pvalue,
                  relative=relative[0], relative_low=relative[1], relative_high=relative[2])  # fmt: skip


def one(effects: dict[str, Effect], **more: object) -> Interaction:
    (found,) = heterogeneity({"os": effects}, **more)  # type: ignore[arg-type]
    return found


SLICES = {"ios": effect(0.1, 0.05), "android": effect(0.4, 0.1), "web": effect(0.15, 0.07), "tv": effect(0.2, 0.2)}


def test_q_agrees_with_statsmodels() -> None:
    differences, ses = zip(*((e.difference, e.se) for e in SLICES.values()), strict=True)
    theirs = combine_effects(np.array(differences), np.array(ses) ** 2)
    found = one(SLICES)
    assert found.statistic == pytest.approx(theirs.q, rel=1e-9)
    assert found.pvalue == pytest.approx(reference.chi2.sf(theirs.q, 3), rel=1e-9)
    assert found.inconsistency == pytest.approx(theirs.i2, rel=1e-9)
    assert found.odd == "android"


def test_two_slices_are_the_difference_of_their_effects() -> None:
    """New against existing users: Q is z² of the difference, and neither slice is the odd one."""
    found = one({"new": effect(0.5, 0.1), "existing": effect(0.1, 0.05)})
    z = 0.4 / np.hypot(0.1, 0.05)
    assert found.pvalue == pytest.approx(2 * reference.norm.sf(z), rel=1e-9)
    assert found.odd is None


def test_a_common_offset_changes_nothing() -> None:
    far = {name: effect(e.difference + 1e6, e.se) for name, e in SLICES.items()}  # type: ignore[operator, arg-type]
    assert one(far).statistic == pytest.approx(one(SLICES).statistic, rel=1e-6)


def test_dimensions_and_slices_are_corrected_as_two_families() -> None:
    rng = np.random.default_rng(60)
    dimensions = {
        name: {str(at): effect(float(rng.normal(0.1, 0.15)), 0.1) for at in range(size)}
        for name, size in (("os", 3), ("city", 5), ("source", 2))
    }
    found = heterogeneity(dimensions)
    assert [each.pvalue_adjusted for each in found] == list(adjust([each.pvalue for each in found], "bh"))
    own = [e.pvalue for slices in dimensions.values() for e in slices.values()]
    assert [s.pvalue_adjusted for each in found for s in each.slices] == list(adjust(own, "bh"))


def test_on_the_relative_scale_equal_lifts_are_equal() -> None:
    levels = {"small": effect(0.01, 0.001, base=0.1), "large": effect(1.0, 0.1, base=10.0)}
    assert one(levels).pvalue < 1e-6  # type: ignore[operator]
    assert one(levels, scale="relative").pvalue == pytest.approx(1.0)


def test_slices_without_an_effect_are_told_but_not_tested() -> None:
    nobody = Effect("welch", "mean", reason="the control has 0 units, at least 2 are needed")
    found = one({**SLICES, "watch": nobody})
    assert (len(found.slices), found.df) == (5, 3)
    assert found.slices[-1].effect.reason
    alone = one({"ios": effect(0.1), "watch": nobody})
    assert alone.pvalue is None
    assert alone.reason
    assert heterogeneity({}) == ()
    with pytest.raises(UsageError, match="correction"):
        one(SLICES, correction="bhh")


def sliced(rng: np.random.Generator, gains: dict[str, float], n: int = 400) -> dict[str, Effect]:
    metric, found = MetricColumns("x"), {}
    for at, (name, gain) in enumerate(gains.items()):
        control, treatment = (rng.exponential(1 + at / 4, (n, 1)) + shift for shift in (0.0, gain))
        found[name] = compare(metric, Moments.of(["x"], control), Moments.of(["x"], treatment))
    return found


def test_the_interaction_test_keeps_its_level_and_finds_a_planted_slice() -> None:
    rng, runs = np.random.default_rng(61), 1500
    same = [one(sliced(rng, {"a": 0.2, "b": 0.2, "c": 0.2})).pvalue for _ in range(runs)]
    assert reference.kstest(same, "uniform").pvalue > 0.001  # type: ignore[arg-type]
    planted = [one(sliced(rng, {"a": 0.0, "b": 0.0, "c": 0.8})) for _ in range(50)]
    assert sum(found.pvalue < 0.05 and found.odd == "c" for found in planted) >= 45  # type: ignore[operator]


# --- novelty ---

WEEK = [(float(day), 0.3 - 0.03 * day + wiggle, 0.02 + 0.01 * (day % 3))
        for day, wiggle in enumerate([0.01, -0.02, 0.015, 0.0, -0.01, 0.02, -0.015])]  # fmt: skip


def test_the_trend_is_weighted_least_squares() -> None:
    days, differences, ses = map(np.array, zip(*WEEK, strict=True))
    theirs = WLS(differences, np.column_stack([np.ones(7), days]), weights=ses**-2.0).fit(cov_type="fixed scale")
    found = novelty(WEEK)
    assert (found.slope, found.se) == pytest.approx((theirs.params[1], theirs.bse[1]), rel=1e-9)
    assert found.pvalue == pytest.approx(theirs.pvalues[1], rel=1e-9)
    assert (found.first, found.last) == pytest.approx(tuple(theirs.fittedvalues[[0, -1]]), rel=1e-9)


@pytest.mark.parametrize(("level", "slope", "fading"), [(0.3, -0.03, True), (0.3, 0.03, False), (-0.3, 0.03, True)])
def test_fading_is_towards_zero(level: float, slope: float, fading: bool) -> None:
    assert novelty([(day, level + slope * day, 0.01) for day in range(7)]).fading is fading


def test_without_a_trend_its_p_is_uniform() -> None:
    rng = np.random.default_rng(62)
    found = [novelty([(d, float(rng.normal(0.2, 1 + d)), 1.0 + d) for d in range(8)]).pvalue for _ in range(2000)]
    assert reference.kstest(found, "uniform").pvalue > 0.001  # type: ignore[arg-type]


def test_a_trend_needs_three_days() -> None:
    assert novelty([(1, 0.1, 0.1), (2, 0.1, 0.1)]).reason
    assert novelty([(1, 0.1, 0.1), (2, 0.1, 0.1), (2, 0.3, 0.1)]).reason
    assert novelty([(1, 0.1, 0.1), (2, 0.1, 0.0), (3, float("nan"), 0.1)]).reason
    assert novelty([]).reason
