"""The mean of all days."""

from __future__ import annotations

import numpy as np

from assay.forecast.registry import model
from assay.forecast.series import Floats
from assay.forecast.training import Path, Predict, Training


@model(complexity=1)
def mean(training: Training) -> Predict:
    """Independent days around one level: Hyndman and Athanasopoulos, 3rd ed., 5.2 and 5.5."""
    values = training.values
    center, spread = float(np.mean(values)), float(np.std(values, ddof=1) * np.sqrt(1 + 1 / len(values)))

    def predict(horizon: int, _future: Floats) -> Path:
        return Path(np.full(horizon, center), np.full(horizon, spread))

    return predict
