"""Driver errors, translated at the border: nothing of clickhouse-connect leaks past this file."""

from __future__ import annotations

import re

from assay.errors import WarehouseError
from assay.statement import Insert, Statement

# ClickHouse error number: our code and what to do. Everything else is E505.
_BY_NUMBER: dict[int, tuple[str, str]] = {
    60: ("E506", "Create the table, or correct 'table:' in the source."),
    81: ("E506", "Create the database, or correct the DSN or 'table:' in the source."),
    16: ("E507", "Correct the column's name, or add it to the table."),
    47: ("E507", "Correct the column's name, or add it to the table."),
    74: ("E508", "Free space on the disk, then run the same command again."),
    75: ("E508", "Free space on the disk, then run the same command again."),
    243: ("E508", "Free space on the disk, then run the same command again."),
    159: ("E509", "Ask for fewer days, or raise 'warehouse.timeout' in project.yaml."),
    516: ("E504", "Check user and password in the DSN."),
    210: ("E504", "Check that the server runs and that host and port in the DSN are right."),
}
_WHY = {
    "E504": "Every number comes from ClickHouse.",
    "E505": "ClickHouse answered with an error.",
    "E506": "The definitions name a table that the warehouse does not have.",
    "E507": "An expression uses a column that the table does not have.",
    "E508": "ClickHouse could not write; what was published before is untouched.",
    "E509": "A statement has a time limit so that a mistake cannot occupy the warehouse.",
}
# Passing troubles: a query (never a write) may be tried again.
RETRY = frozenset({202, 209, 210, 242, 252, 279, 319, 425, 999})
_NUMBER = re.compile(r"Code: (\d+)\. ")
_TEXT = re.compile(r"DB::Exception: (.*?)(?: \([A-Z_]+\)| \(version|$)", re.DOTALL)


def number(error: Exception) -> int | None:
    """The ClickHouse error number inside a driver error, if there is one."""
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else None


def translate(error: Exception, statement: Statement | Insert) -> WarehouseError:
    """A WarehouseError for a driver error. The statement's YAML origin becomes the location."""
    code, fix = classify(error)
    found = _TEXT.search(str(error))
    told = " ".join((found[1] if found else str(error)).split())
    text = told.partition(". In scope SELECT")[0][:400]  # the scope repeats the whole statement
    return WarehouseError.of(
        code,
        f"{statement.purpose}: {text.rstrip('.')}.",
        why=_WHY[code],
        fix=fix,
        location=statement.origin if isinstance(statement, Statement) else None,
    )


def classify(error: Exception) -> tuple[str, str]:
    code = number(error)
    if "No space left on device" in str(error):
        return _BY_NUMBER[243]
    if code in _BY_NUMBER:
        return _BY_NUMBER[code]
    if code is None and type(error).__name__ == "OperationalError":
        return _BY_NUMBER[210]
    return "E505", "See the statement with 'platform show NAME' and correct the expression."
