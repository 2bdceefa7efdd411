"""Cycles found in the data: a week, a three-day rhythm."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from assay.forecast.series import Floats

LONGEST = 14  # days; a longer cycle cannot be told from the level in a few months
LEAST_CYCLES = 3  # fewer repetitions than this prove nothing
EVIDENCE = 6.0  # difference of BIC that counts as strong: Kass and Raftery (1995), J. Am. Stat. Assoc. 90, 773-795


def seasons(values: Floats, most: int = 2) -> tuple[int, ...]:
    """The lengths of the cycles in `values`, the strongest first; () when there are none.

    One by one, the cycle that lowers the Bayesian information criterion of the values without their level the most is
    taken, as long as it does so by `EVIDENCE`; a week is tried first where it is good enough. `values`: float64, shape
    (days,), on the scale of the model, NaN for missing days.
    """
    rest, found = _without_outliers(detrended(values)), list[int]()
    for _ in range(most):
        gains = {each: _gain(rest, each) for each in _candidates(len(values), found)}
        best = max(gains, key=lambda each: gains[each], default=0)
        if not best or gains[best] < EVIDENCE:
            break
        if gains.get(7, 0.0) >= max(EVIDENCE, 0.5 * gains[best]):
            best = 7  # a fortnight repeats the week, and a day's wobble makes neighbours of 7 look alike
        found.append(best)
        rest = rest - pattern(rest, best, len(rest))
    return tuple(found)


def pattern(values: Floats, season: int, days: int, first: int = 0) -> Floats:
    """The mean course of a cycle, for `days` days from position `first` on, shape (days,); `values` without a level."""
    fitted = _design(np.arange(len(values)), season)
    known = ~np.isnan(values)
    effects = np.linalg.lstsq(fitted[known], values[known], rcond=None)[0]
    return np.asarray(_design(np.arange(first, first + days), season) @ effects)


def _candidates(days: int, found: Iterable[int]) -> list[int]:
    taken = set(found)
    possible = range(2, min(LONGEST, days // LEAST_CYCLES) + 1)
    return [each for each in possible if not any(each % other == 0 or other % each == 0 for other in taken)]


def _gain(values: Floats, season: int) -> float:
    """How far the BIC falls when the cycle is taken out."""
    known = ~np.isnan(values)
    days, rest = int(np.count_nonzero(known)), (values - pattern(values, season, len(values)))[known]
    before, after = float(np.mean(values[known] ** 2)), float(np.mean(rest**2))
    if before <= 0 or days <= 2 * season:
        return 0.0
    return float(days * np.log(before / max(after, 1e-9 * before)) - (season - 1) * np.log(days))


def _design(days: NDArray[np.int_], season: int) -> Floats:
    """Which position of the cycle a day has, shape (days, season); each row sums to 0."""
    return np.asarray((days[:, None] % season == np.arange(season)) - 1 / season, dtype=np.float64)


def detrended(values: Floats) -> Floats:
    """Without the level, which is a moving median of 15 days; shape (days,), NaN for missing days."""
    half = 7
    padded = np.pad(values, half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    filled = np.where(np.all(np.isnan(windows), axis=1, keepdims=True), 0.0, windows)
    return np.asarray(values - np.nanmedian(filled, axis=1))


def _without_outliers(rest: Floats) -> Floats:
    """Drawn in to 4 MAD around the median, with mean 0."""
    spread = 4 * 1.4826 * np.nanmedian(np.abs(rest - np.nanmedian(rest)))
    clipped = np.clip(rest, -spread, spread) if spread > 0 else rest
    return np.asarray(clipped - np.nanmean(clipped))
