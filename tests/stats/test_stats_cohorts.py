"""Expected curves: by hand, and by simulation of ordinary and of odd cohorts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from assay.stats.cohorts import WEEK, Curves, expected
from assay.stats.corrections import adjust

DAYS, WEEKS, LOOKED_AT = 30, 5, 26
FIRST = WEEK * WEEKS


def curves(rng: np.random.Generator, size: float, between: float = 0.0) -> Curves:
    """Ordinary cohorts: weekdays differ, users differ in loyalty, and `between` is the spread of cohorts (log)."""
    row = np.arange(FIRST + LOOKED_AT)
    weekend = row % WEEK < 2
    sizes = rng.poisson(size * np.where(weekend, 0.6, 1.0)) + 10
    day = np.arange(1, DAYS + 1)
    share = 0.095 + 0.295 * np.exp(-((day / 11.5) ** 1.3))
    level = np.where(weekend, 0.64, 1.0) * np.exp(rng.normal(0, between, len(row)))
    above = np.stack([_returns(rng, n, each * share) for n, each in zip(sizes, level, strict=True)])
    return Curves(above, np.repeat(sizes[:, None] + 0.0, DAYS, axis=1), share=True)


def _returns(rng: np.random.Generator, size: int, share: np.ndarray) -> np.ndarray:
    loyalty = rng.gamma(2, 0.5, size)
    chance = np.minimum(loyalty[:, None] * share, 0.95)
    return (rng.random((size, DAYS)) < chance).sum(axis=0) + 0.0


def judged(found: Curves) -> list[float]:
    results = [expected(found, at, WEEKS) for at in range(FIRST, FIRST + LOOKED_AT)]
    return [each.pvalue for each in results if each]


@pytest.mark.slow
@pytest.mark.parametrize(("size", "between"), [(12, 0.0), (60, 0.0), (60, 0.15)])
def test_ordinary_cohorts_are_rarely_flagged(size: int, between: float) -> None:
    """At most alpha for the whole matrix, and few days outside; also with one odd cohort among those before."""
    rng, runs = np.random.default_rng(31), 200
    flagged = outside = curves_seen = 0
    for run in range(runs):
        found = curves(rng, size, between)
        if run % 2:
            found.above[20] = found.above[20] // 6
        flagged += min(p for p in adjust(judged(found)) if p is not None) < 0.05
        for at in range(FIRST, FIRST + LOOKED_AT, 5):
            usual, share = expected(found, at, WEEKS), found.above[at] / found.below[at]
            assert usual is not None
            outside += bool(((share < usual.low) | (share > usual.high)).any())
            curves_seen += 1
    assert flagged <= binom.ppf(0.999, runs, 0.05)
    assert outside <= binom.ppf(0.999, curves_seen, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("size", [25, 200])
def test_a_cohort_that_leaves_is_flagged(size: int) -> None:
    rng, runs = np.random.default_rng(32), 30
    found_it = 0
    for _ in range(runs):
        found = curves(rng, size)
        found.above[40] = np.floor(found.above[40] / 6)
        found_it += adjust(judged(found))[40 - FIRST] < 0.05
    assert found_it >= 0.9 * runs


def _flat(rows: int, share: float = 0.25, size: float = 100.0) -> Curves:
    return Curves(np.full((rows, 3), share * size), np.full((rows, 3), size), share=True)


def test_equal_cohorts_have_binomial_noise() -> None:
    usual = expected(_flat(36), 35, WEEKS)
    assert usual is not None
    assert usual.cohorts == WEEKS
    assert usual.centre == pytest.approx([0.25] * 3)
    assert usual.pvalue == pytest.approx(1.0)
    wide = (usual.high - usual.low) / 2 / np.sqrt(0.25 * 0.75 / 100)
    assert (wide > 2.4).all()  # Bonferroni over three days
    assert (wide < 4).all()


def test_the_centre_is_the_median_of_the_same_weekday() -> None:
    found = _flat(36)
    for row, share in zip((28, 21, 14, 7, 0), (0.1, 0.2, 0.3, 0.4, 0.9), strict=True):
        found.above[row] = 100 * share
    usual = expected(found, 35, WEEKS)
    assert usual is not None
    assert usual.centre == pytest.approx([0.3] * 3)
    assert ((usual.low < 0.3) & (usual.high > 0.3)).all()


def test_days_that_are_not_known_are_not_judged() -> None:
    found = _flat(36)
    found.above[35, 2] = found.below[35, 2] = np.nan
    usual = expected(found, 35, WEEKS)
    assert usual is not None
    assert np.isnan(usual.low).tolist() == [False, False, True]


def test_too_little_to_say_anything() -> None:
    assert expected(_flat(14), 13, WEEKS) is None  # one cohort of the weekday
    assert expected(_flat(36, size=9), 35, WEEKS) is None
    found = _flat(36)
    found.below[35] = 0
    assert expected(found, 35, WEEKS) is None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_rates_are_compared_by_their_logarithm_where_they_are_positive(sign: float) -> None:
    rng = np.random.default_rng(33)
    values = sign * 5 * np.exp(rng.normal(0, 0.1, (36, 4)))
    usual = expected(Curves(values * 50, np.full((36, 4), 50.0), share=False), 35, WEEKS)
    assert usual is not None
    assert ((usual.low < values[35]) & (values[35] < usual.high)).all()
    assert (np.sign(usual.low) == sign).all()
    assert usual.pvalue > 0.01


def test_a_rate_that_never_moves_is_believed_to_one_percent() -> None:
    rates = Curves(np.full((36, 2), 500.0), np.full((36, 2), 100.0), share=False)
    rates.above[35] = 530.0
    usual = expected(rates, 35, WEEKS)
    assert usual is not None
    assert usual.pvalue < 0.01
