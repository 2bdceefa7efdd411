"""Which days of which source are stored, and with which measures: the memory behind `run` and `query`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from assay.catalog.model import Model
from assay.compiler import incremental, states, zone
from assay.compiler.states import Grain
from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.jobs.storage import layout
from assay.statement import Insert, Statement

MODEL = "model"  # the rhythm under which the days of models are remembered


@dataclass(frozen=True, slots=True)
class Build:
    """One stored day: the measures and dimensions it holds, the moment up to which events are in it, and the moment by
    which they had to arrive for that."""

    measures: frozenset[str]
    dimensions: frozenset[str]
    fingerprint: str
    until: datetime
    seen: datetime


def read(context: Context, grain: str) -> dict[tuple[str, date], Build]:
    """(source, day): the newest build, for one grain. Raises WarehouseError E511 before the first run."""
    sql = f"""SELECT source, day, argMax(measures, finished_at), argMax(dimensions, finished_at),
  argMax(fingerprint, finished_at), toUnixTimestamp(argMax(until, finished_at)),
  toUnixTimestamp(argMax(seen, finished_at))
FROM {context.database}.builds WHERE grain = {{grain:String}} GROUP BY source, day"""  # noqa: S608 - a checked name
    try:
        table = context.engine.run(Statement(sql, "read what is stored", {"grain": grain}))
    except WarehouseError as error:
        raise _nothing_stored() if error.diagnostics[0].code == "E506" else error from error
    return {
        (source, day): Build(
            frozenset(measures),
            frozenset(dimensions),
            fingerprint,
            datetime.fromtimestamp(until, UTC),
            datetime.fromtimestamp(seen, UTC),
        )
        for source, day, measures, dimensions, fingerprint, until, seen in table.rows
    }


def _nothing_stored() -> WarehouseError:
    return WarehouseError.of(
        "E511", "Nothing is stored yet.", why="Series are read from what was built.", fix="Run 'platform run' first."
    )


def record(context: Context, grain: Grain, days: Sequence[date], run: str, until: datetime) -> None:
    """Remember that `days` were published by `run` with the events before `until`. Recording twice changes nothing."""
    holds = {"measures": [measure.id for measure in grain.measures], "dimensions": grain.dimension_keys}
    names = {"source": grain.source, "grain": grain.name, **holds}
    _record(context, names, [grain.fingerprint] * len(days), days, run, until)


def record_model(context: Context, model: Model, days: Sequence[date], run: str, until: datetime) -> None:
    """The same for days of a model; of one without days, the last day that was over."""
    names = {"source": model.name, "grain": MODEL, "measures": [], "dimensions": []}
    _record(context, names, [model.fingerprint] * len(days), days, run, until)


def record_experiment(context: Context, grain: str, name: str, fingerprints: Mapping[date, str], run: str) -> None:
    """The same for the exposures of an experiment, or for its totals, on days that are over."""
    names = {"source": name, "grain": grain, "measures": [], "dimensions": []}
    _record(context, names, list(fingerprints.values()), list(fingerprints), run, context.now)


def _record(
    context: Context,
    same: Mapping[str, Any],
    fingerprints: Sequence[str],
    days: Sequence[date],
    run: str,
    until: datetime,
) -> None:
    ends = [zone.midnight(day, context.catalog.zone, after=1) for day in days]
    columns: dict[str, Sequence[Any]] = {name: [value] * len(days) for name, value in same.items()}
    columns |= {
        "day": list(days),
        "fingerprint": fingerprints,
        "until": [min(end, until.astimezone(UTC)) for end in ends],
        "seen": [until.astimezone(UTC)] * len(days),
        "run": [run] * len(days),
    }
    token = f"{run}:{same['source']}:{same['grain']}:{days[0]}"
    context.engine.run(Insert(f"{context.database}.builds", columns, "record a build", token))


def prepare(context: Context) -> None:
    """Create our database and tables where they are missing, and bring older ones to their present form."""
    for statement in (*states.create(context.database), *incremental.create(context.database)):
        context.engine.run(statement)
    layout.migrate(context)
