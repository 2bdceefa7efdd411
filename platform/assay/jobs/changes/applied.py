"""What was applied last: a manifest in the warehouse, and a copy of it beside the project's other files.

`plan` reads the copy, so that it needs no warehouse; whoever opens the warehouse brings the copy up to date.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from assay.catalog.manifest import Manifest, from_json
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.statement import Insert, Statement

COPY = "applied.json"


def read(context: Context) -> Manifest | None:
    """The manifest of the last apply, from the warehouse; None before the first. The copy becomes the same."""
    sql = f"SELECT manifest FROM {context.database}.applied ORDER BY stored_at DESC LIMIT 1"  # noqa: S608 - a checked name
    try:
        rows = context.engine.run(Statement(sql, "read what was applied")).rows
    except WarehouseError as error:
        if error.diagnostics[0].code != "E506":
            raise
        rows = ()
    if not rows:
        _copy(context.target).unlink(missing_ok=True)
        return None
    found = _parsed(rows[0][0], f"the table {context.database}.applied", "Apply again with this version of Assay.")
    _write(context.target, rows[0][0])
    return found


def store(context: Context, manifest: Manifest) -> None:
    """Remember a manifest as applied."""
    text = manifest.as_json()
    token = blake2b(f"{context.now.isoformat()} {text}".encode(), digest_size=16).hexdigest()
    columns: dict[str, Sequence[Any]] = {"applied_at": [context.now], "manifest": [text]}
    context.engine.run(Insert(f"{context.database}.applied", columns, "remember what was applied", token))
    _write(context.target, text)


def read_copy(target: Path) -> Manifest | None:
    """The manifest of the last apply, from the copy in the target folder; None if there is none. Raises E604."""
    path = _copy(target)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), str(error), _REFRESH) from error
    return _parsed(text, str(path), _REFRESH)


_REFRESH = "Run 'platform plan --price', which copies it anew from the warehouse, or delete the file."


def _parsed(text: str, where: str, fix: str) -> Manifest:
    try:
        return from_json(text)
    except ValueError as error:
        raise _unreadable(where, str(error), fix) from error


def _unreadable(where: str, what: str, fix: str) -> UsageError:
    return UsageError.of(
        "E604",
        f"What was applied cannot be read from {where}: {what.rstrip('.')}.",
        why="A plan is the difference to what was applied.",
        fix=fix,
    )


def _copy(target: Path) -> Path:
    return target / COPY


def _write(target: Path, text: str) -> None:
    """Whole or not at all: somebody may be reading."""
    target.mkdir(parents=True, exist_ok=True)
    temporary = target / f".{COPY}.{os.getpid()}"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(_copy(target))
