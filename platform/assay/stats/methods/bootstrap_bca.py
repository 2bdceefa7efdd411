"""The bootstrap with its bias-corrected, accelerated interval."""

from __future__ import annotations

from assay.stats.bootstrapped import acceleration, observe, replicate
from assay.stats.buckets import Buckets
from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.percentile import from_replicates
from assay.stats.registry import method
from assay.stats.setting import Setting


@method("bootstrap_bca", needs="buckets", estimands=("mean", "ratio", "derived"), otherwise="quantile")
def bootstrap_bca(estimand: Estimand, control: Buckets, treatment: Buckets, setting: Setting) -> Effect:
    """Efron (1987): for skewed metrics, whose percentile interval reaches too far to one side."""
    observed = observe(estimand, control, treatment)
    replicates = replicate(observed, setting, "multinomial")
    return from_replicates("bootstrap_bca", estimand.kind, observed.arms, replicates, setting, acceleration(observed))
