"""Difference of the means of per-user ratios that are drawn towards the ratio of all users."""

from __future__ import annotations

import numpy as np

from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.moments import Array
from assay.stats.per_unit import compare_values
from assay.stats.registry import method
from assay.stats.samples import Samples
from assay.stats.setting import Setting

STRENGTH = 5.0  # a, in units of the denominator: how many views at the common ratio every user is given


@method("smoothed", needs="samples", estimands=("ratio",), otherwise="welch")
def smoothed(estimand: Estimand, control: Samples, treatment: Samples, setting: Setting) -> Effect:
    """Welch's t on (numerator + a·R) ÷ (denominator + a), a = 5: smoothed CTR, as in an empirical Bayes estimate.

    R is the ratio of all users of both arms, as for a beta prior of weight a (Gelman et al. 2013, §2.4). An R per arm
    would draw each arm's users towards the arm's own mean, and count the same difference twice. Users without a
    denominator have the value R.
    """
    arms = (control, treatment)
    numerator, denominator = estimand.columns
    total = {name: sum(float(arm.column(name).sum()) for arm in arms) for name in estimand.columns}
    if total[denominator] == 0:
        raise NoAnswer(f"the denominator '{denominator}' sums to zero in both variants")
    ratio = total[numerator] / total[denominator]
    values = [_smooth(arm.column(numerator), arm.column(denominator), ratio) for arm in arms]
    return compare_values("smoothed", "smoothed user mean", estimand, arms, values, setting)


def _smooth(numerator: Array, denominator: Array, ratio: float) -> Array:
    if (denominator < 0).any():
        raise NoAnswer("some denominators are below zero, so they cannot be smoothed")
    with np.errstate(over="ignore"):
        return np.asarray((numerator + STRENGTH * ratio) / (denominator + STRENGTH), dtype=np.float64)
