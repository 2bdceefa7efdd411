"""The bootstrap with independent Poisson weights."""

from __future__ import annotations

from assay.stats.bootstrapped import observe, replicate
from assay.stats.buckets import Buckets
from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.percentile import from_replicates
from assay.stats.registry import method
from assay.stats.setting import Setting


@method("poisson_bootstrap", needs="buckets", estimands=("mean", "ratio", "derived"), otherwise="quantile")
def poisson_bootstrap(estimand: Estimand, control: Buckets, treatment: Buckets, setting: Setting) -> Effect:
    """Chamandy, Muralidharan, Najmi and Naidu (2012): each unit is counted Poisson(1) times, as a stream can do it."""
    observed = observe(estimand, control, treatment)
    replicates = replicate(observed, setting, "poisson")
    return from_replicates("poisson_bootstrap", estimand.kind, observed.arms, replicates, setting)
