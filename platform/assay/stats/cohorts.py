"""Is a cohort like those of the same weekday before it? Expected curves with intervals, and a p-value per cohort.

A curve is told by its parts per day of life k, `above[c, k] / below[c, k]`: who came back over who could (a share), or
a sum over its number of members (a rate).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtr, stdtrit

from assay.stats.moments import Array

Flags = NDArray[np.bool_]
WEEK = 7
LEAST_SIZE = 10  # of the cohort and of those before, on the first day: fewer say nothing about their curve
LEAST = 3  # cohorts of the same weekday: the median of fewer is no centre
_SIGMA = 1.0484  # 1 / (√2 Φ⁻¹(3/4)): makes the median distance of two normal numbers their standard deviation
_EFFICIENCY = 0.4  # of the degrees of freedom of an ordinary pooled spread; found by simulation, see the tests
_STILL = 0.01  # share of its size to which a rate that never moves is believed: a convention


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Cohorts of consecutive days: float64 of shape (cohorts, days of life), NaN where a number is not known.

    With `share`, `above` counts some of `below`, so that values lie in 0..1.
    """

    above: Array
    below: Array
    share: bool


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What the `cohorts` before say about one cohort: `centre`, `low` and `high` have the shape (days of life,).

    `pvalue` is that of its curve as a whole, two-sided; `deviations` are the standardised ones of its days.
    """

    cohorts: int
    centre: Array
    low: Array
    high: Array
    deviations: Array
    pvalue: float


def expected(curves: Curves, at: int, weeks: int, alpha: float = 0.05) -> Expected | None:
    """Compare cohort `at` with those 7, 14, … 7 × `weeks` days before it; None with fewer than three, or ten members.

    Everything happens on the logit scale of a share and on the log scale of a positive rate. The centre is the median
    of the same weekday. The spread σ is the median distance between two cohorts of one weekday, over all weekdays of
    the weeks before, times 1.0484: robust like the centre, so that one odd cohort among them spoils nothing (Bickel,
    Lehmann, 1979, Descriptive statistics for nonparametric models IV; Rousseeuw, Croux, 1993, JASA 88, 1273-1283).
    A new observation lies around the centre with variance

        σ² (f + π / 2n),   f = max(1, typical size before / size of the cohort),

    where σ² π / 2n is that of the median of n normal numbers, f lets a smaller cohort be noisier, and σ² f is not less
    than the binomial noise of a share, 1 / (size p (1-p)) on the logit scale. Quantiles are Student's t with
    0.4 Σ (cohorts of a weekday - 1) degrees of freedom: what the robust spread is worth by simulation.

    Each interval is corrected for the days of the curve (Bonferroni): an ordinary curve lies inside everywhere with
    probability 1 - `alpha`. The curve as a whole is Σ above / Σ below over its known days: one test however many days.
    """
    known = np.isfinite(curves.above[at]) & (curves.below[at] > 0)
    same = [row for row in range(at - WEEK, at - WEEK * weeks - 1, -WEEK) if row >= 0]
    same = [row for row in same if _usable(curves, row, known)]
    if len(same) < LEAST or not known.any() or not _large(curves.below[:, known][:, 0], at, same):
        return None
    window = [row for row in range(max(0, at - WEEK * weeks), at) if _usable(curves, row, known)]
    pairs = _pairs(np.asarray(window))
    freedom = _EFFICIENCY * (len(window) - len({row % WEEK for row in window}))
    group = _Group(at, same, pairs, curves.share)
    days = group.compared(curves.above, curves.below)
    whole = group.compared(_sum(curves.above, known), _sum(curves.below, known))
    count = int(known.sum())
    low, high = days.interval(float(stdtrit(freedom, 1 - alpha / (2 * count))))
    pvalue = 2 * float(stdtr(freedom, -abs(whole.deviation[0])))
    centre, deviations = _only(known, days.centre), _only(known, days.deviation)
    return Expected(len(same), centre, _only(known, low), _only(known, high), deviations, pvalue)


def _usable(curves: Curves, row: int, known: Flags) -> bool:
    """Whether a cohort has members, and every day that is compared."""
    found = np.isfinite(curves.above[row, known]) & (curves.below[row, known] > 0)
    return bool(found.all())


def _large(sizes: Array, at: int, same: list[int]) -> bool:
    return min(float(sizes[at]), float(np.median(sizes[same]))) >= LEAST_SIZE


def _sum(parts: Array, known: Flags) -> Array:
    total: Array = parts[:, known].sum(axis=1, keepdims=True)
    return total


def _only(known: Flags, values: Array) -> Array:
    return np.where(known, values, np.nan)


def _pairs(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every two rows of one weekday."""
    left, right = np.triu_indices(len(rows), k=1)
    alike = (rows[left] - rows[right]) % WEEK == 0
    return rows[left[alike]], rows[right[alike]]


@dataclass(frozen=True, slots=True, eq=False)
class _Comparison:
    """On the scale of comparison, per column: `middle`, `sd` and the `deviation`; `size` turns a logit into a share."""

    centre: Array
    middle: Array
    sd: Array
    deviation: Array
    size: Array
    logs: Flags
    share: bool

    def interval(self, quantile: float) -> tuple[Array, Array]:
        return self._back(self.middle - quantile * self.sd), self._back(self.middle + quantile * self.sd)

    def _back(self, values: Array) -> Array:
        if self.share:
            found: Array = np.clip((expit(values) * (self.size + 1) - 0.5) / self.size, 0.0, 1.0)
            return found
        return np.where(self.logs, np.exp(np.where(self.logs, values, 0.0)), values)


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """A cohort, the same weekdays before it, and the pairs of rows that tell the spread."""

    at: int
    same: list[int]
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
    share: bool

    def compared(self, above: Array, below: Array) -> _Comparison:
        """`above` and `below` have the shape (cohorts, columns); a column that is not known gives NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._compared(above, below)

    def _compared(self, above: Array, below: Array) -> _Comparison:
        size, values = below[self.at], above / below
        centre: Array = np.median(values[self.same], axis=0)
        logs: Flags = np.all(values[[*self.same, *self.pairs[0], *self.pairs[1], self.at]] > 0, axis=0)
        scaled = _logit(above, below) if self.share else np.where(logs, np.log(values), values)
        # the share of the centre as a cohort of this size would show it
        middle = _logit(centre * size, size) if self.share else np.where(logs, np.log(centre), centre)
        least = self._least_noise(centre, size, logs)
        spread = _SIGMA * np.median(np.abs(scaled[self.pairs[0]] - scaled[self.pairs[1]]), axis=0)
        smaller = np.maximum(1.0, np.median(below[self.same], axis=0) / size)
        sd = np.sqrt(np.maximum(spread**2 * smaller, least**2) + spread**2 * pi / (2 * len(self.same)))
        return _Comparison(centre, middle, sd, (scaled[self.at] - middle) / sd, size, logs, self.share)

    def _least_noise(self, centre: Array, size: Array, logs: Flags) -> Array:
        """The standard deviation that any cohort has: binomial for a share (delta method), else 1 % of its size."""
        if self.share:
            p = (centre * size + 0.5) / (size + 1)
            noise: Array = 1 / np.sqrt(size * p * (1 - p))
            return noise
        return np.where(logs, _STILL, np.maximum(_STILL * np.abs(centre), np.finfo(float).tiny))


def _logit(above: Array, below: Array) -> Array:
    """The empirical logit, finite at 0 and 1. Source: Cox, Snell (1989), Analysis of binary data, 2.1.6."""
    found: Array = np.log((above + 0.5) / (below - above + 0.5))
    return found
