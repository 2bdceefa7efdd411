"""Effects that should not be: before the start, or too large to be true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from scipy.special import ndtr

from assay.stats.corrections import adjust
from assay.stats.effect import Effect
from assay.stats.relative import relative_error

CEILING = 0.5  # a lift of a half is rare enough to look for the bug first (Kohavi, Tang and Xu 2020, ch. 3)


@dataclass(frozen=True, slots=True)
class Imbalance:
    """The metric that differed most before the start, and its p-value after correction over all of them.

    `pvalues`: the corrected p of every metric, None where there was no test.
    """

    pvalue: float | None = None
    metric: str | None = None
    pvalues: Mapping[str, float | None] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Twyman:
    """`pvalue`: how probable an effect of this size is for what was expected. `limit`: the size that was expected."""

    pvalue: float | None = None
    limit: float | None = None
    reason: str | None = None


def imbalance(before: Mapping[str, Effect], correction: str = "holm") -> Imbalance:
    """Did the variants differ before the experiment began, when nothing could have moved them?

    `before`: the effect on the days before the start, by metric (or metric and variant), without CUPED. The smallest
    p-value is told after `correction` over all of them. Raises `UsageError` E201 for an unknown correction.

    >>> same, other = (Effect("welch", "mean", difference=d, pvalue=p) for d, p in [(0.1, 0.4), (2.0, 1e-6)])
    >>> found = imbalance({"likes": same, "views": other})
    >>> found.metric, found.pvalue
    ('views', 2e-06)
    """
    adjusted = dict(zip(before, adjust([effect.pvalue for effect in before.values()], correction), strict=True))
    tested = {name: pvalue for name, pvalue in adjusted.items() if pvalue is not None}
    if not tested:
        reasons = [effect.reason for effect in before.values() if effect.reason]
        return Imbalance(pvalues=adjusted, reason=reasons[0] if reasons else "there is no metric with a past")
    worst = min(tested, key=lambda name: tested[name])
    return Imbalance(tested[worst], worst, adjusted)


def twyman(effect: Effect, mde: float | None = None, ceiling: float = CEILING) -> Twyman:
    """Twyman's law: "any figure that looks interesting is usually wrong" (Kohavi, Tang and Xu 2020, ch. 3).

    With a declared `mde`, in the metric's unit, effects are expected to be N(0, mde²), so that the difference is drawn
    from N(0, mde² + se²): the p is two-sided, and below 0.001 beyond 3.3 times the mde. Without one the p is that of a
    lift no larger than `ceiling`, a share of the control.

    >>> lift = Effect("welch", "mean", difference=9.0, relative=0.9, relative_low=0.8, relative_high=1.0, se=0.5)
    >>> twyman(lift).pvalue < 0.001, twyman(lift, mde=1.0).pvalue < 0.001, twyman(lift, mde=10.0).pvalue < 0.001
    (True, True, False)
    """
    if effect.difference is None or effect.se is None:
        return Twyman(reason=effect.reason or "the effect has no standard error")
    if mde is not None:
        return Twyman(2 * float(ndtr(-abs(effect.difference) / sqrt(mde**2 + effect.se**2))), mde)
    error = relative_error(effect)
    if error is None or effect.relative is None:
        return Twyman(reason="the control is zero, so there is no relative lift")
    toward_zero = error.low if effect.relative > 0 else error.high
    return Twyman(float(ndtr((ceiling - abs(effect.relative)) / toward_zero)), ceiling)
