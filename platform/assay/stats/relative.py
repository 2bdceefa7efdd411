"""The standard error of a relative lift, as its interval tells it, and the test of non-inferiority on it."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import ndtr, ndtri, stdtr

from assay.stats.effect import Effect
from assay.stats.welch_t import quantile


@dataclass(frozen=True, slots=True)
class RelativeError:
    """Standard errors of a lift towards its lower and its upper end, as shares; equal under the delta method."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """One-sided p-values. `pvalue`: of "the margin is broken", small when it is kept. `pvalue_harm`: of the reverse."""

    pvalue: float | None = None
    pvalue_harm: float | None = None
    reason: str | None = None


def relative_error(effect: Effect) -> RelativeError | None:
    """Each side of the relative interval in units of its quantile; None without a relative interval.

    >>> effect = Effect("welch", "mean", relative=0.0, relative_low=-0.0196, relative_high=0.0196)
    >>> round(relative_error(effect).low, 4)
    0.01
    """
    change, low, high = effect.relative, effect.relative_low, effect.relative_high
    if change is None or low is None or high is None or not low < change < high:
        return None
    reach = quantile(effect.df, effect.alpha) if effect.df else -float(ndtri(effect.alpha / 2))
    return RelativeError((change - low) / reach, (high - change) / reach)


def noninferiority(effect: Effect, margin: float, good: str | None = "up") -> NonInferiority:
    """Is the relative change surely inside `margin`? (Wellek 2010, ch. 2; delta method for the lift)

    A negative margin limits a fall, a positive one a rise; at 0 the `good` direction says which. The p-value uses the
    side of the interval that faces the margin, so that p < alpha ÷ 2 exactly when the (1 − alpha) interval is inside.

    >>> fall = Effect("delta", "ratio", relative=-0.002, relative_low=-0.006, relative_high=0.002)
    >>> round(noninferiority(fall, margin=-0.01).pvalue, 5)
    4e-05
    """
    error = relative_error(effect)
    if error is None or effect.relative is None:
        return NonInferiority(reason=effect.reason or "the metric has no relative interval, as the control is zero")
    sign = 1.0 if limits_falls(margin, good) else -1.0
    inside = sign * (effect.relative - margin)  # how far on the good side of the margin
    facing, other = (error.low, error.high) if sign > 0 else (error.high, error.low)
    return NonInferiority(_below(-inside / facing, effect.df), _below(inside / other, effect.df))


def limits_falls(margin: float, good: str | None) -> bool:
    """Which side a margin limits: its sign says so; at zero the metric's good direction does."""
    return margin < 0 if margin else good != "down"


def _below(t: float, df: float | None) -> float:
    """P(T ≤ t), with full relative precision for a t far below zero."""
    return float(stdtr(df, t)) if df else float(ndtr(t))
