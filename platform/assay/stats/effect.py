"""The result of comparing one variant with the control on one metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["mean", "ratio", "derived", "quantile"]


class NoAnswer(Exception):
    """Raised inside a method when there is no number; `compare` turns it into an `Effect` with this reason."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Treatment against control. Either every number is there, or `reason` says why none is; never NaN.

    `control` and `treatment` are values of the metric (after CUPED, if it was used), `difference` is treatment −
    control, with `low` and `high` its (1 − alpha) interval, all in the metric's unit. `relative` and its interval are
    shares of the control's size (0.05 is +5 %) with the sign of the difference; these three alone are None when the
    control is exactly zero. `pvalue` is two-sided. `variance_reduction` is the share of the variance that covariates
    removed (0..1), None without covariates. `estimand` is what was estimated: the metric's own kind, or what a method
    puts in its place ("user mean", "shift"). `interval` names how the interval was made. `seed` is that of a method
    that resamples. `warnings` are sentences about the data, such as units that had no value.
    """

    method: str
    estimand: str
    control: float | None = None
    treatment: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    relative: float | None = None
    relative_low: float | None = None
    relative_high: float | None = None
    pvalue: float | None = None
    se: float | None = None
    df: float | None = None
    n_control: int = 0
    n_treatment: int = 0
    variance_reduction: float | None = None
    reason: str | None = None
    alpha: float = 0.05
    interval: str = "t"
    seed: int | None = None
    warnings: tuple[str, ...] = ()
