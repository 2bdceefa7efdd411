"""The theta method: half the slope of the line, and exponential smoothing."""

from __future__ import annotations

import numpy as np

from assay.forecast.registry import model
from assay.forecast.season import detrended, pattern
from assay.forecast.series import Floats
from assay.forecast.smoothing import smoothing_spread
from assay.forecast.training import Path, Predict, Training


@model(complexity=2)
def theta(training: Training) -> Predict:
    """Assimakopoulos and Nikolopoulos (2000), Int. J. Forecasting 16, 521-530, after taking the season out.

    The standard error is that of exponential smoothing with the same weight: Hyndman et al. (2008), table 6.1.
    """
    from statsmodels.tsa.forecasting.theta import ThetaModel

    season, values = training.season, training.values
    course = pattern(detrended(values), season, season) if season > 1 else np.zeros(1)
    flat = values - np.resize(course, len(values))
    fitted = ThetaModel(flat, deseasonalize=False, period=max(season, 2)).fit()
    weight = float(fitted.params["alpha"])
    error = _error(flat, weight)

    def predict(horizon: int, _future: Floats) -> Path:
        ahead = np.arange(horizon)
        center = np.asarray(fitted.forecast(horizon)) + course[(len(values) + ahead) % len(course)]
        return Path(center, smoothing_spread(error, horizon, weight))

    return predict


def _error(values: Floats, weight: float) -> float:
    """The root mean square of the one-step errors of exponential smoothing; the library's own takes a fit of ARIMA."""
    level, total = values[0], 0.0
    for value in values[1:]:
        total += (value - level) ** 2
        level += weight * (value - level)
    return float(np.sqrt(total / (len(values) - 1)))
