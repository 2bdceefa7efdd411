"""Shift of the distribution by the Mann–Whitney test and the Hodges–Lehmann estimate."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np

from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.per_unit import Values, unit_values, unused_covariates
from assay.stats.ranks import kth_difference, placements, tie_excess
from assay.stats.registry import method
from assay.stats.samples import Samples
from assay.stats.setting import Setting
from assay.stats.welch_t import pvalue, quantile


@method("mann_whitney", needs="samples", estimands=("mean", "ratio"), otherwise="delta")
def mann_whitney(estimand: Estimand, control: Samples, treatment: Samples, setting: Setting) -> Effect:
    """Mann and Whitney (1947), normal law with ties and the continuity correction of ½ (Hollander et al. 2014, §4.1).

    The effect is the median of all differences between a unit of the treatment and one of the control (Hodges and
    Lehmann 1963), its interval two of these differences (Moses 1965; Hollander et al. 2014, §4.3); the arms' values
    are medians. The interval excludes zero only if p < alpha; without ties also the other way round. With many ties,
    as in counts, the shift is often exactly zero. There is no relative change.
    """
    values = unit_values(estimand, control, treatment)
    before, after = np.sort(values.control), np.sort(values.treatment)
    sigma, reach = _sigma(values), quantile(None, setting.alpha)
    pairs = len(before) * len(after)
    outside = ceil(pairs / 2 - reach * sigma - 0.5)
    if outside < 1:
        raise NoAnswer("there are too few units for an interval at this level")
    excess = abs(float(placements(after, before).sum()) - pairs / 2)
    middle = [kth_difference(before, after, rank) for rank in {(pairs - 1) // 2, pairs // 2}]
    low, high = (kth_difference(before, after, rank) for rank in (outside - 1, pairs - outside))
    return Effect(
        "mann_whitney",
        "shift",
        float(np.median(before)),
        float(np.median(after)),
        sum(middle) / len(middle),
        low,
        high,
        pvalue=pvalue(max(0.0, excess - 0.5) / sigma, None),
        se=(high - low) / (2 * reach) or None,
        n_control=len(before),
        n_treatment=len(after),
        alpha=setting.alpha,
        interval="order statistics",
        warnings=values.warnings + unused_covariates(estimand),
    )


def _sigma(values: Values) -> float:
    """Standard deviation of the count of wins; `NoAnswer` if all values are equal."""
    n, m = len(values.control), len(values.treatment)
    ties = tie_excess(np.concatenate([values.control, values.treatment]))
    variance = n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:
        raise NoAnswer("there is no variation: every unit behaves the same, so no error can be estimated")
    return sqrt(variance)
