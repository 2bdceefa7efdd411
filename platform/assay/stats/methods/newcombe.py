"""Difference of two shares of units by Newcombe's hybrid score interval."""

from __future__ import annotations

from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.proportions import proportion_effect, shares, touching
from assay.stats.registry import method
from assay.stats.setting import Setting
from assay.stats.welch_t import pvalue


@method("newcombe", needs="moments", estimands=("mean",), otherwise="delta")
def newcombe(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Newcombe (1998), method 10. He gives no test: p is the level at which the interval touches zero."""
    found = shares(estimand, control, treatment)
    return proportion_effect("newcombe", found, pvalue(touching(found), None), "newcombe", setting)
