"""The relative lift of two independent estimates, with its interval made in one of three ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import copysign, expm1, hypot, isfinite, log1p, sqrt

from assay.stats.cuped import Estimate
from assay.stats.setting import Relative

Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lift:
    """A lift and its interval as shares of the control's size; `warnings` say why a part is missing."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    warnings: tuple[str, ...] = ()


def lift(control: Estimate, treatment: Estimate, reach: float, relative: Relative = "delta") -> Lift:
    """(treatment − control) ÷ |control|: the sign of the difference, for a negative metric too.

    `reach` is how many standard errors an interval goes to each side, such as 1.96. Where the interval does not exist
    (`log`: the values are not on one side of zero; `fieller`: the control may be zero, so that the set of lifts has no
    end) only the lift is given, with a warning. A control of exactly zero has no lift at all.

    >>> found = lift(Estimate(10.0, 0.04, 50), Estimate(11.0, 0.04, 50), reach=1.96, relative="fieller")
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.1, 0.043, 0.16)
    """
    base = abs(control.value)
    if base == 0:
        return Lift()
    change = (treatment.value - control.value) / base
    bounds = _INTERVALS[relative](control, treatment, reach)
    if not isfinite(change):
        return Lift(warnings=("the control is too close to zero for a relative change",))
    if bounds is None or not all(map(isfinite, bounds)):
        return Lift(change, warnings=(f"the relative change has no interval: {_UNBOUNDED[relative]}",))
    return Lift(change, *bounds)


def _delta(control: Estimate, treatment: Estimate, reach: float) -> Bounds:
    """Deng, Knoblich and Lu (2018), §2.1."""
    base = abs(control.value)
    ratio, change = treatment.value / base, (treatment.value - control.value) / base
    error = reach * sqrt(treatment.variance + ratio * ratio * control.variance) / base
    return change - error, change + error


def _log(control: Estimate, treatment: Estimate, reach: float) -> Bounds | None:
    """The delta method on log(treatment ÷ control) (Katz, Baptista, Azen and Pike 1978, for any positive means)."""
    if control.value * treatment.value <= 0:
        return None
    error = reach * hypot(*(sqrt(arm.variance) / arm.value for arm in (control, treatment)))
    middle = log1p((treatment.value - control.value) / control.value)
    if middle + error > _LARGEST:
        return None
    return _signed(control, expm1(middle - error), expm1(middle + error))


def _fieller(control: Estimate, treatment: Estimate, reach: float) -> Bounds | None:
    """Fieller (1954): all ratios ρ with |treatment − ρ control| within `reach` of its standard errors.

    It excludes zero exactly when the interval of the difference does. g is the squared inverse of how many intervals
    the control is away from zero; from 1 on the set has no end.
    """
    size = reach / control.value
    g = size * size * control.variance
    if not g < 1:
        return None
    ratio, change = treatment.value / control.value, (treatment.value - control.value) / control.value
    error = abs(size) * sqrt(treatment.variance * (1 - g) + ratio * ratio * control.variance)
    return _signed(control, (change + g - error) / (1 - g), (change + g + error) / (1 - g))


def _signed(control: Estimate, low: float, high: float) -> Bounds:
    """Shares of the control as shares of its size."""
    return (low, high) if copysign(1.0, control.value) > 0 else (-high, -low)


_LARGEST = 700.0  # of an exponent
_INTERVALS: dict[Relative, Callable[[Estimate, Estimate, float], Bounds | None]] = {
    "delta": _delta,
    "log": _log,
    "fieller": _fieller,
}
_UNBOUNDED: dict[Relative, str] = {
    "delta": "the control is too close to zero",
    "log": "a logarithm needs both variants on the same side of zero, and not close to it",
    "fieller": "the control may be zero as far as the data can tell, so the relative change may be anything",
}
