"""A user's SQL expression: rendered by Jinja in a sandbox, parsed by sqlglot, and refused unless it is one expression.

The text that runs is the user's own; the normalised form serves the hash, so that spacing, case of keywords and
outer brackets never change what a metric means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from assay.catalog.functions import BARE, FORBIDDEN
from assay.catalog.memory import Known, recall
from assay.catalog.parsing import dialect, glot, nested_too_deeply, normal, unparsed
from assay.catalog.template import BadExpression, quote_identifier, quote_literal, render
from assay.errors import Diagnostic, Location, did_you_mean

__all__ = [
    "RESERVED", "BadExpression", "Expression", "check_columns", "parse", "quote_identifier", "quote_literal", "render",
]  # fmt: skip

RESERVED = "assay__"
_TYPOGRAPHIC = frozenset("‘’“”")
_RULE = "It must be one expression in ClickHouse SQL."
_WHY_ONE = "The compiler puts the expression into its own statement, where only a value or condition of one row fits."


@dataclass(frozen=True, slots=True)
class Expression:
    """`sql` as it runs, `normal` as it is hashed, and the `columns` that it reads."""

    sql: str
    normal: str
    columns: frozenset[str]


def parse(text: str) -> Expression:
    """Render and parse one expression. Raises BadExpression (E401, E402, E403)."""
    sql = render(text).strip()
    return Expression(sql, *recall(sql, _learn))


def _learn(sql: str) -> Known:
    try:
        tokens = dialect().tokenize(sql)
        _refuse_tokens(tokens)
        tree = _tree(sql, tokens)
    except glot().errors.SqlglotError as error:
        raise unparsed(error, _RULE) from error
    nodes = list(tree.walk())  # once: walking costs more than parsing
    _refuse_nodes(nodes)
    columns = frozenset(str(each.parts[0].name) for each in nodes if isinstance(each, glot().exp.Column))
    if reserved := sorted(name for name in columns if name.lower().startswith(RESERVED)):
        raise _not_one(f"'{reserved[0]}' is a name that the compiler keeps for itself.", "Use columns of the table.")
    return _normal(sql, tokens, tree), columns


def _refuse_tokens(tokens: Sequence[Any]) -> None:
    if not tokens or any(token.comments for token in tokens):
        raise _not_one("It is empty or holds a comment.", "Write one SQL expression without comments.")
    for token, after in zip_longest(tokens, tokens[1:]):
        name, kind = token.text.lower(), token.token_type.name
        if kind == "SEMICOLON":
            raise _not_one("A ';' ends a statement.", "Remove the ';'.")
        if kind == "VAR" and _TYPOGRAPHIC & set(token.text):
            raise _not_one("It holds a typographic quotation mark.", "Put text between plain quotes: 'text'.")
        called = after is not None and after.token_type.name == "L_PAREN"
        if (called and name in FORBIDDEN and kind != "IN") or (kind != "IDENTIFIER" and name in BARE):
            raise _not_one(f"The function '{token.text}' reaches outside the row.", "Use functions of columns.")


def _tree(sql: str, tokens: Sequence[Any]) -> Any:
    try:
        trees = dialect().parser().parse_into(glot().exp.Expr, tokens, sql)
    except RecursionError as error:
        raise nested_too_deeply() from error
    # a word such as ELSE alone is none, and what begins with IF without a bracket is kept as text that nobody read
    if len(trees) != 1 or not isinstance(trees[0], glot().exp.Expr) or isinstance(trees[0], glot().exp.Command):
        raise BadExpression("E401", "The SQL cannot be parsed.", _RULE, "Correct the SQL.")
    return trees[0]


def _refuse_nodes(nodes: Sequence[Any]) -> None:
    exp = glot().exp
    kinds = (
        ((exp.Query, exp.Values), "a subquery"),
        ((exp.Alias, exp.Aliases), "an alias, or an operator is missing between two words"),
        ((exp.Placeholder, exp.Parameter), "a placeholder"),
        ((exp.AggFunc, exp.Window), "an aggregate: metrics aggregate by their type"),
        ((exp.Star, exp.Columns), "a list of columns"),
    )
    for kind, what in kinds:
        if any(isinstance(each, kind) for each in nodes):
            raise _not_one(f"It holds {what}.", "Write one expression over columns.")
    for each in (node for node in nodes if isinstance(node, exp.In)):
        if isinstance(each.args.get("field"), exp.Column | exp.Func) or _single_column(each):
            raise _not_one("The right side of IN could be a table.", "List the values: IN (1, 2).")


def _single_column(node: Any) -> bool:
    """Brackets around a name change nothing: `IN ((t))` reads the table `t`."""
    listed = node.expressions
    return len(listed) == 1 and isinstance(listed[0].unnest(), glot().exp.Column)


def _not_one(what: str, fix: str) -> BadExpression:
    return BadExpression("E402", f"This is not a plain expression. {what}", _WHY_ONE, fix)


def _normal(sql: str, tokens: Sequence[Any], tree: Any) -> str:
    """The tokens, one space apart.

    Not the SQL that sqlglot would write: it writes `length` and `lengthUTF8` alike, which are different numbers.
    """
    while isinstance(tree, glot().exp.Paren):
        tree, tokens = tree.this, tokens[1:-1]
    return normal(sql, tokens)


def check_columns(expression: Expression, known: frozenset[str], location: Location) -> list[Diagnostic]:
    """E204 for each column that the source does not declare."""
    return [
        Diagnostic(
            "E204",
            f"Unknown column '{name}'.{did_you_mean(name, known)}",
            "The source declares its columns, and this is not one of them.",
            f"Use one of: {', '.join(sorted(known))}; or add it to 'columns:'.",
            location,
        )
        for name in sorted(expression.columns - known)
    ]
