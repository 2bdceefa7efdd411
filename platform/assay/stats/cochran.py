"""Cochran's Q: do several independent estimates share one value, and which of them stands out?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from scipy.special import chdtrc, ndtr

from assay.stats.moments import Array


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """`pvalue`: of Q, chi-square with `df` = k − 1. `odd`: position of the estimate furthest from all others.

    `odd_pvalue` is that of its leave-one-out difference after Šidák over the estimates; with two estimates both are
    None, as neither is the odd one.
    """

    pvalue: float
    statistic: float
    df: int
    odd: int | None = None
    odd_pvalue: float | None = None


def homogeneity(values: Sequence[float], ses: Sequence[float]) -> Homogeneity:
    """Cochran (1954), The combination of estimates from different experiments. Needs two, see `usable`.

    >>> homogeneity([1.0, 1.2, 5.0], [0.5, 0.5, 0.5]).odd
    2
    """
    estimates, weights = np.array(values, dtype=np.float64), np.array(ses, dtype=np.float64) ** -2.0
    centred = estimates - estimates.mean()  # a common offset must not cost digits
    statistic = float(weights @ (centred - weights @ centred / weights.sum()) ** 2)
    df = len(estimates) - 1
    odd = _odd(centred, weights) if df > 1 else (None, None)
    return Homogeneity(float(chdtrc(df, statistic)), statistic, df, *odd)


def usable(difference: float | None, se: float | None) -> bool:
    """Whether an estimate can be weighed: both numbers are there and finite, and there is an error."""
    return difference is not None and se is not None and isfinite(difference) and isfinite(se) and se > 0


def _odd(estimates: Array, weights: Array) -> tuple[int, float]:
    """Each estimate against the weighted mean of the others: z² = (dᵢ − d̄₋ᵢ)² ÷ (1/wᵢ + 1/w₋ᵢ)."""
    rest = weights.sum() - weights
    others = (weights @ estimates - weights * estimates) / rest
    z = np.abs(estimates - others) / np.sqrt(1 / weights + 1 / rest)
    worst = int(z.argmax())
    with np.errstate(divide="ignore"):  # a p of exactly 1 stays 1
        return worst, float(-np.expm1(len(z) * np.log1p(-2 * ndtr(-z[worst]))))
