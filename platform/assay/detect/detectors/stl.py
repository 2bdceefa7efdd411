"""Residuals of a seasonal decomposition."""

from __future__ import annotations

import numpy as np

from assay.detect.history import WEEK, History, by_day
from assay.detect.noise import NORMAL, least_noise
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, linear
from assay.detect.series import Floats


@detector
def stl(data: History, newest: int, *, threshold: float = 4.0, history: int = 28, min_history: int = 14) -> Expectation:
    """Trend + season of the `history` days before today, carried on for today, ± threshold × the residuals' MAD.

    The season is a day, or a week for one slot a day. Gaps are filled with the same slot of the day before. A series
    is decomposed by itself, once for every judged day: for tens of series, not for thousands. Source: Cleveland et al.
    (1990), STL, J. Official Statistics 6, 3-73, as in statsmodels, with robust weights. Raises DefinitionsError (E104)
    for impossible parameters.
    """
    if not (threshold > 0 and 14 <= min_history <= history):
        raise refuse(
            "stl", "A decomposition needs two weeks.", "Keep threshold > 0 and 14 <= min_history <= history.",
            threshold=threshold, history=history, min_history=min_history,
        )  # fmt: skip
    days = by_day(data.baseline, data.per_day)
    first = (data.shape[1] - newest) // data.per_day
    expected, sigma = (np.full((data.shape[0], days.shape[1] - first, data.per_day), np.nan) for _ in range(2))
    for day in range(max(first, min_history), days.shape[1]):
        for row in range(data.shape[0]):
            found = _carried_on(days[row, max(day - history, 0) : day], min_history)
            if found is not None:
                expected[row, day - first], sigma[row, day - first] = found
    end = data.shape[1] - first * data.per_day
    expected, sigma = (each.reshape(len(each), -1)[:, end - newest : end] for each in (expected, sigma))
    if data.kind != "gauge":
        expected = np.maximum(expected, 0.0)
    return linear(data, expected, np.maximum(sigma, least_noise(expected, data)), threshold)


def _carried_on(days: Floats, least: int) -> tuple[Floats, float] | None:
    """Expected slots of the next day and the scale of the residuals; None while learning."""
    from statsmodels.tsa.seasonal import STL  # a second, and only this detector needs it

    if np.count_nonzero(~np.isnan(days).all(axis=1)) < least:
        return None
    known = _filled(days)
    per_day = days.shape[1]
    period = per_day if per_day > 1 else WEEK
    steady = 2 * len(days) + 1  # a season that hardly changes: a pliant one would swallow the noise
    parts = STL(known.ravel(), period=period, seasonal=steady, robust=True).fit()
    scale = NORMAL * float(np.median(np.abs(parts.resid)))
    return parts.trend[-1] + parts.seasonal[-period : len(parts.seasonal) - period + per_day], scale


def _filled(days: Floats) -> Floats:
    """Gaps take the same slot of the day before; the first ones the median of their slot, or of all."""
    usual = np.nanmedian(days)
    filled = days.copy()
    for day in range(len(filled)):
        before = filled[day - 1] if day else np.full(filled.shape[1], usual)
        filled[day] = np.where(np.isnan(filled[day]), before, filled[day])
    return filled
