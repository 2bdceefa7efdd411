"""Difference of means per unit by Welch's t test."""

from __future__ import annotations

from assay.stats.cuped import estimate
from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.registry import method
from assay.stats.setting import Setting
from assay.stats.welch_t import welch_t


@method("welch", needs="moments", estimands=("mean",), otherwise="delta")
def welch(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Welch (1947): the variances of the arms may differ, so no test for equal variances comes first."""
    return welch_t("welch", estimand.kind, estimate(estimand, control, treatment), setting)
