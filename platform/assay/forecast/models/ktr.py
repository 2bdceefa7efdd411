"""Orbit's kernel-based time-varying regression."""

from __future__ import annotations

from dataclasses import replace

from assay.forecast.orbit import Engine, trained
from assay.forecast.registry import model
from assay.forecast.training import Predict, Training

WEEK = 7


@model(complexity=6, regressors=True, extra="orbit")
def ktr(training: Training, *, regressors: bool = True, engine: Engine = "stanli") -> Predict:
    """Ng, Wang, Dai (2021), Bayesian Time Varying Coefficient Model, arXiv:2106.03322; by variational inference.

    A hundred times slower than the modes of the other models, and rarely better on daily metrics.
    """
    seasonal = replace(training, season=training.season if training.season > 1 else WEEK)  # it needs some cycle
    return trained("KTR", seasonal, "svi", engine, regressors)
