"""Intervals and p-values read from replicates: the percentile method and its bias-corrected, accelerated form."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from assay.stats.cuped import Arms
from assay.stats.effect import Effect, NoAnswer
from assay.stats.lift import Lift
from assay.stats.moments import Array
from assay.stats.setting import Setting

_ROUNDING = 1e-9  # of a standard error: replicates closer than this are equal


@dataclass(frozen=True, slots=True)
class Shape:
    """Bias and acceleration of a statistic (Efron 1987); both are zero in the percentile method."""

    bias: float = 0.0
    acceleration: float = 0.0

    def share(self, level: float) -> float:
        """The share of replicates below the end of an interval that leaves out `level` on its lower side."""
        z = self.bias + float(ndtri(level))
        return float(ndtr(self.bias + z / _positive(1 - self.acceleration * z))) if self != Shape() else level

    def level(self, share: float) -> float:
        """The inverse of `share`."""
        if self == Shape() or share >= 1:
            return min(share, 1.0)
        gap = float(ndtri(share)) - self.bias
        return float(ndtr(gap / _positive(1 + self.acceleration * gap) - self.bias))

    def mirrored(self) -> Shape:
        """The shape of the negated statistic."""
        return Shape(-self.bias, -self.acceleration)


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """The metric's values in resamples of both variants, shape (r,) each, NaN where a resample has none."""

    control: Array
    treatment: Array


@dataclass(frozen=True, slots=True)
class Acceleration:
    """Acceleration of the difference and of the relative lift."""

    difference: float
    lift: float


def from_replicates(
    method: str,
    estimand: str,
    arms: Arms,
    replicates: Replicates,
    setting: Setting,
    acceleration: Acceleration | None = None,
) -> Effect:
    """The effect in `arms` with an error, an interval and a p-value from replicates of both variants.

    The interval is the percentile interval (Efron 1979), or with `acceleration` the bias-corrected accelerated one
    (Efron 1987). Its ends are order statistics, so that p, the smallest alpha at which the interval leaves out zero,
    is exactly 2 (r + 1) / (R + 1) for a percentile interval with r of R differences on the other side of zero or on it
    (Davison and Hinkley 1997, §4.4 and §5.3). A difference of exactly zero has p = 1. The lift's interval comes from
    the lifts of the same replicates. Raises `NoAnswer` where the replicates do not hold such an interval.
    """
    pairs, warnings = _defined(replicates, setting.alpha)
    control, treatment = arms.control.value, arms.treatment.value
    difference, differences = treatment - control, pairs.treatment - pairs.control
    se = float(differences.std(ddof=1))
    if se == 0:
        raise NoAnswer("every resample gives the same difference, so no error can be estimated")
    differences = _settled(differences, se, difference)
    shape = _shape(differences, difference, acceleration.difference) if acceleration else Shape()
    low, high = interval(differences, shape, setting.alpha)
    lift = _lift(control, treatment, pairs, setting.alpha, acceleration)
    return Effect(
        method,
        estimand,
        control,
        treatment,
        difference,
        low,
        high,
        lift.value,
        lift.low,
        lift.high,
        pvalue(differences, shape) if difference else 1.0,
        se,
        n_control=arms.control.n,
        n_treatment=arms.treatment.n,
        variance_reduction=arms.variance_reduction,
        alpha=setting.alpha,
        interval="bca" if acceleration else "percentile",
        seed=setting.seed,
        warnings=warnings + lift.warnings,
    )


def interval(values: Array, shape: Shape, alpha: float) -> tuple[float, float]:
    """Two order statistics of the replicates, each leaving out alpha / 2 as the shape says.

    >>> interval(np.arange(1.0, 1000.0), Shape(), 0.05)
    (24.0, 976.0)
    """
    return _low(values, shape, alpha), -_low(-values, shape.mirrored(), alpha)


def pvalue(values: Array, shape: Shape) -> float:
    """Two-sided p of "the value is zero": the smallest alpha at which `interval` leaves out zero.

    >>> pvalue(np.arange(-1.0, 998.0), Shape())
    0.006
    """
    below = shape.level(_share(values <= 0))
    above = shape.mirrored().level(_share(values >= 0))
    return min(1.0, 2 * min(below, above))


def require_resolution(setting: Setting) -> None:
    """Raises `NoAnswer` if the tails of the interval would hold no replicate."""
    needed = ceil(2 / setting.alpha)
    if setting.replicates < needed:
        raise NoAnswer(
            f"an interval at alpha = {setting.alpha:g} needs at least {needed} resamples and {setting.replicates} were "
            "asked for"
        )


def _low(values: Array, shape: Shape, alpha: float) -> float:
    # Rounded first: an exact rank must not be pushed to the next one by the last bit. The end lies just outside of the
    # share, so that p < alpha and "zero is left out" are the same event.
    rank = ceil(round(shape.share(alpha / 2) * (len(values) + 1), 9)) - 1
    if not 1 <= rank <= len(values):
        raise NoAnswer(f"{len(values)} resamples are too few for an interval at alpha = {alpha:g}")
    return float(np.partition(values, rank - 1)[rank - 1])


def _share(which: NDArray[np.bool_]) -> float:
    return (int(np.count_nonzero(which)) + 1) / (len(which) + 1)


def _positive(denominator: float) -> float:
    if denominator <= 0:
        raise NoAnswer("the resamples are too skewed for a bias-corrected interval")
    return denominator


def _defined(replicates: Replicates, alpha: float) -> tuple[Replicates, tuple[str, ...]]:
    """Without resamples that have no value, as long as they are fewer than the interval leaves out on a side."""
    there = np.isfinite(replicates.control) & np.isfinite(replicates.treatment)
    lost = len(there) - int(np.count_nonzero(there))
    if not lost:
        return replicates, ()
    text = f"the metric has no value in {lost} of {len(there)} resamples"
    if lost > alpha / 2 * len(there):
        raise NoAnswer(f"{text}, such as those with a denominator of zero")
    return Replicates(replicates.control[there], replicates.treatment[there]), (f"{text}, which are left out",)


def _settled(values: Array, se: float, estimate: float) -> Array:
    """Replicates that rounding keeps apart from zero or from the estimate are put there."""
    near = np.where(np.abs(values - estimate) <= _ROUNDING * se, estimate, values)
    return np.where(np.abs(values) <= _ROUNDING * se, 0.0, near)


def _shape(values: Array, estimate: float, acceleration: float) -> Shape:
    """The bias is the normal quantile of the share of replicates below the estimate (Efron 1987), ties by halves."""
    below = (np.count_nonzero(values < estimate) + np.count_nonzero(values <= estimate)) / (2 * len(values))
    if not 0 < below < 1:
        raise NoAnswer("all resamples lie on one side of the estimate, so its bias cannot be corrected")
    return Shape(float(ndtri(below)), acceleration)


def _lift(control: float, treatment: float, pairs: Replicates, alpha: float, acceleration: Acceleration | None) -> Lift:
    """(treatment − control) / |control| in every replicate."""
    if control == 0:
        return Lift()
    change = (treatment - control) / abs(control)
    if (pairs.control * np.sign(control) <= 0).any():
        why = "the control may be zero, or of either sign"
        return Lift(change, warnings=(f"the relative change has no interval: {why}",))
    changes = (pairs.treatment - pairs.control) / np.abs(pairs.control)
    changes = _settled(changes, float(changes.std()), change)
    shape = _shape(changes, change, acceleration.lift) if acceleration else Shape()
    return Lift(change, *interval(changes, shape, alpha))
