"""Gates that ask whether an experiment may be believed at all: stability over days, crossovers, distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
from scipy.special import chdtrc, kolmogorov, ndtr

from assay.errors import UsageError
from assay.stats.cuped import Estimate
from assay.stats.dip import dip, dip_pvalue
from assay.stats.histogram import Histogram
from assay.stats.moments import Array
from assay.stats.welch_t import pvalue, satterthwaite


@dataclass(frozen=True, slots=True)
class Stability:
    """Is the effect the same every day? `odd` is the day that differs most from the rest, None if none stands out."""

    pvalue: float | None = None
    statistic: float | None = None
    df: int | None = None
    odd: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Crossovers:
    """Units that were seen in more than one variant; `share` is 0..1 of all units."""

    share: float | None = None
    acceptable: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Bimodality:
    """Dip of the treatment (and of the control). `modes` are the two peaks, in the metric's unit, left one first."""

    pvalue: float | None = None
    dip: float | None = None
    dip_control: float | None = None
    modes: tuple[float, float] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """Kolmogorov–Smirnov: the largest distance between two distribution functions (0..1), and at which value."""

    pvalue: float | None = None
    statistic: float | None = None
    at: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Brown–Forsythe: `ratio` is the treatment's mean distance from its median over the control's."""

    pvalue: float | None = None
    ratio: float | None = None
    reason: str | None = None


def day_stability(effects: Sequence[tuple[str, float, float]], alpha: float = 0.05) -> Stability:
    """Cochran's Q test (Cochran 1954) that (day, difference, se) share one difference.

    `odd` is named only if its leave-one-out difference is significant at `alpha` after Šidák over the days, and there
    are three or more. Days are treated as independent: users who return make the test a little conservative.

    >>> week = [("mon", -0.010, 0.002), ("tue", -0.011, 0.002), ("wed", -0.009, 0.002), ("thu", 0.005, 0.002)]
    >>> day_stability(week).odd
    'thu'
    """
    if len(effects) < 2:
        return Stability(reason="two days with an effect are needed")
    if not all(isfinite(difference) and isfinite(se) and se > 0 for _, difference, se in effects):
        return Stability(reason="one of the days has no standard error")
    values = np.array([difference for _, difference, _ in effects])
    weights = np.array([se**-2.0 for _, _, se in effects])
    mean = float(weights @ values / weights.sum())
    statistic = float(weights @ (values - mean) ** 2)
    df = len(effects) - 1
    odd = _odd_day(values, weights, alpha) if df > 1 else None
    return Stability(float(chdtrc(df, statistic)), statistic, df, None if odd is None else effects[odd][0])


def _odd_day(values: Array, weights: Array, alpha: float) -> int | None:
    """Each day against the weighted mean of the others: z² = (dᵢ − d̄₋ᵢ)² ÷ (1/wᵢ + 1/w₋ᵢ)."""
    rest = weights.sum() - weights
    others = (weights @ values - weights * values) / rest
    z = np.abs(values - others) / np.sqrt(1 / weights + 1 / rest)
    worst = int(z.argmax())
    pvalue = -np.expm1(len(z) * np.log1p(-2 * ndtr(-z[worst])))
    return worst if pvalue < alpha else None


def crossovers(n_crossed: int, n_total: int, tolerance: float = 0.001) -> Crossovers:
    """The share of units that changed variants, acceptable up to `tolerance`.

    A crossed unit dilutes the effect in proportion, so the limit is a share, not a test. Raises `UsageError` E601
    unless 0 ≤ n_crossed ≤ n_total.

    >>> crossovers(3, 20_000).acceptable
    True
    """
    if not 0 <= n_crossed <= n_total:
        raise UsageError.of(
            "E601",
            f"{n_crossed} crossed units of {n_total} is impossible.",
            why="Crossed units are part of all units.",
            fix="Count distinct units in both numbers.",
        )
    if n_total == 0:
        return Crossovers(reason="there are no units")
    share = n_crossed / n_total
    return Crossovers(share, share <= tolerance)


def bimodality(treatment: Histogram, control: Histogram | None = None) -> Bimodality:
    """Hartigan's dip test (Hartigan and Hartigan 1985): has the variant split its users into two groups?

    A metric may have two peaks anyway (many users at zero), which says nothing about the variant: if the control is
    given and is not unimodal itself (p < 0.05), only the dip in excess of the control's counts, over the effective size
    n·m ÷ (n + m), which keeps the level for two noisy dips.

    Rates such as likes ÷ views have spikes at simple fractions that a dip test takes for peaks: build them with
    `Histogram.of_ratios`, which spreads them out. Take 50 to 200 bins; the null law was drawn with 200.
    """
    if treatment.n < _LEAST or (control and control.n < _LEAST):
        return Bimodality(reason=f"fewer than {_LEAST} units have enough events to show a distribution")
    own, other = dip(treatment), dip(control) if control else None
    scaled = sqrt(treatment.n) * own
    if control and other and dip_pvalue(sqrt(control.n) * other) < 0.05:
        scaled = sqrt(treatment.n * control.n / (treatment.n + control.n)) * (own - other)
    return Bimodality(dip_pvalue(scaled), own, other, _modes(treatment))


_LEAST = 50  # below this the limit law of the dip does not hold


def _modes(histogram: Histogram) -> tuple[float, float] | None:
    """The peaks on both sides of the deepest valley of the smoothed histogram, None if there is no valley."""
    width = max(1, len(histogram.counts) // 20)
    heights = np.convolve(histogram.counts / np.diff(histogram.edges), np.ones(width) / width, mode="same")
    middles = (histogram.edges[1:] + histogram.edges[:-1]) / 2
    before, after = np.maximum.accumulate(heights), np.maximum.accumulate(heights[::-1])[::-1]
    depth = np.minimum(before, after) - heights
    valley = int(depth.argmax())
    if depth[valley] <= 0:
        return None
    left, right = heights[:valley].argmax(), valley + heights[valley:].argmax()
    return float(middles[left]), float(middles[right])


def distribution(control: Histogram, treatment: Histogram) -> Distribution:
    """Two-sample Kolmogorov–Smirnov on histograms with the same edges, with the limit law of Smirnov (1939).

    Binning can only hide a difference, so the test keeps its level. Raises `UsageError` E601 if the edges differ.
    """
    if not np.array_equal(control.edges, treatment.edges):
        raise UsageError.of(
            "E601",
            "The histograms have different edges.",
            why="Two distributions are compared at the same values.",
            fix="Count both variants in one set of bins.",
        )
    if control.n == 0 or treatment.n == 0:
        return Distribution(reason="one of the variants has no units")
    distances = np.abs(treatment.cumulative - control.cumulative)
    worst = int(distances.argmax())
    size = control.n * treatment.n / (control.n + treatment.n)
    statistic = float(distances[worst])
    return Distribution(float(kolmogorov(sqrt(size) * statistic)), statistic, float(control.edges[worst]))


def spread(control: Histogram, treatment: Histogram) -> Spread:
    """Is the treatment spread wider or narrower than the control? The test of Brown and Forsythe (1974).

    Welch's t test on distances from each arm's own median, so a shift of the whole distribution says nothing. A
    treatment that helps some users and harms others keeps its mean and widens.
    """
    if min(control.n, treatment.n) < _LEAST:
        return Spread(reason=f"fewer than {_LEAST} units have enough events to show a distribution")
    arms = [_distance(arm) for arm in (control, treatment)]
    total = arms[0].variance + arms[1].variance
    if total == 0 or arms[0].value == 0:
        return Spread(reason="one of the variants has no spread at all")
    t = (arms[1].value - arms[0].value) / sqrt(total)
    return Spread(pvalue(t, satterthwaite(*arms)), arms[1].value / arms[0].value)


def _distance(arm: Histogram) -> Estimate:
    """The mean distance of units from their median, with units in the middle of their bins."""
    middles = (arm.edges[1:] + arm.edges[:-1]) / 2
    median = float(np.interp(0.5, arm.cumulative, arm.edges))
    distances = np.abs(middles - median)
    mean = float(np.average(distances, weights=arm.counts))
    variance = float(np.average((distances - mean) ** 2, weights=arm.counts))
    return Estimate(mean, variance / (arm.n - 1), round(arm.n))
