"""Thresholds that mean what they say: scores against a series' own past, and a threshold from a budget of alerts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from assay.detect.backtest import backtest
from assay.detect.policy import Policy
from assay.detect.scores import OK, Scores
from assay.detect.series import Floats, divide

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

    For every day, from the slots of the 2 × `days` days before it, and only where `days` of them are judged; before
    that, scores stay as they are. The tail beyond the 98 % point is exponential, and is compared with the same
    extrapolation of normal scores at the threshold's own rate, so that normal scores stay as they are. Excesses over
    five times their median are cut: past incidents are not noise.

    Peaks over threshold: Siffer et al. (2017), Anomaly detection in streams with extreme value theory, KDD, with the
    shape parameter 0.
    """
    size = np.where(scores.state == OK, np.abs(scores.score), np.nan)
    factor = np.ones(size.shape)
    for day in range(days, -(-size.shape[1] // per_day)):
        past = size[:, max(day - 2 * days, 0) * per_day : day * per_day]
        enough = np.count_nonzero(~np.isnan(past), axis=1) >= days * per_day * 0.9
        if enough.any():
            found = np.ones(len(size))
            found[enough] = _factor(past[enough], scores.threshold)
            factor[:, day * per_day : (day + 1) * per_day] = found[:, None]
    return scores.scaled(factor)


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
    limit = np.nanquantile(past, 1 - SHARE, axis=1, keepdims=True)
    excess = np.where(past > limit, past - limit, np.nan)
    typical = np.nanmedian(excess, axis=1, keepdims=True)
    cut = np.minimum(excess, 5 * typical)
    mean = divide(np.nansum(cut, axis=1), np.count_nonzero(~np.isnan(cut), axis=1).astype(np.float64))
    factor: Floats = np.clip((limit[:, 0] + beyond * mean) / usual, *LIMITS)
    return np.nan_to_num(factor, nan=1.0)


def _density(value: float) -> float:
    return float(np.exp(-(value**2) / 2) / np.sqrt(2 * np.pi))
