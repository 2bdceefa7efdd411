"""The only way in which a target table changes: stage, check, then replace whole partitions in one step.

An INSERT that fails or is killed leaves part of its rows behind; REPLACE PARTITION is all or nothing, and doing it
twice is doing it once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from assay.engine.port import Engine
from assay.errors import UsageError, WarehouseError
from assay.statement import Statement, Table

_MARK = "__stg_"


@dataclass(frozen=True, slots=True)
class Partitions:
    """A rebuild: `fill` writes into the staging table; `partitions` are SQL literals of the partitions to replace."""

    target: str
    fill: Callable[[str], Sequence[Statement]]
    check: Callable[[str], Sequence[Statement]]
    partitions: Sequence[str]
    purpose: str


def publish(engine: Engine, work: Partitions, run_id: str, verify: Callable[[Statement, Table], None]) -> None:
    """Build in a staging table, `verify` each check's result (it raises to refuse), then publish.

    Nothing is visible before the last step; after a failure the staging table is dropped and the target is as before.
    """
    if not work.partitions:
        raise UsageError.of("E602", "There is nothing to publish.", why="The range is empty.", fix="Widen the range.")
    stage = f"{work.target}{_MARK}{run_id}"
    _drop(engine, stage, work.purpose)
    engine.run(_write(f"CREATE TABLE {stage} AS {work.target}", work.purpose))
    try:
        for statement in work.fill(stage):
            engine.run(statement)
        for statement in work.check(stage):
            verify(statement, engine.run(statement))
        engine.run(_replace(work, stage))
    except BaseException:
        with suppress(WarehouseError):  # the first failure is the one to tell; `sweep` drops what stays
            _drop(engine, stage, work.purpose)
        raise
    _drop(engine, stage, work.purpose)


def _replace(work: Partitions, stage: str) -> Statement:
    moves = ",\n  ".join(f"REPLACE PARTITION {each} FROM {stage}" for each in work.partitions)
    # without the setting, a day that became empty would keep its old rows
    settings = "SETTINGS allow_replace_partition_from_empty_source = 1"
    return _write(f"ALTER TABLE {work.target}\n  {moves}\n{settings}", f"{work.purpose}: publish")


def _drop(engine: Engine, stage: str, purpose: str) -> None:
    engine.run(_write(f"DROP TABLE IF EXISTS {stage} SYNC", purpose))


def _write(sql: str, purpose: str) -> Statement:
    return Statement(sql, purpose, writes=True)


def sweep(engine: Engine, database: str, age: timedelta = timedelta(days=1)) -> int:
    """Drop staging tables that a killed run left behind. Returns how many.

    A younger one may belong to a run that is under way elsewhere. Their age is by the clock of the database.
    """
    found = engine.run(
        Statement(
            "SELECT name FROM system.tables WHERE database = {database:String} AND name LIKE '%\\_\\_stg\\_%'\n"
            "AND metadata_modification_time <= now() - {seconds:UInt32}",
            "find orphaned staging tables",
            {"database": database, "seconds": int(age.total_seconds())},
        )
    )
    for name in found.column("name"):
        engine.run(_write(f"DROP TABLE IF EXISTS {database}.`{name}` SYNC", "drop an orphaned staging table"))
    return len(found)
