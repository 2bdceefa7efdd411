"""Difference of quantiles by the bootstrap, without resampling."""

from __future__ import annotations

import numpy as np

from assay.stats.cuped import Arms, Estimate
from assay.stats.effect import Effect
from assay.stats.estimand import Quantile
from assay.stats.moments import Array
from assay.stats.percentile import Replicates, from_replicates, require_resolution
from assay.stats.quantiles import bootstrap_ranks, rank
from assay.stats.registry import method
from assay.stats.samples import Samples
from assay.stats.setting import Setting


@method("quantile", needs="samples", estimands=("quantile",))
def quantile(estimand: Quantile, control: Samples, treatment: Samples, setting: Setting) -> Effect:
    """The percentile bootstrap interval of a difference of order statistics, from the ranks' exact law.

    A resample's quantile is one of the data's values, and its rank has a known law (`quantiles.bootstrap_ranks`), so
    ranks are drawn instead of resamples (Schultzberg and Ankargren 2022). Units must be independent: for several values
    per unit there is `clustered_quantile`.
    """
    require_resolution(setting)
    columns = control.column(estimand.column), treatment.column(estimand.column)
    places = (0, 1) if _key(columns[0]) <= _key(columns[1]) else (1, 0)
    drawn = [_draw(values, estimand.level, setting, place) for values, place in zip(columns, places, strict=True)]
    one, other = (
        Estimate(value, float(many.var(ddof=1)), arm.n)
        for (value, many), arm in zip(drawn, (control, treatment), strict=True)
    )
    replicates = Replicates(*(many for _, many in drawn))
    return from_replicates("quantile", estimand.kind, Arms(one, other), replicates, setting)


def _key(values: Array) -> tuple[int, float]:
    return len(values), float(values.sum())


def _draw(values: Array, level: float, setting: Setting, place: int) -> tuple[float, Array]:
    """The quantile, and the quantiles of resamples. Only the stretch of values that was drawn from is sorted."""
    ranks = bootstrap_ranks(len(values), level, setting.replicates, setting.seed, place)
    own = rank(len(values), level)
    first, last = min(int(ranks.min()), own), max(int(ranks.max()), own)
    stretch = np.sort(np.partition(values, (first - 1, last - 1))[first - 1 : last])
    return float(stretch[own - first]), stretch[ranks - first]
