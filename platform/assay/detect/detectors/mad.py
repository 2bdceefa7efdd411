"""Median and MAD of the same clock slot on the days before."""

from __future__ import annotations

import numpy as np
from scipy import special

from assay.detect.judgement import Expectation
from assay.detect.noise import least_noise, mad_scale, median
from assay.detect.registry import detector
from assay.detect.series import Bools, Floats, Slots, divide
from assay.errors import DefinitionsError


@detector
def mad(
    slots: Slots, *, threshold: float = 4.0, history: int = 30, min_history: int = 14, smoothing: int = 3
) -> Expectation:
    """Bounds = median ± threshold × 1.4826 MAD over the `history` days before the current one.

    The scale is never under the least noise of the metric's kind, and centre and scale are means over the last
    `smoothing` windows, each a day further back. With fewer than `min_history` values in the newest window a series
    learns, and so does a gauge that stays at 0. Counts are bounded by 0, shares by 0 and 1, gauges by nothing. Where a
    count of zero would be rarer than `threshold` standard deviations and never happened in the window, `low` is at
    least 1, so that silence is seen however wide the MAD is.

    Source: the case study's rule (rolling median ± k MAD, bounds smoothed by a trailing mean of 3); Leys et al. (2013),
    Detecting outliers, J. Exp. Soc. Psychology 49, 764-766. Raises DefinitionsError (E104) for impossible parameters.
    """
    _check(threshold, history, min_history, smoothing)
    windows = [_window(slots.values, history, lag) for lag in range(smoothing)]
    fits = [_fit(window, slots, min_history) for window in windows]
    expected, scale = _mean([centre for centre, _ in fits]), _mean([scale for _, scale in fits])
    expected = np.where(_filled(windows[0], min_history) & (scale > 0), expected, np.nan)
    low, high = expected - threshold * scale, expected + threshold * scale
    if slots.kind != "gauge":
        low = np.maximum(low, 0.0)
    if slots.kind == "count":
        low = np.where(_silence_is_news(windows[0], expected, threshold), np.maximum(low, 1.0), low)
    return Expectation(expected, scale, low, np.where(slots.shares, np.minimum(high, 1.0), high))


def _window(values: Floats, history: int, lag: int) -> Floats:
    """The `history` values before the one `lag` days ago, which is itself left out."""
    end = max(values.shape[1] - 1 - lag, 0)
    return values[:, max(end - history, 0) : end]


def _fit(window: Floats, slots: Slots, min_history: int) -> tuple[Floats, Floats]:
    centre = np.where(_filled(window, min_history), median(window), np.nan)
    return centre, np.maximum(mad_scale(window, centre), least_noise(centre, slots))


def _filled(window: Floats, min_history: int) -> Bools:
    enough: Bools = np.count_nonzero(~np.isnan(window), axis=1) >= min_history
    return enough


def _mean(columns: list[Floats]) -> Floats:
    """The mean over windows, without those that are too short; NaN when all are."""
    stacked = np.stack(columns)
    used = np.count_nonzero(~np.isnan(stacked), axis=0)
    return divide(np.nansum(stacked, axis=0), used.astype(np.float64))


def _silence_is_news(window: Floats, expected: Floats, threshold: float) -> Bools:
    """No zero yet, and a Poisson count is zero with probability exp(-expected) < Φ(-threshold)."""
    news: Bools = ~np.any(window == 0, axis=1) & (-expected < special.log_ndtr(-threshold))
    return news


def _check(threshold: float, history: int, min_history: int, smoothing: int) -> None:
    if threshold > 0 and 2 <= min_history <= history and smoothing >= 1:
        return
    raise DefinitionsError.of(
        "E104",
        f"The detector mad cannot use threshold {threshold}, history {history}, min_history {min_history}, "
        f"smoothing {smoothing}.",
        why="Bounds need a positive threshold, at least two points of history and at least one window.",
        fix="Keep threshold > 0, 2 <= min_history <= history and smoothing >= 1.",
    )
