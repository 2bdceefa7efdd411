"""`dashboards export superset`: the boards of the definitions as a bundle over the wide tables."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from assay.catalog.catalog import Metric
from assay.compiler import dash
from assay.engine import Dsn
from assay.errors import UsageError
from assay.jobs.context import Context
from assay.jobs.outputs.boards.panels import panels, words
from assay.jobs.outputs.boards.store import Refreshed
from assay.jobs.outputs.boards.wide import Board, boards, refresh_all
from assay.report.superset import BoardView, Measure, Source, bundle, pack


@dataclass(frozen=True, slots=True)
class Exported:
    path: Path
    files: int
    dashboards: tuple[str, ...]
    tables: tuple[Refreshed, ...]

    def as_dict(self) -> dict[str, Any]:
        told = {"path": str(self.path), "files": self.files, "dashboards": list(self.dashboards)}
        return told | {"tables": [each.as_dict() for each in self.tables]}


def export(context: Context, names: Sequence[str], uri: str, out: Path) -> Exported:
    """Refresh the wide tables of some dashboards, of all without names, and write their bundle to the file `out`.

    `uri` is the SQLAlchemy address under which Superset reaches the warehouse. Raises UsageError E201 for unknown
    names, E601 for an address with a password or a place that cannot be written, and WarehouseError E511.
    """
    _refuse_password(uri)
    found = boards(context, names)
    tables = refresh_all(context, found)
    views = [view(context, board, uri) for board in found]
    files = bundle(views)
    _save(pack(files), out)
    return Exported(out, len(files), tuple(each.title for each in views), tuple(tables))


def address(dsn: Dsn) -> str:
    """The warehouse for clickhouse-connect's dialect of SQLAlchemy; Superset asks for the password."""
    if dsn.path is not None:
        return f"clickhousedb:///?interface=chdb&path={quote(str(dsn.path))}"
    secure = "?secure=true" if dsn.secure else ""
    host = f"[{dsn.host}]" if ":" in dsn.host else dsn.host
    return f"clickhousedb://{quote(dsn.user, safe='')}@{host}:{dsn.port}/{quote(dsn.database, safe='')}{secure}"


def _refuse_password(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        secret = parts.password or "password" in parse_qs(parts.query, keep_blank_values=True)
        wrong = "has a password" if secret else "" if parts.scheme == "clickhousedb" else "is another dialect"
    except ValueError:
        wrong = "is malformed"
    if wrong:
        raise UsageError.of(
            "E601",
            f"The address for Superset {wrong}.",
            why="A bundle is a file that people pass on; Superset asks for the password once, after the import.",
            fix="Use --uri clickhousedb://user@host:8123/database",
        )


def view(context: Context, board: Board, uri: str) -> BoardView:
    spec = board.dashboard.spec
    label = spec.label or board.dashboard.name.replace("_", " ").capitalize()
    return BoardView(
        table=board.table,
        title=f"{label}: {board.tab.label}",
        description=spec.description or "",
        owner=spec.owner or "",
        measures=tuple(_measure(board, metric) for metric in board.metrics),
        dimensions=tuple(each for each in board.dimensions if each in board.tab.by),
        source=Source(context.catalog.definitions.project.name, uri, context.database),
        panels=panels(context.catalog, board),
        words=words(board),
    )


def _measure(board: Board, metric: Metric) -> Measure:
    return Measure(
        column=dash.column_name(metric),
        label=metric.label,
        description=metric.spec.description or "",
        owner=metric.spec.owner or "",
        style=metric.spec.format,
        exact=dash.exact(metric),
        latest=dash.latest(metric),
        by=board.by[metric.name],
        columns=tuple(column.name for column in dash.columns(metric)),
        card=metric.name in board.tab.metrics,
    )


def _save(content: bytes, out: Path) -> None:
    """Write beside, then rename: nobody imports half a bundle."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(fresh).chmod(0o644)
        Path(fresh).replace(out)
    except OSError as error:
        raise UsageError.of(
            "E601",
            f"{out} cannot be written: {error.strerror}.",
            why="The bundle is one file.",
            fix="Choose another place with --out.",
        ) from error
