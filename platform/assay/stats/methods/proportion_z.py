"""Difference of two shares of units by the pooled z test."""

from __future__ import annotations

from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.proportions import proportion_effect, shares
from assay.stats.registry import method
from assay.stats.setting import Setting
from assay.stats.welch_t import pvalue


@method("proportion_z", needs="moments", estimands=("mean",), otherwise="delta")
def proportion_z(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """z with the pooled share (Fleiss, Levin and Paik 2003, §3.1), without continuity; score interval (Mee 1984)."""
    found = shares(estimand, control, treatment)
    return proportion_effect("proportion_z", found, pvalue(found.difference / found.se, None), "score", setting)
