"""Jinja in a user's SQL: a sandbox, a few filters, and no construct whose work could outgrow its text."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from assay.errors import Diagnostic, Location

FILTERS = ("abs", "first", "int", "join", "last", "length", "lower", "round", "sort", "string", "unique", "upper")
_NESTED = 2
_ROOM = "SQL texts are Jinja templates with {{ }}, {% if %} and {% for %}; ClickHouse does the calculating."


class BadExpression(Exception):
    """Why a text is not an expression; the caller knows where it stands and makes a Diagnostic of it."""

    def __init__(self, code: str, message: str, why: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.message, self.why, self.fix = code, message, why, fix

    def at(self, location: Location) -> Diagnostic:
        return Diagnostic(self.code, self.message, self.why, self.fix, location)


def render(text: str) -> str:
    """Fill a Jinja text in a sandbox where an undefined name is an error. Raises BadExpression E403.

    Without calls, assignments, macros, `*` and `**`, and with at most two loops inside each other, the work is at
    most the square of the text's length.
    """
    if "{" not in text:
        return text
    try:
        tree = _sandbox().parse(text)
        _refuse_unbounded(tree)
        return str(_sandbox().from_string(text).render())
    except BadExpression:
        raise
    except Exception as error:  # a template may fail in any way that Python can
        raise _fails(str(error).rstrip(".") or type(error).__name__, "Correct the template.") from error


@lru_cache(maxsize=1)
def _sandbox() -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.globals.clear()
    known = {name: environment.filters[name] for name in FILTERS}
    environment.filters = known | {"ident": quote_identifier, "literal": quote_literal}
    return environment


def _refuse_unbounded(tree: Any) -> None:
    from jinja2 import nodes

    for node in tree.find_all((nodes.Stmt, nodes.Call, nodes.Mul, nodes.Pow, nodes.Mod)):
        if not isinstance(node, nodes.Output | nodes.If | nodes.For) or getattr(node, "recursive", False):
            raise _fails(f"'{type(node).__name__.lower()}' is not available here", "Write the SQL out.")
    if _depth(tree) > _NESTED:
        raise _fails(f"more than {_NESTED} loops stand inside each other", "Write the SQL out.")


def _depth(node: Any) -> int:
    deepest = max((_depth(child) for child in node.iter_child_nodes()), default=0)
    return deepest + (type(node).__name__ == "For")


def _fails(what: str, fix: str) -> BadExpression:
    return BadExpression("E403", f"The template fails: {what}.", _ROOM, fix)


def quote_identifier(name: object) -> str:
    """A ClickHouse identifier in backticks."""
    return "`" + str(name).replace("\\", "\\\\").replace("`", "\\`") + "`"


def quote_literal(value: object) -> str:
    """A ClickHouse literal: NULL for none, numbers and booleans as they are, everything else as a quoted string."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
