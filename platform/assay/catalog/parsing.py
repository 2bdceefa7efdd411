"""sqlglot behind a few functions: its dialect, its complaints in our words, and a normal form of tokens."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from assay.catalog.template import BadExpression

# Words that no column can be called without quotes, so that their case carries no meaning.
_WORDS = frozenset((
    "AND", "OR", "NOT", "IN", "GLOBAL", "IS", "NULL", "LIKE", "ILIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "END",
    "TRUE", "FALSE",
))  # fmt: skip


@lru_cache(maxsize=1)
def glot() -> Any:
    """The package."""
    import sqlglot  # about 0.1 s: only projects with changed expressions pay for it

    logging.getLogger("sqlglot").addHandler(logging.NullHandler())  # what it logs holds the user's text; we refuse it
    return sqlglot


@lru_cache(maxsize=1)
def dialect() -> Any:
    """The dialect of ClickHouse."""
    return glot().Dialect.get_or_raise("clickhouse")


# How sqlglot begins its complaints, and what we say instead of them.
_COMPLAINTS = (
    ("Invalid expression", "it does not belong here"),
    ("Required keyword", "something is missing here"),
    ("Expecting", "a bracket is missing here"),
    ("The number of provided arguments", "the function takes another number of arguments"),
    ("Error tokenizing", "a quote is not closed, or a character is not of the language"),
    ("Missing", "a quote is not closed"),
)


def unparsed(error: Any, rule: str) -> BadExpression:
    """E401 for what sqlglot could not read, with its place in the text; `rule` is what the text must be."""
    first = (getattr(error, "errors", None) or [{}])[0]
    told = first.get("description") or str(error).splitlines()[0]
    what = next((ours for theirs, ours in _COMPLAINTS if told.startswith(theirs)), told.rstrip("."))
    near = (first.get("highlight") or "").strip()
    place = f" near '{near}'" if near else ""
    found = BadExpression("E401", f"The SQL cannot be parsed{place}: {what}.", rule, "Correct the SQL.")
    if first.get("line"):
        found.position = first["line"], max(first["col"] - len(near) + 1, 1)
    return found


def nested_too_deeply() -> BadExpression:
    """E401 for what sqlglot's recursion cannot hold."""
    return BadExpression("E401", "The SQL is nested too deeply.", "It must be readable.", "Simplify the SQL.")


def normal(sql: str, tokens: Sequence[Any], keywords: frozenset[str] = frozenset()) -> str:
    """The tokens, one space apart: what is left of a text without spacing, comments and the case of keywords."""
    return " ".join(_words(sql, tokens, _WORDS | keywords))


def _words(sql: str, tokens: Sequence[Any], keywords: frozenset[str]) -> Iterator[str]:
    for token in tokens:
        text = sql[token.start : token.end + 1]
        folded = " ".join(text.upper().split())
        yield folded if set(folded.split()) <= keywords else text
