"""The SELECT of a model: parsed by sqlglot, and refused unless it is one query whose result follows from its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from assay.catalog.functions import BARE, FORBIDDEN
from assay.catalog.memory import Known, recall
from assay.catalog.parsing import dialect, glot, nested_too_deeply, normal, unparsed
from assay.catalog.template import BadExpression

WINDOW = frozenset(("assay__start", "assay__end", "assay__first", "assay__after"))  # bound when a model is built
# In a query, rows may be multiplied.
_ALLOWED = frozenset(("arrayjoin", "unnest"))
_INTERNAL = ("system", "information_schema")  # they tell about users and queries
_GENERATORS = frozenset(("numbers", "numbers_mt", "zeros", "generate_series", "generateseries", "values", "view"))
# Nothing is called by these words without quotes, so that their case carries no meaning.
_KEYWORDS = frozenset("AS BY FROM GROUP HAVING JOIN ON ORDER SELECT UNION USING WHERE WITH".split())  # noqa: SIM905
_WHY_ONE = "The compiler puts it into its own INSERT … SELECT, and the same days must give the same rows every time."
_KEY = "-- a query\n"  # what is known about a query is kept apart from expressions, which may not hold comments


@dataclass(frozen=True, slots=True)
class Query:
    """`sql` as it runs, `normal` as it is hashed, the `tables` that it names, and the `columns` that it returns.

    `columns` is None where a `*` or a column without a name hides them.
    """

    sql: str
    normal: str
    tables: frozenset[str]
    columns: frozenset[str] | None


def parse_query(sql: str) -> Query:
    """Parse a rendered query. Raises BadExpression (E401, E402)."""
    words, found = recall(_KEY + sql, lambda _: _learn(sql))
    tables, columns = (
        frozenset(each.removeprefix(mark) for each in found if each.startswith(mark)) for mark in ("from ", "gives ")
    )
    return Query(sql, words, tables, None if {"*", ""} & columns else columns)


def _learn(sql: str) -> Known:
    try:
        tokens = dialect().tokenize(sql)
        _refuse_tokens(tokens)
        trees = dialect().parser().parse(tokens, sql)
    except glot().errors.SqlglotError as error:
        raise unparsed(error, "It must be one SELECT in ClickHouse SQL.") from error
    except RecursionError as error:
        raise nested_too_deeply() from error
    if len(trees) != 1 or not isinstance(trees[0], glot().exp.Query):
        raise _refused("It is not a SELECT.", "Write one SELECT.")
    nodes = list(trees[0].walk())
    _refuse_nodes(nodes)
    gives = (f"gives {name}" for name in trees[0].named_selects)
    return normal(sql, tokens, _KEYWORDS), frozenset((*gives, *(f"from {name}" for name in _tables(nodes))))


def _refuse_tokens(tokens: Sequence[Any]) -> None:
    if not tokens:
        raise _refused("It is empty.", "Write one SELECT.")
    for token, after in zip_longest(tokens, tokens[1:]):
        name, kind = token.text.lower(), token.token_type.name
        if kind == "SEMICOLON":
            raise _refused("A ';' ends a statement.", "Remove the ';'.")
        called = after is not None and after.token_type.name == "L_PAREN"
        if (called and name in FORBIDDEN - _ALLOWED and kind != "IN") or (
            kind not in ("IDENTIFIER", "STRING") and name in BARE
        ):
            raise _refused(
                f"The value of '{token.text}' does not follow from the rows.", "Use columns and {{ window }}."
            )


def _refuse_nodes(nodes: Sequence[Any]) -> None:
    exp = glot().exp
    for each in nodes:
        if isinstance(each, exp.Query) and (each.args.get("settings") or each.args.get("format")):
            raise _refused("It has SETTINGS or FORMAT of its own.", "Remove them.")
        if isinstance(each, exp.Placeholder | exp.Parameter) and each.name not in WINDOW:
            raise _refused("It holds a placeholder.", "Write the value out, or use {{ window }}.")
        if isinstance(each, exp.Table) and not isinstance(each.this, exp.Identifier | None):
            name = each.this.name.lower()
            if name not in _GENERATORS:
                raise _refused(f"'{name}()' reads outside the warehouse's tables.", "Read sources and models.")
        if isinstance(each, exp.Table) and each.db.lower() in _INTERNAL:
            raise _refused(f"'{each.db}' is ClickHouse's own database.", "Read sources and models.")
        if isinstance(each, exp.In) and isinstance(_looked_up(each), exp.Column):
            raise _refused("The right side of IN could be a table.", "Write IN (SELECT … FROM …).")


def _looked_up(node: Any) -> Any:
    """What stands alone on the right side of IN, without brackets."""
    found = node.args.get("field") or (node.expressions[0] if len(node.expressions) == 1 else None)
    return found.unnest() if found else None


def _tables(nodes: Sequence[Any]) -> Iterator[str]:
    exp = glot().exp
    named = {each.alias for each in nodes if isinstance(each, exp.CTE)}
    for each in nodes:
        if (
            isinstance(each, exp.Table)
            and isinstance(each.this, exp.Identifier)
            and (each.db or each.name not in named)
        ):
            yield f"{each.db}.{each.name}" if each.db else each.name


def _refused(what: str, fix: str) -> BadExpression:
    return BadExpression("E402", f"This is not the query of a model. {what}", _WHY_ONE, fix)
