"""Do the variants differ in spread? The test of Brown and Forsythe on samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from assay.stats.cuped import Arms, Estimate
from assay.stats.effect import NoAnswer
from assay.stats.gates.shape import Spread
from assay.stats.moments import Array, Moments
from assay.stats.setting import Setting
from assay.stats.welch_t import student_t


def levene(control: ArrayLike, treatment: ArrayLike) -> Spread:
    """Student's t on distances from each arm's own median (Levene 1960; Brown and Forsythe 1974).

    `control`, `treatment`: values per unit, shapes (n,) and (m,). A shift of the whole distribution says nothing.
    `spread` asks the same of histograms. Degenerate data gives a `reason`.

    >>> round(levene([1, 2, 3, 4, 5, 6], [2, 3, 3, 4, 4, 5]).ratio, 3)
    0.556
    """
    arms = [np.asarray(values, dtype=np.float64) for values in (control, treatment)]
    if min(map(len, arms)) < 2 or not all(np.isfinite(arm).all() for arm in arms):
        return Spread(reason="each variant needs 2 units, and none of them missing or infinite")
    before, after = (_distance(arm) for arm in arms)
    try:
        effect = student_t("levene", "spread", Arms(before, after), Setting())
    except NoAnswer as no:
        return Spread(reason=str(no))
    if effect.pvalue is None or before.value == 0:
        return Spread(reason="the control has no spread at all")
    return Spread(effect.pvalue, after.value / before.value)


def _distance(values: Array) -> Estimate:
    moments = Moments.of(["distance"], np.abs(values - np.median(values)))
    return Estimate(moments.mean("distance"), moments.combination_var({"distance": 1.0}) / moments.n, moments.n)
