"""Unobserved components: a wandering level, a season and events, by maximum likelihood."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from assay.forecast.registry import model
from assay.forecast.series import Floats
from assay.forecast.training import Path, Predict, Training

Trend = Literal["none", "linear"]


@model(complexity=3, regressors=True, gaps=True)
def ucm(training: Training, *, trend: Trend = "none", moving_season: bool = False) -> Predict:
    """Local level + dummy season + regression: Harvey (1989), Forecasting, Structural Time Series Models, chapter 2.

    Missing days stay missing. `trend`: none, or linear for a slope that wanders. `moving_season`: it may change.
    """
    size = float(np.nanstd(training.values)) or 1.0  # the optimiser works best near unit variance
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    if trend not in ("none", "linear"):
        raise ValueError(f"trend is none or linear, not {trend}")
    shape = UnobservedComponents(
        training.values / size, level="local level" if trend == "none" else "local linear trend",
        seasonal=training.season if training.season > 1 else None, stochastic_seasonal=moving_season,
        exog=training.events if training.events.shape[1] else None,
    )  # fmt: skip
    best = shape.fit(disp=False, maxiter=200)

    def predict(horizon: int, future: Floats) -> Path:
        ahead: Any = best.get_forecast(horizon, exog=future if future.shape[1] else None)
        return Path(np.asarray(ahead.predicted_mean) * size, np.asarray(ahead.se_mean) * size)

    return predict
