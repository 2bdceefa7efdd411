"""The switch that stops everything: a row in our database, so that every machine and every task sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assay.compiler import migrations
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.statement import Insert, Statement


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when, by whom and why nothing runs."""

    at: datetime
    who: str
    reason: str


def pause(context: Context, reason: str) -> Pause:
    """Nothing that builds, judges or sends begins any more until `resume`."""
    return _store(context, reason, paused=True)


def resume(context: Context) -> None:
    _store(context, "", paused=False)


def kill(context: Context) -> None:
    """Ask a server to stop what Assay runs there on our database; an embedded one has nothing else that runs."""
    sql = f"KILL QUERY WHERE startsWith(query_id, 'assay-') AND position(query, '{context.database}.') > 0 ASYNC"
    context.engine.run(Statement(sql, "stop running statements", writes=True))


def current(context: Context) -> Pause | None:
    """The pause that holds; None when there is none."""
    sql = f"""SELECT toUnixTimestamp(at), who, reason, paused
FROM {context.database}.pauses ORDER BY stored_at DESC LIMIT 1"""  # noqa: S608 - a checked name
    try:
        rows = context.engine.run(Statement(sql, "look whether the project is paused")).rows
    except WarehouseError as error:
        if error.diagnostics[0].code != "E506":  # nothing was paused before there was a table
            raise
        return None
    return Pause(datetime.fromtimestamp(rows[0][0], UTC), *rows[0][1:3]) if rows and rows[0][3] else None


def refuse(context: Context) -> None:
    """Raise UsageError E516 while the project is paused."""
    found = current(context)
    if found:
        raise UsageError.of(
            "E516",
            f"The project is paused since {found.at:%Y-%m-%d %H:%M} UTC by {found.who}: {found.reason}",
            why="Somebody stopped it for every machine; nothing is built, judged or sent.",
            fix="Run 'platform resume' when the reason is gone.",
        )


def who(context: Context) -> str:
    """Who runs this, as the environment says."""
    return context.environ.get("ASSAY_USER") or context.environ.get("USER") or "unknown"


def _store(context: Context, reason: str, *, paused: bool) -> Pause:
    create = Statement(f"CREATE DATABASE IF NOT EXISTS {context.database}", "create our database", writes=True)
    for statement in (create, *migrations.create(context.database)):
        context.engine.run(statement)
    found = Pause(context.now, who(context), reason)
    row: dict[str, Sequence[Any]] = {"at": [found.at], "who": [found.who], "reason": [reason], "paused": [int(paused)]}
    token = f"{context.now.isoformat()} {paused}"
    context.engine.run(Insert(f"{context.database}.pauses", row, "pause or resume", token))
    return found
