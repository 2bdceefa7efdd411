"""An estimand at very many means at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.stats.effect import NoAnswer
from assay.stats.estimand import Derived, Estimand, MetricColumns
from assay.stats.moments import Array

Columns = Mapping[str, Array]

_ZERO = 1e-12  # a mean this much smaller than others of the same column is a sum of zeros, rounded


def points(estimand: Estimand, names: Sequence[str], means: Array) -> tuple[Array, Array]:
    """Values, shape (r,), and gradients, shape (r, k), at `means`, shape (r, k), whose columns are `names`.

    NaN stands where the metric is not defined, such as at a denominator of zero.

    >>> values, gradients = points(MetricColumns("a", "b"), ("a", "b"), np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> values.tolist(), gradients.tolist()
    ([0.5, 0.75], [[0.5, -0.25], [0.25, -0.1875]])
    """
    clean = np.where(np.abs(means) <= _ZERO * np.nanmax(np.abs(means), axis=0), 0.0, means)
    columns = {name: clean[:, at] for at, name in enumerate(names)}
    gradients = np.zeros(means.shape)
    with np.errstate(all="ignore"):
        values, partials = _evaluated(estimand, columns)
    for name, partial in partials.items():
        gradients[:, names.index(name)] = partial
    return np.where(np.isfinite(values), values, np.nan), gradients


def _evaluated(estimand: Estimand, columns: Columns) -> tuple[Array, Mapping[str, Any]]:
    if isinstance(estimand, MetricColumns):
        return _metric(estimand, columns)
    if isinstance(estimand, Derived):
        try:  # plain arithmetic takes whole columns, anything else one row after the other
            whole: Mapping[str, Any] = columns
            return np.asarray(estimand.function(whole), np.float64), estimand.gradient(whole)
        except (TypeError, ValueError, ArithmeticError):
            pass
    return _one_by_one(estimand, columns)


def _metric(metric: MetricColumns, columns: Columns) -> tuple[Array, Mapping[str, Any]]:
    top = columns[metric.numerator]
    if metric.denominator is None:
        return top, {metric.numerator: 1.0}
    bottom = columns[metric.denominator]
    values = top / bottom
    if metric.numerator == metric.denominator:
        return values, {metric.numerator: 0.0}
    return values, {metric.numerator: 1 / bottom, metric.denominator: -values / bottom}


def _one_by_one(estimand: Estimand, columns: Columns) -> tuple[Array, Mapping[str, Any]]:
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    table = np.array([_row(estimand, dict(zip(columns, row, strict=True))) for row in rows], dtype=np.float64)
    return table[:, 0], dict(zip(estimand.columns, table[:, 1:].T, strict=True))


def _row(estimand: Estimand, means: Mapping[str, float]) -> list[float]:
    try:
        point = estimand.at(means)
    except NoAnswer:
        return [np.nan] * (1 + len(estimand.columns))
    return [point.value, *(point.gradient.get(name, 0.0) for name in estimand.columns)]
