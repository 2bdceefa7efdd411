"""The mean of several models: on logs, the geometric mean of their forecasts."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from assay.forecast.registry import model, train
from assay.forecast.series import Floats
from assay.forecast.training import Path, Predict, Training


@model(complexity=5, regressors=True, gaps=True)
def ensemble(training: Training, *, members: tuple[str, ...] = ()) -> Predict:
    """Equal weights, which are hard to beat: Clemen (1989), Int. J. Forecasting 5, 559-583.

    `members`: names of models; without them ets, ucm, and of Orbit lgt and dlt, or theta where Orbit is not installed.
    The standard error is the mean of the members': their errors are nearly the same ones.
    """
    predicts = [train(each, training) for each in members or default_members()]

    def predict(horizon: int, future: Floats) -> Path:
        paths = [each(horizon, future) for each in predicts]
        return Path(np.mean([each.center for each in paths], axis=0), np.mean([each.spread for each in paths], axis=0))

    return predict


def default_members() -> tuple[str, ...]:
    """Which models stand behind the default forecast on this machine."""
    return ("ets", "ucm", "lgt", "dlt") if find_spec("orbit") else ("ets", "ucm", "theta")
