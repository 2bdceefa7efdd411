"""The standard errors that all exponential smoothing shares."""

from __future__ import annotations

import numpy as np

from assay.forecast.series import Floats


def smoothing_spread(
    error: float,
    horizon: int,
    level: float,
    trend: float = 0.0,
    damping: float = 1.0,
    season: float = 0.0,
    cycle: int = 1,
) -> Floats:
    """Standard error of the steps ahead, shape (horizon,), from that of one step and the smoothing weights.

    error² (1 + Σ c_j²) with c_j = level + trend (φ + … + φ^j) + season where j is a multiple of the cycle: Hyndman,
    Koehler, Ord, Snyder (2008), Forecasting with Exponential Smoothing, table 6.1 (class 1).
    """
    steps = np.arange(1, horizon)
    slopes = trend * np.cumsum(damping**steps)
    repeats = season * (steps % cycle == 0) if cycle > 1 else 0.0
    weights = level + slopes + repeats
    return np.asarray(error * np.sqrt(1 + np.concatenate([[0.0], np.cumsum(weights**2)])))
