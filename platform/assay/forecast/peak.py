"""The question of capacity: how likely is a day above a threshold?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import default_rng

from assay.forecast.fit import Forecast
from assay.forecast.refusals import misfit
from assay.forecast.series import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Peak:
    """`probability`: that at least one day is above the threshold. `days`: the same for each day, shape (horizon,).

    `typical`, `high`: the median and the 95 % quantile of the highest day.
    """

    probability: float
    days: Floats
    typical: float
    high: float


def peak(forecast: Forecast, threshold: float, draws: int = 20_000, seed: int = 0) -> Peak:
    """P(value > threshold on any day of the forecast), by simulated paths.

    >>> from assay.forecast import Series, fit
    >>> week = [100.0, 120, 130, 125, 110, 60, 50]
    >>> ahead = fit(Series.of(week * 6 + [104] + week[1:]), "seasonal_naive").forecast(7)
    >>> peak(ahead, 200).probability
    0.0

    A path is the centre plus normal errors whose standard error is that of the calibrated interval, and of which a day
    passes on the share that the backtest's errors show (an autoregression of order 1). Raises UsageError (E601) for a
    threshold that is not finite.
    """
    if not np.isfinite(threshold):
        raise misfit("The threshold is not a number.", "A probability needs a bound.", "Pass a finite threshold.")
    paths = simulated(forecast, draws, seed)
    highest = paths.max(axis=1)
    over = float(np.mean(highest > threshold))
    return Peak(over, np.mean(paths > threshold, axis=0), float(np.median(highest)), float(np.quantile(highest, 0.95)))


def simulated(forecast: Forecast, draws: int, seed: int) -> Floats:
    """Paths on the scale of the series, shape (draws, horizon)."""
    from scipy.special import ndtri

    horizon, kept = len(forecast.mean), forecast.calibration.persistence
    fresh = default_rng(seed).standard_normal((draws, horizon))
    errors = np.empty_like(fresh)
    errors[:, 0] = fresh[:, 0]
    for day in range(1, horizon):
        errors[:, day] = kept * errors[:, day - 1] + np.sqrt(1 - kept**2) * fresh[:, day]
    wider = forecast.calibration.factor(forecast.level, horizon) / ndtri((1 + forecast.level) / 2)
    bounded = np.clip(errors * wider * forecast.path.spread, -forecast.path.reach, forecast.path.reach)
    return forecast.scale.back(forecast.path.center + bounded)
