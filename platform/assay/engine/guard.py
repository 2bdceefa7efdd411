"""Exactly one statement at a time."""

from __future__ import annotations

import re

from assay.errors import UsageError

# What ClickHouse's lexer takes as one token: a ';' inside it separates nothing. Leftmost first, as the lexer reads.
_OPAQUE = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`"""  # strings and quoted identifiers
    r"""|‘[^’]*’|“[^”]*”"""  # the same between typographic quotes
    r"""|(?<![0-9A-Za-z_$])\$([0-9A-Za-z_]*)\$.*?\$\1\$"""  # heredocs; '$' inside a word begins none
    r"""|--[^\n]*|#[ !][^\n]*|/\*.*?\*/""",
    re.DOTALL,
)


def refuse_statements(sql: str) -> None:
    """Raise UsageError E402 when `sql` holds more than one statement: chDB would run them all."""
    if ";" in _OPAQUE.sub(" ", sql).rstrip().removesuffix(";"):
        raise UsageError.of(
            "E402",
            "A ';' stands outside quotes.",
            why="One statement runs at a time, so that nothing can be smuggled in.",
            fix="Remove the ';'.",
        )
