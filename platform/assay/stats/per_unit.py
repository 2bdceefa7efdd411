"""One value per unit, for methods of samples: what a ratio is for a single user, and who has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assay.stats.cuped import estimate
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand, MetricColumns
from assay.stats.moments import Array, Moments
from assay.stats.samples import Samples
from assay.stats.setting import Setting
from assay.stats.welch_t import welch_t

VALUE = "the value per unit"


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """The metric's value of every unit that has one, shape (n,) per arm; `warnings` count those without."""

    control: Array
    treatment: Array
    warnings: tuple[str, ...] = ()


def unit_values(estimand: Estimand, control: Samples, treatment: Samples) -> Values:
    """The column of a mean; numerator ÷ denominator of a ratio, without the units whose denominator is zero.

    Raises `NoAnswer` if fewer than two units are left in an arm.

    >>> arm = Samples.of(["likes", "views"], [[1, 2], [0, 0], [3, 4]])
    >>> unit_values(MetricColumns("likes", "views"), arm, arm).control.tolist()
    [0.5, 0.75]
    """
    every = [quotients(estimand, arm) for arm in (control, treatment)]
    kept = [with_values(values)[0] for values in every]
    return Values(kept[0], kept[1], left_out(sum(map(len, every)) - sum(map(len, kept))))


def quotients(estimand: Estimand, arm: Samples) -> Array:
    """The value of every unit, shape (n,); NaN where a denominator is zero."""
    if len(estimand.columns) == 1:
        return arm.column(estimand.columns[0])
    numerator, denominator = (arm.column(name) for name in estimand.columns)
    values = np.full(arm.n, np.nan)
    with np.errstate(over="ignore"):
        np.divide(numerator, denominator, out=values, where=denominator != 0)
    return values


def with_values(values: Array) -> tuple[Array, Array]:
    """The values that are there, and where they are; `NoAnswer` below two, or for an infinite one."""
    there = ~np.isnan(values)
    if np.isinf(values).any():
        raise NoAnswer("a unit's numerator ÷ denominator is too large for a number")
    if there.sum() < 2:
        raise NoAnswer("fewer than 2 units of a variant have a denominator that is not zero")
    return values[there], there


def left_out(units: int) -> tuple[str, ...]:
    """The warning that counts units without a value, if there are any."""
    return (f"{units} units have a denominator of zero, so no ratio, and are left out",) if units else ()


def unused_covariates(estimand: Estimand) -> tuple[str, ...]:
    """The warning of a method that has no use for covariates."""
    return ("covariates are not used by this method",) if estimand.covariates else ()


def compare_values(
    method: str, label: str, estimand: Estimand, arms: Sequence[Samples], values: Sequence[Array], setting: Setting
) -> Effect:
    """Welch's t on one value per unit (NaN: none), adjusted for the estimand's covariates, which are per unit too."""
    tables, dropped = [], 0
    for arm, column in zip(arms, values, strict=True):
        kept, there = with_values(column)
        past = [arm.column(name)[there] for name in estimand.covariates]
        tables.append(finite(Moments.of((VALUE, *estimand.covariates), np.column_stack([kept, *past]))))
        dropped += len(column) - len(kept)
    found = estimate(MetricColumns(VALUE, None, *estimand.covariates), *tables)
    effect = welch_t(method, label, found, setting)
    return replace(effect, warnings=left_out(dropped) + effect.warnings)


def finite(moments: Moments) -> Moments:
    """The same moments; `NoAnswer` if they hold squares too large for a number."""
    if not all(moments.finite(name) for name in moments.names):
        raise NoAnswer("the values are too large to compute a variance")
    return moments
