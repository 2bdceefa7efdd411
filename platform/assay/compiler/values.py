"""From series to SQL over stored states: leaves become aggregates, and the tree above them becomes arithmetic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import singledispatch, singledispatchmethod

from assay.catalog.catalog import Metric
from assay.catalog.expression import quote_literal
from assay.catalog.series import (
    Arithmetic,
    Combine,
    Leaf,
    Members,
    Node,
    Number,
    Quantile,
    Series,
    Size,
    Total,
    leaves,
    ratio_parts,
)

_APPLY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_BITMAPS = {"&": "bitmapAnd", "|": "bitmapOr", "-": "bitmapAndnot"}


@dataclass(frozen=True, slots=True)
class Column:
    """A leaf and the alias under which the inner query computes it."""

    alias: str
    leaf: Leaf

    @property
    def sql(self) -> str:
        """The aggregate over the rows of its measure and window."""
        mine = f"measure = {quote_literal(self.leaf.measure.id)} AND assay__span = {self.leaf.days}"
        if isinstance(self.leaf, Total):
            return f"sumIf(value, {mine})"
        if isinstance(self.leaf, Members):
            return f"groupBitmapMergeStateIf(users, {mine})"
        return f"quantileTDigestMergeIf({self.leaf.level})(digest, {mine})"


class Values:
    """The columns of some metrics: `columns` for the inner query, `select` for the outer one."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = tuple(metrics)
        distinct = dict.fromkeys(leaf for metric in self.metrics for leaf in leaves(metric.series))
        self.columns = tuple(Column(f"assay__c{index}", leaf) for index, leaf in enumerate(distinct))
        self._alias = {column.leaf: column.alias for column in self.columns}

    @property
    def spans(self) -> dict[int, list[str]]:
        """Window length in days: the measures that need it."""
        found: dict[int, list[str]] = {}
        for column in self.columns:
            ids = found.setdefault(column.leaf.days, [])
            if column.leaf.measure.id not in ids:
                ids.append(column.leaf.measure.id)
        return dict(sorted(found.items()))

    @property
    def select(self) -> list[tuple[str, str]]:
        """(alias, SQL): for metric i its value `v<i>`, and for quotients `n<i>` and `d<i>`."""
        found = []
        for index, metric in enumerate(self.metrics):
            parts = ratio_parts(metric.series)
            found.append((f"v{index}", self._nullable(metric.series)))
            found.append((f"n{index}", self._nullable(parts[0]) if parts else "NULL"))
            found.append((f"d{index}", self._nullable(parts[1]) if parts else "NULL"))
        return found

    def _nullable(self, node: Node) -> str:
        """NULL for what is no number: the quantile of nothing, a sum over infinite values."""
        return f"ifNotFinite(toNullable({self.sql(node)}), NULL)"

    @singledispatchmethod
    def sql(self, node: Node) -> str:
        """The SQL of one node; a missing case is our bug."""
        raise TypeError(f"no SQL for {type(node).__name__}")

    @sql.register
    def _(self, node: Total) -> str:
        return self._alias[node]

    @sql.register
    def _(self, node: Quantile) -> str:
        return self._alias[node]

    @sql.register
    def _(self, node: Members) -> str:
        return self._alias[node]

    @sql.register
    def _(self, node: Combine) -> str:
        return f"{_BITMAPS[node.op]}({self.sql(node.left)}, {self.sql(node.right)})"

    @sql.register
    def _(self, node: Size) -> str:
        return f"toFloat64(bitmapCardinality({self.sql(node.members)}))"

    @sql.register
    def _(self, node: Number) -> str:
        return f"toFloat64({node.value!r})"

    @sql.register
    def _(self, node: Arithmetic) -> str:
        left, right = self.sql(node.left), self.sql(node.right)
        return f"({left} / nullIf({right}, 0))" if node.op == "/" else f"({left} {node.op} {right})"


@singledispatch
def of_nothing(_node: Series) -> float | None:
    """The value of a series where nothing happened: the same as its SQL gives over no rows. A total or a size is 0."""
    return 0.0


@of_nothing.register
def _(_node: Quantile) -> float | None:
    return None


@of_nothing.register
def _(node: Number) -> float | None:
    return node.value


@of_nothing.register
def _(node: Arithmetic) -> float | None:
    left, right = of_nothing(node.left), of_nothing(node.right)
    if left is None or right is None or (node.op == "/" and right == 0):
        return None
    return _APPLY[node.op](left, right)
