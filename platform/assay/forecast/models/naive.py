"""The last day, again and again."""

from __future__ import annotations

import numpy as np

from assay.forecast.registry import model
from assay.forecast.series import Floats
from assay.forecast.training import Path, Predict, Training


@model(complexity=1)
def naive(training: Training) -> Predict:
    """A random walk: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.2 and 5.5."""
    values = training.values
    spread = float(np.sqrt(np.mean(np.diff(values) ** 2)))

    def predict(horizon: int, _future: Floats) -> Path:
        return Path(np.full(horizon, values[-1]), spread * np.sqrt(np.arange(1, horizon + 1)))

    return predict
