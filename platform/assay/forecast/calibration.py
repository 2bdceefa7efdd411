"""Intervals that cover what they say, by the errors of a backtest."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from assay.forecast.series import Floats

OWN_FOLDS = 20  # folds from which a horizon has errors enough of its own


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """`errors`: (value - centre) / standard error on the modelling scale, shape (folds, horizon), NaN: no value."""

    errors: Floats

    @classmethod
    def none(cls) -> Calibration:
        return cls(np.zeros((0, 0)))

    def factor(self, level: float, horizon: int) -> Floats:
        """By how many standard errors the interval reaches to either side, shape (horizon,).

        Split conformal prediction with normalised residuals: the ceil((n + 1) level)-th smallest of n absolute errors;
        Lei, G'Sell, Rinaldo, Tibshirani, Wasserman (2018), J. Am. Stat. Assoc. 113, 1094-1111. Per step of the horizon
        with `OWN_FOLDS` folds or more, over all steps with fewer. Without errors: the normal quantile.
        """
        sizes = np.abs(self.errors)
        if not np.any(np.isfinite(sizes)):
            return np.full(horizon, NormalDist().inv_cdf((1 + level) / 2))
        if len(sizes) < OWN_FOLDS:
            return np.full(horizon, _conformal(sizes.ravel(), level))
        per_step = np.array([_conformal(column, level) for column in sizes.T])
        return np.maximum.accumulate(per_step)[np.minimum(np.arange(horizon), len(per_step) - 1)]

    @property
    def persistence(self) -> float:
        """How much of a day's error the next day repeats, in [0, 0.99]; 0.5 without errors to learn from."""
        before, after = self.errors[:, :-1].ravel(), self.errors[:, 1:].ravel()
        both = np.isfinite(before) & np.isfinite(after)
        if np.count_nonzero(both) < 10:
            return 0.5
        return float(np.clip(before[both] @ after[both] / np.sum(before[both] ** 2 + after[both] ** 2) * 2, 0.0, 0.99))


def _conformal(sizes: Floats, level: float) -> float:
    known = np.sort(sizes[np.isfinite(sizes)])
    rank = min(int(np.ceil((len(known) + 1) * level)), len(known))
    return float(known[rank - 1])
