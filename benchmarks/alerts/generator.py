"""Series of a product, 96 slots a day, in which every incident is known because it is planted here.

A series is a season (time of day, of another form on weekends; weekday) times a level that wanders from day to day and
within the day, times noise of each slot, and then a Poisson draw: counts are overdispersed, as those of users who come
in bursts are. The sizes are those of the case study's product: slots differ by 3 to 4 % between ordinary days, weekdays
by 5 %, the evening has three times the events of the night.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PER_DAY, DAYS, WEEK = 96, 60, 7
VOLUMES = (20, 100, 500, 2_000, 10_000)
WEEKDAYS = np.array([-0.02, 0.0, 0.0, 0.04, 0.08, 0.0, -0.1])  # logarithms: Friday high, Sunday low
WANDER_DAY, WANDER_SLOT, SLOT = 0.04, 0.01, 0.035  # standard deviations of logarithms
TAILS = 10  # degrees of freedom of the noise: its tails are heavier than normal
KEEP_DAY, KEEP_SLOT = 0.8, 0.97  # what is left of a wander a day, and a slot, later


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Expected events of each slot, shape (series, slots), the first slot a Monday's."""

    mean: Floats

    @classmethod
    def of(cls, volume: float, series: int, rng: np.random.Generator, days: int = DAYS) -> World:
        """`volume` is the mean number of events a slot."""
        log = season(days)[None] + _levels(series, days, rng)
        mean = np.exp(log)
        return cls(volume * mean / mean.mean())

    def times(self, factor: float, start: int, slots: int, rows: slice = slice(None)) -> World:
        """Drop (below 1) or surge (above 1) over some slots."""
        mean = self.mean.copy()
        mean[rows, start : start + slots] *= factor
        return replace(self, mean=mean)

    def counts(self, rng: np.random.Generator) -> Floats:
        """One draw of the events, shape (series, slots)."""
        bursts = np.exp(SLOT * np.sqrt(1 - 2 / TAILS) * rng.standard_t(TAILS, self.mean.shape))
        return rng.poisson(self.mean * bursts).astype(np.float64)


def season(days: int) -> Floats:
    """Logarithms over all slots, shape (slots,): nights low, evenings high, weekend mornings later."""
    hour = np.arange(PER_DAY) / PER_DAY * 24
    working = 0.5 * np.sin((hour - 9.5) / 24 * 2 * np.pi) + 0.2 * np.sin((hour - 5) / 12 * 2 * np.pi)
    resting = 0.5 * np.sin((hour - 10.5) / 24 * 2 * np.pi) + 0.12 * np.sin((hour - 5) / 12 * 2 * np.pi)
    shapes = [resting if day % WEEK >= 5 else working for day in range(days)]
    return np.concatenate([shape + WEEKDAYS[day % WEEK] for day, shape in enumerate(shapes)])


def ratio(views: Floats, share: float, rng: np.random.Generator, factor: Floats | float = 1.0) -> Floats:
    """Likes of the views: binomial around a share that wanders a little from slot to slot."""
    wander = np.exp(0.01 * rng.standard_normal(views.shape))
    return rng.binomial(views.astype(np.int64), np.clip(share * factor * wander, 0, 1)).astype(np.float64)


def _levels(series: int, days: int, rng: np.random.Generator) -> Floats:
    by_day = _wander(rng.standard_normal((series, days + 1)) * WANDER_DAY, KEEP_DAY)
    at = np.linspace(0, days, days * PER_DAY, endpoint=False)
    whole = at.astype(np.int64)
    smooth = by_day[:, whole] * (1 - (at - whole)) + by_day[:, whole + 1] * (at - whole)
    return smooth + _wander(rng.standard_normal((series, days * PER_DAY)) * WANDER_SLOT, KEEP_SLOT)


def _wander(steps: Floats, keep: float) -> Floats:
    from scipy.signal import lfilter

    wandered: Floats = lfilter([1.0], [1.0, -keep], steps, axis=1)
    return wandered
