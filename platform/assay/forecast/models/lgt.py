"""Orbit's local and global trend."""

from __future__ import annotations

from assay.forecast.orbit import Engine, Estimator, trained
from assay.forecast.registry import model
from assay.forecast.training import Predict, Training


@model(complexity=4, regressors=True, gaps=True, extra="orbit")
def lgt(
    training: Training, *, estimator: Estimator = "map", regressors: bool = True, engine: Engine = "stanli"
) -> Predict:
    """A local trend and a power of the level, Student errors: Ng et al. (2021), arXiv:2004.08492, section 3.2."""
    return trained("LGT", training, estimator, engine, regressors)
