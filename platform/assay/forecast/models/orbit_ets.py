"""Orbit's exponential smoothing: level and season."""

from __future__ import annotations

from assay.forecast.orbit import Engine, Estimator, trained
from assay.forecast.registry import model
from assay.forecast.training import Predict, Training


@model(complexity=3, gaps=True, extra="orbit")
def orbit_ets(training: Training, *, estimator: Estimator = "map", engine: Engine = "stanli") -> Predict:
    """ETS(A, N, A) with Orbit's priors: Ng, Wang, Chen, Yang, Smyl (2021), Orbit, arXiv:2004.08492."""
    return trained("ETS", training, estimator, engine)
