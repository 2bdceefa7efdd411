"""The two small languages of `expr`: sets of unique metrics (& | -) and arithmetic over series (+ - * /).

Both know `offset(x, 7d)`: x as it was seven days before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeGuard, TypeVar, cast

T = TypeVar("T")
_SETS: dict[type, str] = {ast.BitAnd: "&", ast.BitOr: "|", ast.Sub: "-"}
_ARITHMETIC: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_DAYS = re.compile(r"\b(\d+)([dw])\b")


class BadAlgebra(Exception):
    """The text is not of the language; the message says why."""


class Builder(Protocol[T]):
    """What a reader of the language makes of its names, numbers, operators and offsets."""

    def name(self, name: str) -> T: ...
    def number(self, value: float) -> T: ...
    def join(self, op: str, left: T, right: T) -> T: ...
    def offset(self, value: T, days: int) -> T: ...


@dataclass(frozen=True, slots=True)
class _Reader(Generic[T]):
    builder: Builder[T]
    operators: dict[type, str]
    numbers: bool

    def read(self, node: ast.expr) -> T:
        if (name := _dotted(node)) is not None:
            return self.builder.name(name)
        if isinstance(node, ast.Constant) and _is_number(node.value) and self.numbers:
            return self.builder.number(float(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and self.numbers:
            return self.builder.join("-", self.builder.number(0.0), self.read(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in self.operators:
            return self.builder.join(self.operators[type(node.op)], self.read(node.left), self.read(node.right))
        if (days := _offset(node)) is not None:
            return self.builder.offset(self.read(cast("ast.Call", node).args[0]), -days)
        listed = f"names{', numbers' if self.numbers else ''}, {' '.join(self.operators.values())}"
        raise BadAlgebra(f"only {listed} and offset(name, 7d) are allowed")


def fold(text: str, sets: bool, builder: Builder[T]) -> T:
    """Read `text` and build a value from it. Raises BadAlgebra.

    Precedence is Python's: `-` binds tighter than `&`, which binds tighter than `|`.
    """
    return _Reader(builder, _SETS if sets else _ARITHMETIC, numbers=not sets).read(_parsed(text))


def _dotted(node: ast.expr) -> str | None:
    """`name` or `name.part`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


def _offset(node: ast.expr) -> int | None:
    """The days of `offset(x, 7d)`, which `_parsed` has written as offset(x, '7d')."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "offset"):
        return None
    last = node.args[1] if len(node.args) == 2 and not node.keywords else None
    match = _DAYS.fullmatch(str(last.value)) if isinstance(last, ast.Constant) else None
    if match is None:
        raise BadAlgebra("offset takes a metric and a number of days or weeks, such as offset(views, 7d)")
    return int(match[1]) * (7 if match[2] == "w" else 1)


def _is_number(value: object) -> TypeGuard[float]:
    """True is an int to Python, and 1e999 is infinite; neither is a number here."""
    return type(value) in (int, float) and abs(cast("float", value)) < 1e300


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(_DAYS.sub(r"'\1\2'", text.strip()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadAlgebra("it cannot be read") from error


def names(text: str) -> list[str]:
    """The metrics that an expression mentions, in order of appearance; empty when it cannot be read."""
    try:
        found = list(_mentioned(_parsed(text)))
    except BadAlgebra:
        return []
    return [name for _, name in sorted(found)]


def _mentioned(node: ast.expr) -> Iterator[tuple[tuple[int, int], str]]:
    if (name := _dotted(node)) is not None:
        yield (node.lineno, node.col_offset), name
        return
    for child in node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _mentioned(child)
