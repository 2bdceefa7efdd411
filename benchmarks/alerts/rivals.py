"""Those beside whom Assay is measured: scores of every slot, each from what lies before it."""

from __future__ import annotations

import numpy as np

from benchmarks.alerts.generator import PER_DAY, SLOT, WEEK, Floats

WINDOW, SMOOTHING = 30, 3


def case_study(values: Floats, newest: int) -> Floats:
    """Median ± k MAD of the same slot on 30 days, both as means over three days; float64 (series, newest)."""
    days = values.reshape(len(values), -1, PER_DAY) if values.shape[1] % PER_DAY == 0 else _padded(values)
    count = days.shape[1]
    centre, scale = np.full(days.shape, np.nan), np.full(days.shape, np.nan)
    first = (values.shape[1] - newest) // PER_DAY - SMOOTHING + 1
    for day in range(max(WINDOW, first), count):
        window = days[:, day - WINDOW : day]
        centre[:, day] = np.median(window, axis=1)
        scale[:, day] = 1.4826 * np.median(np.abs(window - centre[:, day][:, None]), axis=1)
    smooth = [sum(np.roll(each, lag, axis=1) for lag in range(SMOOTHING)) / SMOOTHING for each in (centre, scale)]
    with np.errstate(divide="ignore", invalid="ignore"):
        score = ((days - smooth[0]) / smooth[1]).reshape(len(values), -1)
    return score[:, values.shape[1] - newest : values.shape[1]]


def ceiling(values: Floats, mean: Floats, newest: int) -> Floats:
    """What one could know at best: the true mean and noise of each slot, on the last two slots."""
    score = ((values - mean) / np.sqrt(mean + (SLOT * mean) ** 2))[:, -newest - 1 :]
    both = (score[:, 1:] + score[:, :-1]) / np.sqrt(2)
    return np.where(np.abs(both) > np.abs(score[:, 1:]), both, score[:, 1:])


def holt_winters(values: Floats, newest: int) -> Floats:
    """statsmodels: additive season of a week on the root scale, smoothing fitted on four weeks; robust residuals."""
    return np.stack([_holt_winters(np.sqrt(row), newest) for row in values])


def _holt_winters(row: Floats, newest: int) -> Floats:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    model = ExponentialSmoothing(
        row, seasonal="add", seasonal_periods=WEEK * PER_DAY, initialization_method="heuristic"
    )
    found = model.fit(smoothing_level=0.1, smoothing_seasonal=0.1, optimized=False)
    residuals = row - found.fittedvalues
    past = residuals[-28 * PER_DAY :]
    return residuals[-newest:] / (1.4826 * np.median(np.abs(past - np.median(past))))


def _padded(values: Floats) -> Floats:
    missing = -values.shape[1] % PER_DAY
    return np.pad(values, ((0, 0), (0, missing)), constant_values=np.nan).reshape(len(values), -1, PER_DAY)
