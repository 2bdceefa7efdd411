"""Median and MAD of the same clock slot on the days before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay.detect.history import History
from assay.detect.noise import least_noise, mad_scale, median, silence_is_news
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, linear
from assay.detect.series import Floats, divide
from assay.detect.windows import as_slots, filled, over_days, same_slot


@detector
def mad(
    data: History,
    newest: int,
    *,
    threshold: float = 4.0,
    history: int = 30,
    min_history: int = 14,
    smoothing: int = 3,
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
    if not (threshold > 0 and 2 <= min_history <= history and smoothing >= 1):
        raise refuse(
            "mad", "Bounds need a positive threshold, at least two points of history and at least one window.",
            "Keep threshold > 0, 2 <= min_history <= history and smoothing >= 1.",
            threshold=threshold, history=history, min_history=min_history, smoothing=smoothing,
        )  # fmt: skip
    days, first = same_slot(data, newest)

    def fit(window: Floats) -> list[Floats]:
        centre = np.where(filled(window, min_history), median(window), np.nan)
        return [centre, mad_scale(window, centre), np.any(window == 0, axis=-1).astype(np.float64)]

    fits = over_days(days, first - smoothing + 1, history, fit)
    judged = days.shape[1] - first
    centres, scales, zeros = (_lags(each, data, newest, judged) for each in fits)
    scales = [np.maximum(scale, least_noise(centre, data)) for centre, scale in zip(centres, scales, strict=True)]
    expected, scale = _mean(centres), _mean(scales)
    expected = np.where(~np.isnan(centres[0]) & (scale > 0), expected, np.nan)
    return _with_silence(data, linear(data, expected, scale, threshold), zeros[0])


def _lags(fits: Floats, data: History, newest: int, judged: int) -> list[Floats]:
    """The fits of the judged slots, then those of a day earlier, and so on; each of shape (series, newest)."""
    lags = range(fits.shape[1] - judged, -1, -1)
    return [as_slots(fits[:, start : start + judged], data, newest) for start in lags]


def _mean(columns: list[Floats]) -> Floats:
    """The mean over windows, without those that are too short; NaN when all are."""
    stacked = np.stack(columns)
    used = np.count_nonzero(~np.isnan(stacked), axis=0)
    return divide(np.nansum(stacked, axis=0), used.astype(np.float64))


def _with_silence(data: History, found: Expectation, zeros: Floats) -> Expectation:
    """A zero is beyond the threshold where it never happened and would be rarer than the threshold."""
    if data.kind != "count":
        return found
    news = (zeros == 0) & silence_is_news(found.expected, found.threshold)
    silent = news & (data.values[:, data.shape[1] - zeros.shape[1] :] == 0)
    score = np.where(silent, np.minimum(found.score, np.nextafter(-found.threshold, -np.inf)), found.score)
    return replace(found, score=score, low=np.where(news, np.maximum(found.low, 1.0), found.low))
