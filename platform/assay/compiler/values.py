"""From series to SQL over stored states: leaves become aggregates, and the tree above them becomes arithmetic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
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
    Seen,
    Series,
    Set,
    Size,
    Total,
    Window,
    leaves,
    present,
    ratio_parts,
)

_APPLY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_STATES: dict[type, str] = {Total: "value", Members: "users", Quantile: "digest"}
_PAST = "past"  # the key of what is remembered
_BITMAPS = {"&": "bitmapAnd", "|": "bitmapOr", "-": "bitmapAndnot"}


@dataclass(frozen=True, slots=True)
class Column:
    """A leaf and the alias under which the inner query computes it; `key` tells the rows that are read for it."""

    alias: str
    leaf: Leaf
    key: str

    @property
    def sql(self) -> str:
        """The aggregate over the rows of its measure and key."""
        mine = f"measure = {quote_literal(self.leaf.measure.id)} AND assay__window = {quote_literal(self.key)}"
        if isinstance(self.leaf, Total):
            return f"sumIf(value, {mine})"
        if isinstance(self.leaf, Members):
            return f"groupBitmapMergeStateIf(users, {mine})"
        return f"quantileTDigestMergeIf({self.leaf.level})(digest, {mine})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What goes to the same periods: the states of some measures (ids), of a slice or of the `whole`.

    Without a `window`, the periods remember: a state goes to its own, and `days` is how far they look ahead.
    """

    key: str
    window: Window | None
    whole: bool
    measures: tuple[str, ...]
    days: int = 0


def window_key(window: Window) -> str:
    return f"{window.unit} {window.first} {window.last}"


def _key(leaf: Leaf) -> str:
    return window_key(leaf.window) + (" of all" if _is_whole(leaf) else "")


def _is_whole(node: Node) -> bool:
    return isinstance(node, Members) and node.whole


@dataclass(frozen=True, slots=True)
class History:
    """Entities seen before each period: `alias` in the statement, `entities` is the set's SQL over one period."""

    alias: str
    entities: str
    days: int


class Values:
    """The columns of some metrics: `columns` and `wholes` for the inner queries, `select` for the outer one.

    Without `sliced`, there is only the total, and `wholes` is empty.
    """

    def __init__(self, metrics: Iterable[Metric], sliced: bool = False) -> None:
        self.metrics, self.sliced = tuple(metrics), sliced
        found = [self._placed(node) for metric in self.metrics for node in present(metric.series)]
        every = dict.fromkeys(node for node in found if isinstance(node, Total | Quantile | Members))
        numbered = [Column(f"assay__c{index}", leaf, _key(leaf)) for index, leaf in enumerate(every)]
        self.wholes = tuple(each for each in numbered if _is_whole(each.leaf))
        self.columns = tuple(each for each in numbered if each not in self.wholes)
        self._alias: dict[Node, str] = {column.leaf: column.alias for column in numbered}
        self._remember([node for node in dict.fromkeys(found) if isinstance(node, Seen)])

    def _placed(self, leaf: Node) -> Node:
        """The leaf as it is read: the total has no slices to leave out."""
        return replace(leaf, whole=False) if isinstance(leaf, Members) and leaf.whole and not self.sliced else leaf

    def _remember(self, seen: list[Seen]) -> None:
        leaf = dict.fromkeys(each for node in seen for each in leaves(node))
        self.past = tuple(Column(f"assay__p{index}", each, _PAST) for index, each in enumerate(leaf))
        alias: dict[Node, str] = {column.leaf: column.alias for column in self.past}
        self.histories = tuple(
            History(f"assay__h{index}", _set_sql(node.of, alias), node.days) for index, node in enumerate(seen)
        )
        self._alias |= {node: history.alias for node, history in zip(seen, self.histories, strict=True)}

    @property
    def every(self) -> tuple[Column, ...]:
        """All columns of the inner query."""
        return self.columns + self.wholes + self.past

    @property
    def readings(self) -> list[Reading]:
        """What the columns read, each period and slice once."""
        found: dict[str, dict[str, Column]] = {}
        for column in self.every:
            found.setdefault(column.key, {})[column.leaf.measure.id] = column
        return [self._reading(key, columns) for key, columns in found.items()]

    def _reading(self, key: str, columns: Mapping[str, Column]) -> Reading:
        if key == _PAST:
            return Reading(key, None, True, tuple(columns), max(each.days for each in self.histories))
        leaf = next(iter(columns.values())).leaf
        return Reading(key, leaf.window, _is_whole(leaf), tuple(columns))

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

    def members(self, entities: Set) -> str:
        """The SQL of a set, as a bitmap."""
        return _set_sql(entities, {node: self._alias[self._placed(node)] for node in present(entities)})

    def _nullable(self, node: Node) -> str:
        """NULL for what is no number: the quantile of nothing, a sum over infinite values."""
        return f"ifNotFinite(toNullable({self.sql(node)}), NULL)"

    @singledispatchmethod
    def sql(self, node: Node) -> str:
        """The SQL of one node; a missing case is our bug."""
        raise TypeError(f"no SQL for {type(node).__name__}")

    @sql.register
    def _(self, node: Total | Quantile) -> str:
        return self._alias[node]

    @sql.register
    def _(self, node: Size) -> str:
        return f"toFloat64(bitmapCardinality({self.members(node.members)}))"

    @sql.register
    def _(self, node: Number) -> str:
        return f"toFloat64({node.value!r})"

    @sql.register
    def _(self, node: Arithmetic) -> str:
        left, right = self.sql(node.left), self.sql(node.right)
        return f"({left} / nullIf({right}, 0))" if node.op == "/" else f"({left} {node.op} {right})"


def sources(columns: Iterable[Column]) -> list[str]:
    """The sources whose states are read: days of the others are not looked at."""
    return sorted({column.leaf.measure.source for column in columns})


def stored(columns: Iterable[Column]) -> list[str]:
    """The columns of the stored states that are read."""
    return sorted({_STATES[type(column.leaf)] for column in columns})


def _set_sql(node: Set, alias: dict[Node, str]) -> str:
    if isinstance(node, Combine):
        return f"{_BITMAPS[node.op]}({_set_sql(node.left, alias)}, {_set_sql(node.right, alias)})"
    return alias[node]


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
