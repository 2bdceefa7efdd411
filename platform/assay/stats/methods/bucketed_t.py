"""Difference of the metric's means over hash buckets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay.stats.buckets import Buckets
from assay.stats.cuped import estimate
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand, MetricColumns
from assay.stats.moments import Array, Moments
from assay.stats.per_unit import VALUE, finite
from assay.stats.registry import method
from assay.stats.setting import Setting
from assay.stats.streams import stream
from assay.stats.welch_t import welch_t

GROUPS = 400  # at most: enough for a t test, and each large enough for its ratio to be nearly normal


@method("bucketed_t", needs="buckets", estimands=("mean", "ratio", "derived"))
def bucketed_t(estimand: Estimand, control: Buckets, treatment: Buckets, setting: Setting) -> Effect:
    """Welch's t on the metric of each bucket (Deng, Knoblich and Lu 2018, §4.1; Chamandy et al. 2012 on streams).

    More than 400 buckets are put together at random into at most 400. Every bucket counts the same, so that the value
    of a ratio is the mean of its buckets' ratios, which differs from the ratio of sums by 1 ÷ units per bucket.
    Buckets without a value (no units, or a denominator of zero) are left out, the latter with a warning.
    """
    grouped = [_grouped(arm, setting.seed) for arm in (control, treatment)]
    tables = [_moments(estimand, arm) for arm in grouped]
    effect = welch_t(
        "bucketed_t",
        "mean of buckets",
        estimate(MetricColumns(VALUE, None, *estimand.covariates), *tables),
        setting,
    )
    lost = sum(len(arm.units) for arm in grouped) - sum(table.n for table in tables)
    warnings = (f"{lost} buckets have no value of the metric and are left out",) if lost else ()
    shuffled = max(len(arm.units) for arm in (control, treatment)) > GROUPS
    return replace(
        effect,
        n_control=control.n,
        n_treatment=treatment.n,
        seed=setting.seed if shuffled else None,
        warnings=warnings + effect.warnings,
    )


def _grouped(arm: Buckets, seed: int) -> Buckets:
    """At most `GROUPS` buckets of even size, drawn at random, as rows of single units may come in any order."""
    filled = arm.units > 0
    units, sums = arm.units[filled], arm.sums[filled]
    if len(units) <= GROUPS:
        return Buckets(arm.names, units, sums)
    groups = -(-len(units) // -(-len(units) // GROUPS))
    order = stream(seed, "bucketed_t", len(units)).permutation(len(units)) % groups
    columns = [np.bincount(order, weights=column) for column in (units, *sums.T)]
    return Buckets.of(arm.names, columns[0], np.column_stack(columns[1:]))


def _moments(estimand: Estimand, arm: Buckets) -> Moments:
    """Moments over buckets of the metric's value and of the covariates' means per unit."""
    means = arm.sums / arm.units[:, None]
    values = np.array([_value(estimand, dict(zip(arm.names, row, strict=True))) for row in means.tolist()])
    there = np.isfinite(values)
    if there.sum() < 2:
        raise NoAnswer("fewer than 2 buckets of a variant have a value of the metric")
    past: list[Array] = [means[there, arm.names.index(name)] for name in estimand.covariates]
    return finite(Moments.of((VALUE, *estimand.covariates), np.column_stack([values[there], *past])))


def _value(estimand: Estimand, means: dict[str, float]) -> float:
    try:
        return estimand.at(means).value
    except NoAnswer:
        return float("nan")
