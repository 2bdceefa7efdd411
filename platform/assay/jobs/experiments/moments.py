"""From the rows of an experiment statement to moments, and from a metric's series to an estimand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatchmethod
from typing import Any

import numpy as np

from assay.catalog.series import Arithmetic, Number, Series, Size, Total
from assay.compiler.units import Completed, Plan, Quotient, Reading, UnitNode
from assay.stats import Derived, Estimand, MetricColumns, Moments


def moments(row: Mapping[str, Any], names: Sequence[str]) -> Moments:
    """The moments of some columns in one row; all of them meet in one metric, so that every product is there."""
    matrix = [[_product(row, a, b) for b in names] for a in names]
    return Moments(int(row["n"]), tuple(names), np.array([row[f"s_{name}"] for name in names]), np.array(matrix))


def _product(row: Mapping[str, Any], a: str, b: str) -> float:
    first, second = sorted((a, b))
    return float(row[f"c_{first}__{second}"])


def columns(plan: Plan, reading: Reading) -> list[str]:
    """The unit columns of one metric, with those of its past."""
    known = plan.columns()
    return [name for each in reading.names for name in (each, f"x_{each}") if name in known]


def estimand(reading: Reading, covariates: bool = False, past: bool = False) -> Estimand:
    """How the metric is read: a mean per unit, a ratio of sums, or a smooth function of both.

    With `past`, the same metric before the start, which only a reading that `has_past` knows.
    """
    own = {node: f"x_{name}" if past else name for node, name in reading.columns.items()}
    formula, names = reading.formula, list(dict.fromkeys(own.values()))
    if isinstance(formula, Quotient):
        return MetricColumns(own[formula.above], own[formula.below])
    if isinstance(formula, Total | Size | Completed):
        return MetricColumns(names[0], None, f"x_{names[0]}" if covariates else None)
    if reading.quotient:
        parts = names if len(names) > 1 else names * 2
        return MetricColumns(*parts, *(f"x_{name}" for name in parts if covariates))
    gradient = _Gradient(own)
    earlier = tuple(f"x_{name}" for name in names if covariates)
    return Derived(tuple(names), lambda m: gradient.at(formula, m)[0], lambda m: gradient.at(formula, m)[1], earlier)


_Value = tuple[float, dict[str, float]]


class _Gradient:
    """Value and partial derivatives of an expression at column means: forward differentiation by the usual rules."""

    def __init__(self, columns: Mapping[UnitNode, str]) -> None:
        self._columns = columns

    @singledispatchmethod
    def at(self, node: Series, _means: Mapping[str, float]) -> _Value:
        raise TypeError(f"no derivative of {type(node).__name__}")

    @at.register
    def _(self, node: Number, means: Mapping[str, float]) -> _Value:
        return node.value, dict.fromkeys(means, 0.0)

    @at.register
    def _(self, node: Total, means: Mapping[str, float]) -> _Value:
        return means[self._columns[node]], {name: float(name == self._columns[node]) for name in means}

    @at.register
    def _(self, node: Size, means: Mapping[str, float]) -> _Value:
        return means[self._columns[node]], {name: float(name == self._columns[node]) for name in means}

    @at.register
    def _(self, node: Arithmetic, means: Mapping[str, float]) -> _Value:
        (a, da), (b, db) = self.at(node.left, means), self.at(node.right, means)
        if node.op in "+-":
            sign = 1.0 if node.op == "+" else -1.0
            return a + sign * b, {name: da[name] + sign * db[name] for name in means}
        if node.op == "*":
            return a * b, {name: da[name] * b + a * db[name] for name in means}
        return a / b, {name: (da[name] - a / b * db[name]) / b for name in means}
