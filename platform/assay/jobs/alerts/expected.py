"""What alerts are told to expect: the newest stored forecast of each day, for the detector `forecast`."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from assay.detect import Band, History
from assay.jobs.alerts.histories import TOTAL, Floats, Matrix, Windows
from assay.jobs.alerts.rule import Rule
from assay.jobs.forecasts import store


def history(rule: Rule, matrix: Matrix, windows: Windows, signed: bool) -> History:
    """A matrix as the detector of a rule reads it: with stored forecasts beside it, where that is what it asks for."""
    return matrix.history(windows, signed, _band(rule, matrix, windows) if rule.forecasts else None)


def _band(rule: Rule, matrix: Matrix, windows: Windows) -> Band:
    """The intervals of the total, drawn to the detector's coverage; NaN for slices and for days without a forecast."""
    expected, low, high = (np.full((len(matrix.names), windows.count), np.nan) for _ in range(3))
    if TOTAL in matrix.names:
        row = matrix.names.index(TOTAL)
        expected[row], low[row], high[row] = _days(rule, matrix.metric.name, windows)
    return Band(expected, low, high)


def _days(rule: Rule, metric: str, windows: Windows) -> Floats:
    """Mean, low and high per day, shape (3, days). A later forecast of a day replaces an earlier one."""
    found = np.full((3, windows.count), np.nan)
    first = windows.days[0]
    for run in store.published(rule.context, metric):
        wider = _quantile(rule.parameters["coverage"]) / _quantile(run.level)
        for point in run.points:
            at = (point.day - first).days
            if 0 <= at < windows.count:
                low, high = ((each - point.mean) * wider + point.mean for each in (point.low, point.high))
                found[:, at] = point.mean, low, high
    return found


def _quantile(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)
