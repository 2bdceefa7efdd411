"""Exactly one statement at a time."""

from __future__ import annotations

import re

from assay.errors import UsageError

# Strings, quoted identifiers and comments: a ';' inside them separates nothing.
_OPAQUE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|--[^\n]*|/\*.*?\*/""", re.DOTALL)


def refuse_statements(sql: str) -> None:
    """Raise UsageError E402 when `sql` holds more than one statement: chDB would run them all."""
    if ";" in _OPAQUE.sub("", sql).rstrip().removesuffix(";"):
        raise UsageError.of(
            "E402",
            "A ';' stands outside quotes.",
            why="One statement runs at a time, so that nothing can be smuggled in.",
            fix="Remove the ';'.",
        )
