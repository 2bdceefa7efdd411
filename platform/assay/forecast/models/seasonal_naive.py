"""The same day of the last cycle: last Monday for Monday."""

from __future__ import annotations

import numpy as np

from assay.forecast.registry import model
from assay.forecast.series import Floats
from assay.forecast.training import Path, Predict, Training

WEEK = 7


@model(complexity=1)
def seasonal_naive(training: Training) -> Predict:
    """A random walk per position of the cycle: Hyndman and Athanasopoulos, 3rd ed., 5.2 and 5.5.

    Without a cycle in the data it repeats the last week, so that the baseline of daily data is always the same.
    """
    values, season = training.values, training.season if training.season > 1 else WEEK
    spread = float(np.sqrt(np.mean((values[season:] - values[:-season]) ** 2)))

    def predict(horizon: int, _future: Floats) -> Path:
        ahead = np.arange(horizon)
        return Path(values[-season:][ahead % season], spread * np.sqrt(ahead // season + 1))

    return predict
