"""A user's SQL expression: rendered by Jinja in a sandbox, parsed by sqlglot, and refused unless it is one expression.

The text that runs is the user's own; the normalised form serves the hash, so that spacing, case of keywords and
redundant brackets never change what a metric means.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from assay.errors import DefinitionsError, Diagnostic, Location, did_you_mean

# Scalar functions that reach outside the row, or stop the server.
FORBIDDEN = frozenset({"file", "sleep", "sleepeachrow", "throwif", "currentuser", "getsetting", "shownonportable"})
RESERVED = "assay__"
_WHY_ONE = "The compiler puts the expression into its own statement, where only a value or condition of one row fits."


@dataclass(frozen=True, slots=True)
class Expression:
    """`sql` as it runs, `normal` as it is hashed, and the `columns` that it reads."""

    sql: str
    normal: str
    columns: frozenset[str]


class BadExpression(Exception):
    """Why a text is not an expression; the caller knows where it stands and makes a Diagnostic of it."""

    def __init__(self, code: str, message: str, why: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.message, self.why, self.fix = code, message, why, fix

    def at(self, location: Location) -> Diagnostic:
        return Diagnostic(self.code, self.message, self.why, self.fix, location)


@lru_cache(maxsize=65536)
def parse(text: str) -> Expression:
    """Render and parse one expression. Raises BadExpression (E401, E402, E403)."""
    sql = render(text).strip()
    tree = _tree(sql)
    columns = frozenset(_column_name(each) for each in tree.find_all(_glot().exp.Column))
    reserved = sorted(name for name in columns if name.startswith(RESERVED))
    if reserved:
        raise _not_one(f"'{reserved[0]}' is a name that the compiler keeps for itself.", "Use columns of the table.")
    return Expression(sql, _normal(tree), columns)


def render(text: str) -> str:
    """Fill a Jinja text in a sandbox where an undefined name is an error. Raises BadExpression E403."""
    if "{" not in text:
        return text
    import jinja2

    try:
        return str(_sandbox().from_string(text).render())
    except (jinja2.TemplateError, ValueError, TypeError, OverflowError) as error:
        raise BadExpression(
            "E403", f"The template fails: {error}.", "SQL texts are Jinja templates.", "Correct the template."
        ) from error


@lru_cache(maxsize=1)
def _sandbox() -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters |= {"ident": quote_identifier, "literal": quote_literal}
    environment.globals.clear()
    return environment


def quote_identifier(name: object) -> str:
    """A ClickHouse identifier in backticks."""
    return "`" + str(name).replace("\\", "\\\\").replace("`", "\\`") + "`"


def quote_literal(value: object) -> str:
    """A ClickHouse literal: numbers as they are, everything else as a quoted string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


@lru_cache(maxsize=1)
def _glot() -> Any:
    import sqlglot  # about 0.1 s: only projects with changed expressions pay for it

    return sqlglot


def _tree(sql: str) -> Any:
    import logging

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    glot = _glot()
    if not sql or "--" in sql or "/*" in sql:
        raise _not_one("It is empty or holds a comment.", "Write one SQL expression without comments.")
    try:
        trees = glot.parse(sql, dialect="clickhouse")
    except glot.errors.SqlglotError as error:
        raise _unparsed(error) from error
    if len(trees) != 1 or trees[0] is None:
        raise _not_one("It holds more than one statement.", "Remove the ';'.")
    _refuse_outsiders(trees[0])
    return trees[0]


def _unparsed(error: Any) -> BadExpression:
    first = (getattr(error, "errors", None) or [{}])[0]
    what = first.get("description") or str(error).splitlines()[0]
    near = (first.get("highlight") or "").strip()
    place = f" near '{near}'" if near else ""
    return BadExpression(
        "E401",
        f"The SQL cannot be parsed{place}: {what.rstrip('.')}.",
        "It must be ClickHouse SQL.",
        "Correct the SQL.",
    )


def _refuse_outsiders(tree: Any) -> None:
    exp = _glot().exp
    # Query covers SELECT and UNION; a bare alias or command is no value of a row
    if isinstance(tree, exp.Command | exp.DDL | exp.DML | exp.Alias) or tree.find(exp.Query, exp.Placeholder):
        raise _not_one(
            "It is a statement, a subquery, an alias or a placeholder.", "Write one expression over columns."
        )
    for function in tree.find_all(exp.Func):
        name = function.sql_name() if not isinstance(function, exp.Anonymous) else str(function.this)
        if name.lower() in FORBIDDEN:
            raise _not_one(f"The function '{name}' reaches outside the row.", "Use functions of the row's columns.")


def _not_one(what: str, fix: str) -> BadExpression:
    return BadExpression("E402", f"This is not a plain expression. {what}", _WHY_ONE, fix)


def _column_name(column: Any) -> str:
    return str(column.parts[0].name)


def _normal(tree: Any) -> str:
    exp = _glot().exp
    plain = tree.copy()
    while isinstance(plain, exp.Paren):
        plain = plain.this
    return str(plain.sql(dialect="clickhouse", comments=False, normalize_functions=False))


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


def require(text: str, location: Location) -> Expression:
    """`parse`, with the error located. Raises DefinitionsError."""
    try:
        return parse(text)
    except BadExpression as error:
        raise DefinitionsError(error.at(location)) from error
