"""The level within a day: an exponentially weighted mean that follows what is ordinary and stands still otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.detect.noise import anscombe, variance
from assay.detect.season import Setting
from assay.detect.series import Bools, Floats, Kind, divide


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The slots through which levels pass; shape (slots, series, runs), with time first and independent runs last.

    `value`: NaN for no row. `trials`: the sample behind it, 1 except for ratios. `weight`: how much the level learns
    from it, 0 for nothing. `shape`: the season, NaN while learning. `noise`: variance over that of counting.
    `shares`: shape (series, 1).
    """

    value: Floats
    trials: Floats
    weight: Floats
    shape: Floats
    noise: Floats
    kind: Kind
    shares: Bools

    def judged(self, slot: int, level: Floats) -> tuple[Floats, Floats, Floats]:
        """Expected value, sigma and score of one slot."""
        trials, value = self.trials[slot], self.value[slot]
        expected = self.shape[slot] + level if self.kind == "gauge" else self.shape[slot] * level
        counting = variance(expected * trials, trials, self.kind, self.shares)
        sigma = np.sqrt(self.noise[slot] * counting) / trials
        score = anscombe(value, expected, sigma) if self.kind == "count" else (value - expected) / sigma
        return expected, sigma, score

    def reading(self, slot: int, value: Floats) -> Floats:
        """The level that a value speaks for; NaN where its season is 0."""
        return value - self.shape[slot] if self.kind == "gauge" else divide(value, self.shape[slot])


def follow(course: Course, start: Floats, setting: Setting, day: int) -> tuple[Floats, Floats, Floats]:
    """Expected values, sigmas and scores of every slot, each from what lies before it; shaped as the course.

    The level is Σ λ^j w x / Σ λ^j w: robust exponential smoothing with residuals cut at `clip` standard deviations
    (Gelper, Fried, Croux (2010), Robust forecasting with exponential and Holt-Winters smoothing, J. Forecasting 29,
    285-300). From `freeze` on it stands still, until the score is under half of that: an incident is no level. After a
    `day` of slots it is one, and is followed as it comes; silence never is.
    """
    steady = 1 / (1 - setting.memory)
    usual = course.weight[:-day].mean(axis=0) if course.kind == "ratio" else 1.0
    below = np.broadcast_to(np.maximum(usual, 1.0) * steady, start.shape)
    above, held = start * below, np.zeros(start.shape)
    found = [np.empty(course.value.shape) for _ in range(3)]
    for slot in range(len(course.value)):
        expected, sigma, score = course.judged(slot, above / below)
        for array, each in zip(found, (expected, sigma, score), strict=True):
            array[slot] = each
        held = _held(held, score, course.value[slot], setting, day, silence=course.kind == "count")
        reach = np.where(held > day, np.inf, setting.clip * sigma)
        reading = course.reading(slot, np.clip(course.value[slot], expected - reach, expected + reach))
        weight = np.where((held == 0) | (held > day), course.weight[slot], 0.0)
        used = (weight > 0) & np.isfinite(reading)
        above = np.where(used, setting.memory * above + weight * reading, above)
        below = np.where(used, setting.memory * below + weight, below)
    return found[0], found[1], found[2]


def _held(held: Floats, score: Floats, value: Floats, setting: Setting, day: int, silence: bool) -> Floats:
    """For how many slots the level has stood still; 0 when it moves."""
    size = np.abs(score)
    far = size > np.where(held > 0, setting.freeze / 2, setting.freeze)
    longer = np.where(far, held + 1, 0.0)
    if silence:
        longer = np.where(far & (value == 0), np.minimum(longer, day), longer)
    return np.where(np.isnan(score), held, longer)
