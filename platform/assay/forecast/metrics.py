"""Errors of a forecast, each scaled so that series can be compared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.forecast.series import Floats


def smape(actual: Floats, forecast: Floats) -> float:
    """Mean of 2 |a - f| / (|a| + |f|), 0 where both are 0: Makridakis (1993), Int. J. Forecasting 9, 527-529."""
    size = np.abs(actual) + np.abs(forecast)
    return float(np.mean(np.divide(2 * np.abs(actual - forecast), size, out=np.zeros_like(size), where=size > 0)))


def mape(actual: Floats, forecast: Floats) -> float:
    """Mean of |a - f| / |a| over the days that are not 0; infinite when all are."""
    known = actual != 0
    return float(np.mean(np.abs((actual - forecast)[known] / actual[known]))) if np.any(known) else float("inf")


def wmape(actual: Floats, forecast: Floats) -> float:
    """Sum of |a - f| over sum of |a|; infinite for a window of zeros."""
    size = float(np.sum(np.abs(actual)))
    return float(np.sum(np.abs(actual - forecast))) / size if size else float("inf")


def mae(actual: Floats, forecast: Floats) -> float:
    return float(np.mean(np.abs(actual - forecast)))


def rmsse(actual: Floats, forecast: Floats, training: Floats) -> float:
    """Root of the squared error over that of one-step naive forecasts *in training*.

    Makridakis, Spiliotis, Assimakopoulos (2022), M5 accuracy competition, Int. J. Forecasting 38, 1346-1364.
    """
    scale = float(np.sqrt(np.nanmean(np.diff(training) ** 2)))
    return float(np.sqrt(np.mean((actual - forecast) ** 2))) / scale if scale else float("inf")


def mase(actual: Floats, forecast: Floats, training: Floats, season: int = 7) -> float:
    """Absolute error over that of seasonal naive forecasts in training, a week by default.

    Hyndman and Koehler (2006), Another look at measures of forecast accuracy, Int. J. Forecasting 22, 679-688.
    """
    lag = season if len(training) > 2 * season else 1
    scale = float(np.nanmean(np.abs(training[lag:] - training[:-lag])))
    return mae(actual, forecast) / scale if scale else float("inf")


METRICS: dict[str, Callable[[Floats, Floats, Floats], float]] = {
    "smape": lambda actual, forecast, _: smape(actual, forecast),
    "mape": lambda actual, forecast, _: mape(actual, forecast),
    "wmape": lambda actual, forecast, _: wmape(actual, forecast),
    "mae": lambda actual, forecast, _: mae(actual, forecast),
    "rmsse": rmsse,
    "mase": mase,
}


def scores(actual: Floats, forecast: Floats, training: Floats) -> dict[str, float]:
    """Every metric of one window; days without a value are left out."""
    known = ~np.isnan(actual)
    return {name: metric(actual[known], forecast[known], training) for name, metric in METRICS.items()}
