"""What a metric means, as a small tree over measures. Everything downstream reads only this.

    Total(measure)            Σ of a value over events           (count, sum, the parts of a mean)
    Quantile(measure, level)  a quantile of a value              (quantile)
    Size(set)                 how many entities                  (unique, set, new, lifecycle)
      Members(measure)          entities with an event
      Combine(op, left, right)  set algebra: & | -
      Seen(set)                 entities of the set in any earlier period
    Arithmetic(op, left, right), Number                          (mean, ratio, derived, retention, funnel)

A leaf reads a `Window` of days around the period that its value stands at: a week that rolls ends with the day, a
return lies in the days after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import singledispatch
from hashlib import blake2b
from typing import Literal

from assay.catalog.rows import Rows

Kind = Literal["sum", "unique", "digest"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate of one source. Equal content has an equal `id`, whatever the metric is called.

    `expression` and `where` are SQL as it runs; the hash reads the normalised `meaning` instead. `entity` names what a
    unique measure counts, and `counts` the kind of entity that this is. `rows` are made of events, when not the events.
    """

    source: str
    kind: Kind
    expression: str
    where: str | None
    meaning: str
    entity: str | None = None
    counts: str | None = None
    rows: Rows | None = None

    @property
    def id(self) -> str:
        return blake2b(self.meaning.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Window:
    """What a leaf reads for period t: the days t + first … t + last; with `month`, from the month's first day to t;
    with `period`, whole periods of the query instead of days."""

    first: int = 0
    last: int = 0
    unit: Literal["day", "month", "period"] = "day"


NOW = Window()


@dataclass(frozen=True, slots=True)
class Total:
    measure: Measure
    window: Window = NOW


@dataclass(frozen=True, slots=True)
class Quantile:
    measure: Measure
    level: float
    window: Window = NOW


@dataclass(frozen=True, slots=True)
class Members:
    """With `whole`, the entities of the total also where a slice is asked for: wherever they came back."""

    measure: Measure
    window: Window = NOW
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Combine:
    op: Literal["&", "|", "-"]
    left: Set
    right: Set


@dataclass(frozen=True, slots=True)
class Seen:
    """Entities of a set in any period before t + `days`, wherever they were."""

    of: Set
    days: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    members: Set


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Arithmetic:
    op: Literal["+", "-", "*", "/"]
    left: Series
    right: Series


Set = Members | Combine | Seen
Series = Total | Quantile | Size | Number | Arithmetic
Leaf = Total | Quantile | Members
Node = Series | Set


class Unfit(Exception):
    """An operation that would change the meaning of a series; the message says why. The caller knows the YAML."""


@singledispatch
def children(_node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    return ()


@children.register
def _(node: Combine | Arithmetic) -> tuple[Node, ...]:
    return (node.left, node.right)


@children.register
def _(node: Size) -> tuple[Node, ...]:
    return (node.members,)


@children.register
def _(node: Seen) -> tuple[Node, ...]:
    return (node.of,)


def walk(node: Node) -> Iterator[Node]:
    """Every node, from the top, left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf, left to right, with repetitions."""
    return (each for each in walk(node) if isinstance(each, Total | Quantile | Members))


def present(node: Node) -> Iterator[Leaf | Seen]:
    """Every leaf outside `Seen`, and every `Seen`: what has a value per period."""
    if isinstance(node, Total | Quantile | Members | Seen):
        yield node
    else:
        for child in children(node):
            yield from present(child)


def plain(node: Node) -> bool:
    """Whether a value needs the events of its own period only."""
    return all(not isinstance(each, Seen) and each.window == NOW for each in present(node))


def of_events(node: Node) -> bool:
    """Whether the events themselves are aggregated, not rows made of them."""
    return all(leaf.measure.rows is None for leaf in leaves(node))


def _mapped(node: Node, leaf: Callable[[Leaf], Node], seen: Callable[[Seen], Node]) -> Node:
    """The same tree with other leaves; `Seen` is handed over as it is."""
    if isinstance(node, Seen):
        return seen(node)
    if isinstance(node, Combine | Arithmetic):
        return replace(node, left=_mapped(node.left, leaf, seen), right=_mapped(node.right, leaf, seen))  # type: ignore[arg-type]
    if isinstance(node, Size):
        return Size(_mapped(node.members, leaf, seen))  # type: ignore[arg-type]
    return leaf(node) if isinstance(node, Total | Quantile | Members) else node


def rolled(node: Series, window: Window) -> Series:
    """Every total and set behind a series merged over a window. Raises Unfit for what has a window already."""

    def leaf(each: Leaf) -> Leaf:
        if each.window != NOW:
            raise Unfit("it has a window already")
        if each.measure.rows is not None and isinstance(each, Members):
            raise Unfit("an entity may go through the steps on several days")
        return replace(each, window=window)

    return _mapped(node, leaf, _no_history)  # type: ignore[return-value]


def _no_history(_seen: Seen) -> Node:
    raise Unfit("who is new on a day is old on the next")


def shifted(node: Node, days: int) -> Node:
    """The same series of another day: `days` later, earlier when negative. Raises Unfit where days are not the unit."""

    def leaf(each: Leaf) -> Leaf:
        if each.window.unit != "day":
            raise Unfit("its window is not counted in days")
        return replace(each, window=Window(each.window.first + days, each.window.last + days))

    return _mapped(node, leaf, lambda seen: replace(seen, days=seen.days + days))


def previous(node: Set) -> Set:
    """The same set one period earlier. Raises Unfit unless the set is of one period."""
    if not plain(node):
        raise Unfit("only a set of one period has a previous one")
    return _mapped(node, lambda each: replace(each, window=Window(-1, -1, "period")), _no_history)  # type: ignore[return-value]


def whole(node: Set) -> Set:
    """The same set, of the total also where a slice is asked for."""

    def leaf(each: Leaf) -> Leaf:
        return replace(each, whole=True) if isinstance(each, Members) else each

    return _mapped(node, leaf, lambda seen: seen)  # type: ignore[return-value]


def ratio_parts(node: Series) -> tuple[Series, Series] | None:
    """Numerator and denominator, when the series is a quotient."""
    if isinstance(node, Arithmetic) and node.op == "/":
        return node.left, node.right
    return None
