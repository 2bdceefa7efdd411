"""The chance that a unit of the treatment is above one of the control, by the Brunner–Munzel test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay.stats.cuped import Arms, Estimate
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.moments import Array
from assay.stats.per_unit import unit_values, unused_covariates
from assay.stats.ranks import placements
from assay.stats.registry import method
from assay.stats.samples import Samples
from assay.stats.setting import Setting
from assay.stats.welch_t import satterthwaite, wald


@method("brunner_munzel", needs="samples", estimands=("mean", "ratio"), otherwise="delta")
def brunner_munzel(estimand: Estimand, control: Samples, treatment: Samples, setting: Setting) -> Effect:
    """Brunner and Munzel (2000): P(control < treatment) + ½ P(equal), against ½, the value of the control.

    Unlike `mann_whitney` it keeps its level when the spreads differ. Student's t from about 10 units per arm. There is
    no relative change. Where every unit of one arm is above all of the other, no error can be estimated.
    """
    values = unit_values(estimand, control, treatment)
    chance, spread = _placed(values.treatment, values.control)
    _, other = _placed(values.control, values.treatment)
    arms = Arms(Estimate(0.5, other, len(values.control)), Estimate(chance, spread, len(values.treatment)))
    if spread + other == 0:
        raise NoAnswer("the variants do not overlap, or nothing varies: no error can be estimated")
    df = satterthwaite(arms.control, arms.treatment)
    effect = wald("brunner_munzel", "chance to be above", arms, df, setting)
    notes = values.warnings + unused_covariates(estimand)
    return replace(effect, relative=None, relative_low=None, relative_high=None, warnings=notes)


def _placed(values: Array, others: Array) -> tuple[float, float]:
    """Mean share of the others below a value, and the variance of that mean."""
    shares = placements(np.sort(values), np.sort(others)) / len(others)
    return float(shares.mean()), float(shares.var(ddof=1)) / len(values)
