"""What a metric means, as a small tree over measures. Everything downstream reads only this.

    Total(measure)            Σ of a value over events           (count, sum, the parts of a mean)
    Quantile(measure, level)  a quantile of a value              (quantile)
    Size(members)             how many entities                  (unique, set)
      Members(measure)          entities with an event
      Combine(op, left, right)  set algebra: & | -
    Arithmetic(op, left, right), Number                          (mean, ratio, derived)

A leaf's `days` is the length of its trailing window: 1 for a plain series, 7 for a week that rolls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import singledispatch
from hashlib import blake2b
from typing import Literal

Kind = Literal["sum", "unique", "digest"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate of one source. Equal content has an equal `id`, whatever the metric is called.

    `expression` and `where` are SQL as it runs; the hash reads the normalised `meaning` instead. `entity` names what a
    unique measure counts.
    """

    source: str
    kind: Kind
    expression: str
    where: str | None
    meaning: str
    entity: str | None = None

    @property
    def id(self) -> str:
        return blake2b(self.meaning.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Total:
    measure: Measure
    days: int = 1


@dataclass(frozen=True, slots=True)
class Quantile:
    measure: Measure
    level: float
    days: int = 1


@dataclass(frozen=True, slots=True)
class Members:
    measure: Measure
    days: int = 1


@dataclass(frozen=True, slots=True)
class Combine:
    op: Literal["&", "|", "-"]
    left: Members | Combine
    right: Members | Combine


@dataclass(frozen=True, slots=True)
class Size:
    members: Members | Combine


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Arithmetic:
    op: Literal["+", "-", "*", "/"]
    left: Series
    right: Series


Series = Total | Quantile | Size | Number | Arithmetic
Leaf = Total | Quantile | Members
Node = Series | Members | Combine


@singledispatch
def children(_node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    return ()


@children.register
def _(node: Combine) -> tuple[Node, ...]:
    return (node.left, node.right)


@children.register
def _(node: Arithmetic) -> tuple[Node, ...]:
    return (node.left, node.right)


@children.register
def _(node: Size) -> tuple[Node, ...]:
    return (node.members,)


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf, left to right, with repetitions."""
    if isinstance(node, Total | Quantile | Members):
        yield node
    for child in children(node):
        yield from leaves(child)


def rolled(node: Series, days: int) -> Series | None:
    """The same series over a trailing window, or None where merging days would change its meaning."""
    if isinstance(node, Total) and node.days == 1:
        return replace(node, days=days)
    if isinstance(node, Size) and isinstance(node.members, Members) and node.members.days == 1:
        return Size(replace(node.members, days=days))
    return None


def ratio_parts(node: Series) -> tuple[Series, Series] | None:
    """Numerator and denominator, when the series is a quotient."""
    if isinstance(node, Arithmetic) and node.op == "/":
        return node.left, node.right
    return None
