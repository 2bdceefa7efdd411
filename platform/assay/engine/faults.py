"""Driver errors, translated at the border: nothing of clickhouse-connect leaks past this file."""

from __future__ import annotations

import re

from assay.errors import AssayError, WarehouseError
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
    158: ("E515", "Ask for fewer days, or raise 'limits.rows' of the source or of project.yaml."),
    241: ("E515", "Ask for fewer days or dimensions, or raise 'limits.memory' of the source or of project.yaml."),
    159: ("E509", "Ask for fewer days, or raise 'limits.seconds' or 'warehouse.timeout' in project.yaml."),
    516: ("E504", "Check user and password in the DSN."),
    701: (
        "E504",
        "Correct 'cluster:' in project.yaml: 'SELECT DISTINCT cluster FROM system.clusters' lists what there is.",
    ),
    279: ("E504", "See 'platform doctor': a node of the cluster does not answer."),
    285: ("E504", "See 'platform doctor': too few nodes of the cluster hold the table to be sure of what is written."),
    210: ("E504", "Check that the server runs and that host and port in the DSN are right."),
}
_WHY = {
    "E504": "Every number comes from ClickHouse.",
    "E505": "ClickHouse answered with an error.",
    "E506": "The definitions name a table that the warehouse does not have.",
    "E507": "An expression uses a column that the table does not have.",
    "E508": "ClickHouse could not write; what was published before is untouched.",
    "E515": "A limit stops what would cost too much; half an answer is never given.",
    "E509": "A statement has a time limit so that a mistake cannot occupy the warehouse.",
}
# Passing troubles: a query (never a write) may be tried again.
_SAME_ID = 216  # the driver sent it again over a new connection while the server still ran it
RETRY = frozenset({202, 209, 210, 242, 252, 279, 319, 425, 999, _SAME_ID})
_UNTRUSTED = ("E504", "Name the certificate of its authority in the DSN, ?ca_cert=path/to/ca.pem.")
_NUMBER = re.compile(r"Code: (\d+)\. ")
_LOST = ("OperationalError", "StreamFailureError")  # of the driver, when there was no answer or half of one
_ADDRESS = re.compile(r" with url: \S*| \(for url [^)]*\)")  # one repeats every parameter
_TEXT = re.compile(r"DB::Exception: (.*?)(?: \([A-Z_]+\)| \(version|$)", re.DOTALL)


def number(error: BaseException) -> int | None:
    """The ClickHouse error number inside a driver error, if there is one."""
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else None


def passing(error: Exception) -> bool:
    """Whether a query may succeed if it is tried again. After a timeout it has had its time."""
    found = number(error)
    return found in RETRY if found else type(error).__name__ in _LOST and "timed out" not in str(error)


def unanswered(error: BaseException) -> bool:
    """Whether the server may still be working: it has not said that the statement is over."""
    return not isinstance(error, AssayError) and number(error) in (None, _SAME_ID)


def told(error: Exception) -> str:
    """What the database or the driver said, on one line."""
    whole = _ADDRESS.sub("", str(error))
    found = _TEXT.search(whole)
    text = " ".join((found[1] if found else whole).split())
    return text.partition(". In scope SELECT")[0][:400].rstrip(".")  # the scope repeats the whole statement


def translate(error: Exception, statement: Statement | Insert) -> WarehouseError:
    """A WarehouseError for a driver error. The statement's YAML origin becomes the location."""
    code, fix = classify(error)
    return WarehouseError.of(
        code,
        f"{statement.purpose}: {told(error)}.",
        why=_WHY[code],
        fix=fix,
        location=statement.origin if isinstance(statement, Statement) else None,
    )


def classify(error: Exception) -> tuple[str, str]:
    code = number(error)
    if "No space left on device" in str(error):
        return _BY_NUMBER[243]
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return _UNTRUSTED
    if code in _BY_NUMBER:
        return _BY_NUMBER[code]
    if code is None and type(error).__name__ in _LOST:
        return _BY_NUMBER[210]
    return "E505", "See the statement with 'platform show NAME' and correct the expression."
