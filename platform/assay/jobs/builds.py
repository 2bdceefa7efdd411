"""Which days of which source are stored, and with which measures: the memory behind `run` and `query`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from assay.compiler import states, zone
from assay.compiler.states import Grain
from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.statement import Insert, Statement


@dataclass(frozen=True, slots=True)
class Build:
    """One stored day: the measures and dimensions it holds, and the moment up to which events are in it."""

    measures: frozenset[str]
    dimensions: frozenset[str]
    fingerprint: str
    until: datetime


def read(context: Context, grain: str) -> dict[tuple[str, date], Build]:
    """(source, day): the newest build, for one grain. Raises WarehouseError E511 before the first run."""
    sql = f"""SELECT source, day, argMax(measures, finished_at), argMax(dimensions, finished_at),
  argMax(fingerprint, finished_at), toUnixTimestamp(argMax(until, finished_at))
FROM {context.database}.builds WHERE grain = {{grain:String}} GROUP BY source, day"""  # noqa: S608 - a checked name
    try:
        table = context.engine.run(Statement(sql, "read what is stored", {"grain": grain}))
    except WarehouseError as error:
        raise _nothing_stored() if error.diagnostics[0].code == "E506" else error from error
    return {
        (source, day): Build(
            frozenset(measures), frozenset(dimensions), fingerprint, datetime.fromtimestamp(until, UTC)
        )
        for source, day, measures, dimensions, fingerprint, until in table.rows
    }


def _nothing_stored() -> WarehouseError:
    return WarehouseError.of(
        "E511", "Nothing is stored yet.", why="Series are read from what was built.", fix="Run 'platform run' first."
    )


def record(context: Context, grain: Grain, days: Sequence[date], run: str, until: datetime) -> None:
    """Remember that `days` were published by `run` with the events before `until`. Recording twice changes nothing."""
    ids = [measure.id for measure in grain.measures]
    ends = [zone.midnight(day, context.catalog.zone, after=1) for day in days]
    ends = [min(end, until.astimezone(UTC)) for end in ends]
    columns: dict[str, Sequence[Any]] = {
        "source": [grain.source] * len(days),
        "grain": [grain.name] * len(days),
        "day": list(days),
        "measures": [ids] * len(days),
        "dimensions": [grain.dimension_keys] * len(days),
        "fingerprint": [grain.fingerprint] * len(days),
        "until": ends,
        "run": [run] * len(days),
    }
    token = f"{run}:{grain.source}:{grain.name}:{days[0]}"
    context.engine.run(Insert(f"{context.database}.builds", columns, "record a build", token))


def prepare(context: Context) -> None:
    """Create our database and tables where they are missing."""
    for statement in states.create(context.database):
        context.engine.run(statement)
