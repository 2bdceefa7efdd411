"""The bootstrap with its percentile interval."""

from __future__ import annotations

from assay.stats.bootstrapped import observe, replicate
from assay.stats.buckets import Buckets
from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.percentile import from_replicates
from assay.stats.registry import method
from assay.stats.setting import Setting


@method("bootstrap", needs="buckets", estimands=("mean", "ratio", "derived"), otherwise="quantile")
def bootstrap(estimand: Estimand, control: Buckets, treatment: Buckets, setting: Setting) -> Effect:
    """Efron (1979): each variant's units (or hash buckets of them) are drawn anew, with replacement."""
    observed = observe(estimand, control, treatment)
    replicates = replicate(observed, setting, "multinomial")
    return from_replicates("bootstrap", estimand.kind, observed.arms, replicates, setting)
