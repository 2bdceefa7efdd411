"""The largest distance between two distributions, by the Kolmogorov–Smirnov test."""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import kolmogi, kolmogorov

from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.per_unit import unit_values, unused_covariates
from assay.stats.registry import method
from assay.stats.samples import Samples
from assay.stats.setting import Setting


@method("ks", needs="samples", estimands=("mean", "ratio"), otherwise="delta")
def ks(estimand: Estimand, control: Samples, treatment: Samples, setting: Setting) -> Effect:
    """Smirnov (1939), with his limit law, which is conservative for few units and for ties.

    The arms' values are their shares of units above the point where these differ most, so that the difference is the
    statistic with the sign of the treatment. Its interval is the simultaneous band of all points, and excludes zero
    exactly when p < alpha. There is no relative change, and no standard error.
    """
    values = unit_values(estimand, control, treatment)
    before, after = np.sort(values.control), np.sort(values.treatment)
    points = np.union1d(before, after)
    if len(points) == 1:
        raise NoAnswer("there is no variation: every unit behaves the same, so no error can be estimated")
    above = [1 - np.searchsorted(arm, points, "right") / len(arm) for arm in (before, after)]
    at = int(np.abs(above[1] - above[0]).argmax())
    share, other = float(above[0][at]), float(above[1][at])
    difference = other - share
    scale = sqrt(len(before) * len(after) / (len(before) + len(after)))
    reach = float(kolmogi(setting.alpha)) / scale
    return Effect(
        "ks",
        "largest distance",
        share,
        other,
        difference,
        max(-1.0, difference - reach),
        min(1.0, difference + reach),
        pvalue=float(kolmogorov(scale * abs(difference))),
        n_control=len(before),
        n_treatment=len(after),
        alpha=setting.alpha,
        interval="band",
        warnings=values.warnings + unused_covariates(estimand),
    )
