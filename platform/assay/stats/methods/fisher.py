"""Difference of two shares of few units by Fisher's exact test."""

from __future__ import annotations

import numpy as np

from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.proportions import proportion_effect, shares
from assay.stats.registry import method
from assay.stats.setting import Setting


@method("fisher", needs="moments", estimands=("mean",), otherwise="delta")
def fisher(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Fisher (1922), two-sided by the tables that are no likelier. Conservative; the interval is Newcombe's.

    The interval is not the test turned round: where p is near alpha, one may say yes and the other no.
    """
    from scipy.stats import fisher_exact  # it would make most of the time of importing the engine

    found = shares(estimand, control, treatment)
    return proportion_effect("fisher", found, float(fisher_exact(np.array(found.table)).pvalue), "newcombe", setting)
