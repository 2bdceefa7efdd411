"""One line of JSON per statement, on the logger `assay.statements`. Off unless somebody listens.

Purpose, place and figures only: no SQL and no parameters, which may hold what nobody should read in a log.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from assay.statement import Insert, Statement

LOGGER = logging.getLogger("assay.statements")


@contextmanager
def timed(statement: Statement | Insert, query_id: str) -> Iterator[list[int]]:
    """Log the statement that runs inside, whichever way it ends; the rows of its answer are put into the list."""
    if not LOGGER.isEnabledFor(logging.INFO):
        yield []
        return
    rows, begun, status = list[int](), time.perf_counter(), "failed"
    try:
        yield rows
        status = "done"
    finally:
        origin = statement.origin if isinstance(statement, Statement) else None
        line = {
            "purpose": statement.purpose,
            "origin": str(origin) if origin else None,
            "status": status,
            "seconds": round(time.perf_counter() - begun, 4),
            "rows": sum(rows),
            "query_id": query_id,
        }
        LOGGER.info(json.dumps(line, ensure_ascii=False))


def to_stderr() -> None:
    """Listen: every line goes to standard error as it is."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO)
