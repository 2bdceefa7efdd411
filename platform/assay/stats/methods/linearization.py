"""Difference of ratios of sums by linearisation around the control's ratio."""

from __future__ import annotations

from assay.stats.cuped import estimate, linearise
from assay.stats.effect import Effect
from assay.stats.estimand import Derived, Estimand
from assay.stats.moments import Moments
from assay.stats.registry import method
from assay.stats.setting import Setting
from assay.stats.welch_t import welch_t


@method("linearization", needs="moments", estimands=("ratio",), otherwise="delta")
def linearization(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Budylin, Drutsa, Katsev and Tsoy (2018): Welch's t on L = numerator − R · denominator, R the control's ratio.

    L is divided by the treatment's mean denominator, which is taken as known: then the difference of the mean L is
    exactly the difference of the ratios, in the metric's unit, and CUPED works on L as on any mean.
    Unlike `delta` it is not symmetric: the arms that swap places swap R.
    """
    numerator, denominator = estimand.columns
    ratio = linearise(estimand, control).value
    linearise(estimand, treatment)  # no answer without a denominator there
    size = treatment.mean(denominator)
    weights = {numerator: 1 / size}
    weights[denominator] = weights.get(denominator, 0.0) - ratio / size
    linear = Derived(
        estimand.columns,
        lambda means: ratio + sum(weight * means[name] for name, weight in weights.items()),
        lambda _: weights,
        estimand.covariates,
    )
    return welch_t("linearization", estimand.kind, estimate(linear, control, treatment), setting)
