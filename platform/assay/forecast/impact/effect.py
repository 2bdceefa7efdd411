"""What happened against what would have: per day, in all, and in percent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.forecast.series import Floats

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval of 95 %."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Floats, value: float | None = None) -> Estimate:
        low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return cls(float(np.mean(draws)) if value is None else value, float(low), float(high))


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """`average`: per day. `cumulative`: over the days after. `relative`: cumulative over what would have come.

    `days`, `low`, `high`, `expected`: shape (days after,), effect per day with its interval, and the counterfactual's
    mean; NaN on days without a value. `pvalue`: two-sided tail area of the cumulative effect.
    """

    average: Estimate
    cumulative: Estimate
    relative: Estimate
    pvalue: float
    days: Floats
    low: Floats
    high: Floats
    expected: Floats


def effect(after: Floats, draws: Floats) -> Effect:
    """`after`: shape (days,), NaN for missing days. `draws`: shape (draws, days), counterfactuals.

    The tail area counts the observed sum as one more draw, as CausalImpact does, here on both sides.
    """
    known = ~np.isnan(after)
    difference, total = after - draws, float(np.sum(after[known]))
    would = draws[:, known].sum(axis=1)
    low, high = np.quantile(difference, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    tail = min(np.count_nonzero(would >= total), np.count_nonzero(would <= total))
    return Effect(
        Estimate.of((total - would) / np.count_nonzero(known)),
        Estimate.of(total - would),
        Estimate.of(total / np.maximum(would, 1e-12) - 1) if np.all(would > 0) else Estimate(np.inf, -np.inf, np.inf),
        min(2 * (tail + 1) / (len(would) + 1), 1.0),
        np.mean(difference, axis=0), low, high, np.mean(draws, axis=0),
    )  # fmt: skip
