"""Thresholds that mean what they say: scores against a series' own past, and a threshold from a budget of alerts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from assay.detect.backtest import backtest
from assay.detect.policy import Policy
from assay.detect.scores import OK, Scores
from assay.detect.series import Bools, Floats, divide

SHARE = 0.02  # of the past scores that make the tail
LIMITS = (0.8, 2.5)  # how far one series may move its own threshold
_HIGHEST, _STEP = 20.0, 0.05


@dataclass(frozen=True, slots=True)
class Tuned:
    """A threshold, and the fires per week of one series that a replay counts with it.

    `reached` is False when even the highest threshold fires more often than asked: then the rule needs another
    detector, a larger minimum change or a longer bucket.
    """

    threshold: float
    per_week: float
    reached: bool


def calibrated(scores: Scores, per_day: int, days: int = 28) -> Scores:
    """Scores divided by how much heavier the tail of the series' own past scores is than the normal one.

    For every day, by the `factors` of the days before it.
    """
    factor = np.ones(scores.shape)
    for day in range(days, -(-scores.shape[1] // per_day)):
        past = scores.slots(slice((day - days) * per_day, day * per_day))
        factor[:, day * per_day : (day + 1) * per_day] = factors(past, per_day, days)[:, None]
    return scores.scaled(factor)


def factors(past: Scores, per_day: int, days: int = 28) -> Floats:
    """How much heavier the tail of the scores of the last `days` days is than that of the normal, shape (series,).

    The tail beyond the 98 % point is exponential, and is compared with the same extrapolation of normal scores at the
    threshold's own rate, so that normal scores have the factor 1; so has a series of which fewer days are judged.
    Excesses over five times their median are cut: past incidents are not noise.

    Peaks over threshold: Siffer et al. (2017), Anomaly detection in streams with extreme value theory, KDD, with the
    shape parameter 0.
    """
    newest = past.newest(min(days * per_day, past.shape[1]))
    size = np.where(newest.state == OK, np.abs(newest.score), np.nan)
    enough = np.count_nonzero(~np.isnan(size), axis=1) >= days * per_day * 0.9
    found = np.ones(len(size))
    if enough.any():
        found[enough] = _factor(size[enough], past.threshold)
    return found


def tuned(scores: Scores, per_week: float, policy: Policy, per_day: int) -> Tuned:
    """The lowest threshold whose replay fires at most `per_week` times a week in one series.

    The whole lifecycle is replayed for each threshold tried, from 2 up in steps of 0.05, by bisection. Raises
    ValueError unless per_week is positive.
    """
    if not per_week > 0:
        raise ValueError("a budget is positive")
    grid = np.round(np.arange(2.0, _HIGHEST + _STEP, _STEP), 2)

    def fires(index: int) -> float:
        return backtest(scores.at(float(grid[index])), policy, per_day).per_week

    low, high = 0, len(grid) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fires(middle) <= per_week else (middle + 1, high)
    found = fires(low)
    return Tuned(float(grid[low]), found, found <= per_week)


def _factor(past: Floats, threshold: float) -> Floats:
    """The tail at the threshold's rate over that of normal scores, shape (series,)."""
    beyond = np.log(SHARE / (2 * special.ndtr(-threshold)))
    start = -special.ndtri(SHARE / 2)
    usual = start + beyond * (_density(start) / (SHARE / 2) - start)  # mean excess of the normal: its hazard's inverse
    limit, excess = _tail(past)
    flat: Bools = np.all(np.isnan(excess), axis=1)  # as many equal scores have no tail
    typical = np.nanmedian(np.where(flat[:, None], 0.0, excess), axis=1, keepdims=True)
    cut = np.minimum(excess, 5 * typical)
    mean = divide(np.nansum(cut, axis=1), np.count_nonzero(~np.isnan(cut), axis=1).astype(np.float64))
    factor: Floats = np.clip((limit[:, 0] + beyond * mean) / usual, *LIMITS)
    return np.where(flat, 1.0, np.nan_to_num(factor, nan=1.0))


def _tail(past: Floats) -> tuple[Floats, Floats]:
    """The 98 % point of each row, shape (series, 1), and by how much others exceed it, NaN where they do not.

    As `nanquantile`, but sorting only the largest values: of each day and series of a backtest.
    """
    place = np.maximum(np.count_nonzero(~np.isnan(past), axis=1) - 1, 0)[:, None] * SHARE
    many = min(int(past.shape[1] * SHARE) + 2, past.shape[1])
    largest = -np.sort(-np.partition(np.nan_to_num(past, nan=-1.0), -many, axis=1)[:, -many:], axis=1)
    first = np.floor(place).astype(np.intp)
    above, below = (np.take_along_axis(largest, np.minimum(each, many - 1), axis=1) for each in (first, first + 1))
    limit = above + (below - above) * (place - first)
    return limit, np.where(largest > limit, largest - limit, np.nan)


def _density(value: float) -> float:
    return float(np.exp(-(value**2) / 2) / np.sqrt(2 * np.pi))
