"""Orbit's damped local trend around a global one."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from assay.forecast.orbit import Engine, Estimator, trained
from assay.forecast.registry import model
from assay.forecast.training import Predict, Training

Trend = Literal["loglinear", "linear", "flat", "logistic"]
Penalty = Literal["fixed_ridge", "lasso", "auto_ridge"]


@model(complexity=4, regressors=True, gaps=True, extra="orbit")
def dlt(
    training: Training, *, trend: Trend = "loglinear", estimator: Estimator = "map", damped_factor: float = 0.8,
    regressors: bool = True, penalty: Penalty = "fixed_ridge", engine: Engine = "stanli",
) -> Predict:  # fmt: skip
    """Ng et al. (2021), arXiv:2004.08492, section 3.1.

    `trend`: the global one; logistic saturates between the least and the largest value seen, a tenth of their distance
    beyond each. `penalty`: of the regressors' coefficients.
    """
    bounds: dict[str, Any] = {}
    if trend == "logistic":
        least, most = float(np.nanmin(training.values)), float(np.nanmax(training.values))
        beyond = 0.1 * (most - least)
        bounds = {"global_floor": least - beyond, "global_cap": most + beyond}
    return trained(
        "DLT", training, estimator, engine, regressors, global_trend_option=trend, damped_factor=damped_factor,
        regression_penalty=penalty, **bounds,
    )  # fmt: skip
