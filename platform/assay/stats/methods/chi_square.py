"""Difference of two shares of units by Pearson's chi-square test."""

from __future__ import annotations

from scipy.special import chdtrc

from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.proportions import Shares, proportion_effect, shares
from assay.stats.registry import method
from assay.stats.setting import Setting


@method("chi_square", needs="moments", estimands=("mean",), otherwise="delta")
def chi_square(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Pearson (1900) on the 2 × 2 table, without continuity: the same p as `proportion_z`, whose square it is."""
    found = shares(estimand, control, treatment)
    return proportion_effect("chi_square", found, float(chdtrc(1, _statistic(found))), "score", setting)


def _statistic(found: Shares) -> float:
    """Σ (observed − expected)² ÷ expected over the four cells, which share one distance."""
    hits, n = found.control.hits + found.treatment.hits, found.control.n + found.treatment.n
    distance = found.treatment.hits - found.treatment.n * (hits / n)
    return sum(
        distance**2 / (arm.n * part / n) for arm in (found.control, found.treatment) for part in (hits, n - hits)
    )
