"""Difference of the means of per-user ratios: another question than the ratio of sums."""

from __future__ import annotations

from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.per_unit import compare_values, quotients
from assay.stats.registry import method
from assay.stats.samples import Samples
from assay.stats.setting import Setting


@method("user_mean", needs="samples", estimands=("ratio",), otherwise="welch")
def user_mean(estimand: Estimand, control: Samples, treatment: Samples, setting: Setting) -> Effect:
    """Welch's t on numerator ÷ denominator of each user: every user counts the same, however active.

    Deng and Shi (2016), §3.3, on why it may move against the ratio of sums. Users without a denominator are left out
    and counted in a warning; `smoothed` keeps them.
    """
    arms = (control, treatment)
    return compare_values("user_mean", "user mean", estimand, arms, [quotients(estimand, arm) for arm in arms], setting)
