"""Series with known properties, from fixed seeds; tests use them too."""

from __future__ import annotations

import numpy as np
from numpy.random import default_rng

from assay.forecast.series import Floats

WEEK = np.array([1.0, 1.1, 1.2, 1.15, 1.0, 0.7, 0.6])


def weekly(days: int, seed: int = 0, noise: float = 0.05, step: float = 0.02, level: float = 1000.0) -> Floats:
    """A level that wanders, times a week, times noise; shape (days,)."""
    random = default_rng(seed)
    walk = np.cumsum(random.normal(0, step, days))
    return np.asarray(level * np.exp(walk + random.normal(0, noise, days)) * np.resize(WEEK, days))


def treated(
    seed: int, lift: float = 0.0, before: int = 84, after: int = 14, step: float = 0.0
) -> tuple[Floats, Floats]:
    """A series and three controls that share a level and a week, shape (days,) and (days, 3); `lift` from `before` on.

    `step`: of a level that is the treated series' own, which no control explains.
    """
    random, days = default_rng(seed), before + after
    common = np.cumsum(random.normal(0, 0.03, days)) + np.log(np.resize(WEEK, days))
    own = np.cumsum(random.normal(0, step, days))
    controls = np.exp(7 + common[:, None] + random.normal(0, 0.05, (days, 3)))
    values = np.exp(8 + common + own + random.normal(0, 0.05, days))
    values[before:] *= 1 + lift
    return values, controls
