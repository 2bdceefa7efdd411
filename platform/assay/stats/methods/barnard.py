"""Difference of two shares of few units by Barnard's exact test."""

from __future__ import annotations

from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.proportions import few, proportion_effect, shares
from assay.stats.registry import method
from assay.stats.setting import Setting


@method("barnard", needs="moments", estimands=("mean",), otherwise="delta")
def barnard(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Barnard (1945) with the pooled z: finds more than `fisher`, for few units only; the interval is Newcombe's."""
    from scipy.stats import barnard_exact  # it would make most of the time of importing the engine

    found = few(shares(estimand, control, treatment))
    return proportion_effect("barnard", found, float(barnard_exact(found.table).pvalue), "newcombe", setting)
