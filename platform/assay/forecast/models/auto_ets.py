"""statsforecast's AutoETS."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from assay.forecast.refusals import missing
from assay.forecast.registry import model
from assay.forecast.series import Floats
from assay.forecast.training import Path, Predict, Training

TWO_SIDED_68 = 68.26894921370859  # the level of one standard error to either side


@model(complexity=3, extra="statsforecast")
def auto_ets(training: Training) -> Predict:
    """All additive shapes of exponential smoothing by the corrected Akaike criterion: Hyndman and Khandakar (2008)."""
    fitted = _library().AutoETS(season_length=training.season, model="AZA" if training.season > 1 else "AZN")
    fitted.fit(training.values)

    def predict(horizon: int, _future: Floats) -> Path:
        found = fitted.predict(horizon, level=[TWO_SIDED_68])
        high = np.asarray(found[f"hi-{TWO_SIDED_68}"])
        return Path(np.asarray(found["mean"]), high - np.asarray(found["mean"]))

    return predict


def _library() -> Any:
    try:
        return import_module("statsforecast.models")
    except ImportError as cause:
        raise missing("statsforecast", "statsforecast", "The model auto_ets") from cause
