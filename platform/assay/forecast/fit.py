"""The one protocol: fit(series, model, events) → forecast(horizon)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.forecast.calibration import Calibration
from assay.forecast.refusals import misfit
from assay.forecast.registry import Candidate, train
from assay.forecast.scale import Scale
from assay.forecast.series import Events, Floats, Series
from assay.forecast.training import Path, Predict, Prepared, prepare

DEFAULT = Candidate("ensemble")


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """`mean`, `low`, `high`: float64, shape (horizon,), on the scale of the series; `level` is the coverage meant.

    `mean` is the centre on the modelling scale, brought back: on logs the median of the day, which is what absolute
    and percentage errors ask for. `path`: centre and standard error on that scale.
    """

    mean: Floats
    low: Floats
    high: Floats
    level: float
    path: Path
    scale: Scale
    calibration: Calibration


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model that has seen its series to the end; it always forecasts from the day after the last one."""

    candidate: Candidate
    days: int
    prepared: Prepared
    predict: Predict
    events: Events | None
    window: tuple[int, int]

    def path(self, horizon: int) -> Path:
        """The forecast on the modelling scale. Raises UsageError (E601) for a horizon over half of the history."""
        if not 1 <= horizon <= self.days // 2:
            raise misfit(
                f"The horizon of {horizon} days does not fit a history of {self.days}.",
                "Past half of its history a forecast is the model's habit and no finding.",
                f"Ask for 1 to {self.days // 2} days, or give a longer history.",
            )
        start, stop = self.window
        future = np.zeros((horizon, 0)) if self.events is None else self.events.future(start, stop, horizon)
        return self.prepared.restored(self.predict(horizon, future[:, self.prepared.seen]))

    def forecast(self, horizon: int, level: float = 0.9, calibration: Calibration | None = None) -> Forecast:
        """`calibration`: of a backtest of the same model; without it, the model's own interval for normal errors.

        Raises UsageError (E601) for a level outside (0, 1), and as `path`.
        """
        if not 0 < level < 1:
            raise misfit(f"A level of {level:g} is no coverage.", "It is a probability.", "Use 0.8, 0.9 or 0.95.")
        path, used = self.path(horizon), calibration or Calibration.none()
        half = path.half(used.factor(level, horizon))
        back = self.prepared.scale.back
        return Forecast(
            back(path.center),
            back(path.center - half),
            back(path.center + half),
            level,
            path,
            self.prepared.scale,
            used,
        )


def fit(series: Series, model: str | Candidate = DEFAULT, events: Events | None = None, **parameters: Any) -> Fitted:
    """Fit a model to the whole series, by name with its parameters or as a candidate.

    >>> week = [100, 120, 130, 125, 110, 60, 50]
    >>> fitted = fit(Series.of(week * 6 + [101] + week[1:]), "seasonal_naive")
    >>> fitted.forecast(3).mean.round()
    array([101., 120., 130.])

    Raises UsageError (W601) where the series allows no forecast, DefinitionsError (E201, E102) for an unknown model or
    parameter, UsageError (E601) for a missing extra.
    """
    candidate = model if isinstance(model, Candidate) else Candidate(model, parameters)
    whole = (0, len(series))
    return fitted(candidate, prepare_window(series, events, whole), events, whole)


def fitted(candidate: Candidate, prepared: Prepared, events: Events | None, window: tuple[int, int]) -> Fitted:
    """A candidate on prepared days: many may share them, and an ensemble finds its members fitted."""
    predict = train(candidate.model, prepared.training, **candidate.parameters)
    return Fitted(candidate, window[1] - window[0], prepared, predict, events, window)


def prepare_window(series: Series, events: Events | None, window: tuple[int, int]) -> Prepared:
    """The days of `window` only, as if nothing came after it: what a backtest sees."""
    start, stop = window
    past = np.zeros((stop - start, 0)) if events is None else events.past(start, stop)
    return prepare(series.window(start, stop), past)
