"""Difference of ratios of sums, or of any smooth function of means, by the delta method."""

from __future__ import annotations

from assay.stats.cuped import estimate
from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.registry import method
from assay.stats.setting import Setting
from assay.stats.welch_t import welch_t


@method("delta", needs="moments", estimands=("mean", "ratio", "derived"), otherwise="quantile")
def delta(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Deng, Knoblich and Lu (2018), §2: Welch's t on per-unit linearised values.

    Each arm is linearised around its own means (Budylin, Drutsa, Katsev and Tsoy 2018 use the control's for both).
    """
    return welch_t("delta", estimand.kind, estimate(estimand, control, treatment), setting)
