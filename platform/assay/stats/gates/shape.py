"""How the metric is distributed over units: two groups, another shape, a wider spread, a drift from its own past."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import kolmogorov

from assay.errors import UsageError
from assay.stats.cuped import Estimate
from assay.stats.dip import dip, dip_pvalue
from assay.stats.histogram import Histogram
from assay.stats.welch_t import pvalue, satterthwaite


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
    return _farther_apart_than(0.0, control, treatment)


def own_history(before: Histogram, control: Histogram, tolerance: float = 0.05) -> Distribution:
    """Is the control still distributed as the same metric was before the start?

    No two weeks are alike, so the question is whether the distribution functions are more than `tolerance` apart: the
    Kolmogorov–Smirnov law is applied to what exceeds it. Units seen in both periods make the test conservative. Raises
    `UsageError` E601 if the edges differ.

    >>> edges = [0, 1, 2]
    >>> past = Histogram.of(edges, [0.5] * 900 + [1.5] * 100)
    >>> found = own_history(past, Histogram.of(edges, [0.5] * 700 + [1.5] * 300))
    >>> round(found.statistic, 2), found.at, found.pvalue < 0.001
    (0.2, 1.0, True)
    """
    return _farther_apart_than(tolerance, before, control)


def _farther_apart_than(tolerance: float, first: Histogram, second: Histogram) -> Distribution:
    if not np.array_equal(first.edges, second.edges):
        raise UsageError.of(
            "E601",
            "The histograms have different edges.",
            why="Two distributions are compared at the same values.",
            fix="Count both in one set of bins.",
        )
    if first.n == 0 or second.n == 0:
        return Distribution(reason="one of the two has no units")
    distances = np.abs(second.cumulative - first.cumulative)
    worst = int(distances.argmax())
    size = first.n * second.n / (first.n + second.n)
    statistic = float(distances[worst])
    excess = max(0.0, statistic - tolerance)
    return Distribution(float(kolmogorov(sqrt(size) * excess)), statistic, float(first.edges[worst]))


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
