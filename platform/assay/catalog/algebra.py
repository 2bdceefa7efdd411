"""The two small languages of `expr`: sets of unique metrics (& | -) and arithmetic over series (+ - * /)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeGuard, TypeVar, cast

T = TypeVar("T")
_SETS: dict[type, str] = {ast.BitAnd: "&", ast.BitOr: "|", ast.Sub: "-"}
_ARITHMETIC: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class BadAlgebra(Exception):
    """The text is not of the language; the message says why."""


def fold(text: str, sets: bool, name: Callable[[str], T], number: Callable[[float], T], join: Callable[..., T]) -> T:
    """Read `text` and build a value from its names, numbers and operators: `join(op, left, right)`.

    Raises BadAlgebra. Precedence is Python's: `-` binds tighter than `&`, which binds tighter than `|`.
    """
    operators = _SETS if sets else _ARITHMETIC

    def walk(node: ast.expr) -> T:
        if isinstance(node, ast.Name):
            return name(node.id)
        if isinstance(node, ast.Constant) and _is_number(node.value) and not sets:
            return number(float(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not sets:
            return join("-", number(0.0), walk(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in operators:
            return join(operators[type(node.op)], walk(node.left), walk(node.right))
        raise BadAlgebra(f"only names{'' if sets else ', numbers'} and {' '.join(operators.values())} are allowed")

    return walk(_parsed(text))


def _is_number(value: object) -> TypeGuard[float]:
    """True is an int to Python, and 1e999 is infinite; neither is a number here."""
    return type(value) in (int, float) and abs(cast("float", value)) < 1e300


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadAlgebra("it cannot be read") from error


def names(text: str) -> list[str]:
    """The metric names that an expression mentions, in order of appearance; empty when it cannot be read."""
    try:
        tree = _parsed(text)
    except BadAlgebra:
        return []
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return [node.id for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))]
