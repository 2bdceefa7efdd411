"""The last day, carried on along the line from the first day to it."""

from __future__ import annotations

import numpy as np

from assay.forecast.registry import model
from assay.forecast.series import Floats
from assay.forecast.training import Path, Predict, Training


@model(complexity=2)
def drift(training: Training) -> Predict:
    """A random walk with drift: Hyndman and Athanasopoulos, 3rd ed., 5.2 and 5.5."""
    values = training.values
    steps = np.diff(values)
    slope, spread = float(np.mean(steps)), float(np.std(steps, ddof=1))

    def predict(horizon: int, _future: Floats) -> Path:
        ahead = np.arange(1, horizon + 1)
        return Path(values[-1] + slope * ahead, spread * np.sqrt(ahead * (1 + ahead / len(steps))))

    return predict
