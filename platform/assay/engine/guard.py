"""One statement at a time, which reads unless it says otherwise."""

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


_COMMENTS = ("--", "#", "/*")
_FILE = re.compile(r"\bINTO\s+OUTFILE\b", re.IGNORECASE)
_READS = re.compile(r"[\s(]*(SELECT|WITH|SHOW|DESCRIBE|DESC|EXPLAIN|EXISTS)\b", re.IGNORECASE)


def refuse_statements(sql: str, writes: bool) -> None:
    """Raise UsageError E402 unless `sql` is one statement that leaves no file and, without `writes`, only reads.

    chDB would run every statement, and write files with the rights of this process; `readonly` alone still allows
    INSERT INTO FUNCTION file(…), KILL and temporary tables.
    """
    plain = _OPAQUE.sub(lambda found: " " if found[0].startswith(_COMMENTS) else "''", sql)
    if ";" in plain.rstrip().removesuffix(";"):
        raise _refused("A ';' stands outside quotes.", "One statement runs at a time, so that nothing is smuggled in.")
    if _FILE.search(plain):
        raise _refused("INTO OUTFILE writes a file.", "A statement answers with rows and leaves no other trace.")
    if not writes and not _READS.match(plain):
        raise _refused("This statement does more than read.", "Only statements that say so may change anything.")


def _refused(what: str, why: str) -> UsageError:
    return UsageError.of("E402", what, why=why, fix="Remove it.")
