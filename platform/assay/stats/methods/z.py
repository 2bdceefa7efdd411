"""Difference of means, ratios or other smooth functions of means by the normal law, for large samples."""

from __future__ import annotations

from assay.stats.cuped import estimate
from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.registry import method
from assay.stats.setting import Setting
from assay.stats.welch_t import charged, wald


@method("z", needs="moments", estimands=("mean", "ratio", "derived"))
def z(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Wald's z: Welch's standard error with normal quantiles, as if it were known (Wald 1943)."""
    return wald("z", estimand.kind, charged(estimate(estimand, control, treatment)), None, setting)
