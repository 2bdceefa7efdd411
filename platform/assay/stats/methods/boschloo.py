"""Difference of two shares of few units by Boschloo's exact test."""

from __future__ import annotations

from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.proportions import few, proportion_effect, shares
from assay.stats.registry import method
from assay.stats.setting import Setting


@method("boschloo", needs="moments", estimands=("mean",), otherwise="delta")
def boschloo(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Boschloo (1970): Fisher's p as the statistic, so never weaker than `fisher`; the interval is Newcombe's."""
    from scipy.stats import boschloo_exact  # it would make most of the time of importing the engine

    found = few(shares(estimand, control, treatment))
    return proportion_effect("boschloo", found, float(boschloo_exact(found.table).pvalue), "newcombe", setting)
