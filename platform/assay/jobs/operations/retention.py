"""`gc`: what nobody defines any more, and records that are older than `retention` lets them become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from assay.compiler import incremental
from assay.jobs.context import Context
from assay.jobs.storage import builds, pauses, reuse
from assay.statement import Statement

# Table of our database: its moment, and the field of `retention` that bounds it.
_RECORDS = {"alert_scores": ("slot", "scores"), "check_results": ("at", "checks"), "run_steps": ("at", "steps")}


@dataclass(frozen=True, slots=True)
class Waste:
    """Something to drop. `bytes` is on disk, compressed; for records the table's, by their share of its rows."""

    what: str
    rows: int
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def gc(context: Context, drop: bool = False) -> list[Waste]:
    """What may go; with `drop` it is gone. Without `retention` in project.yaml only stale states are.

    Raises UsageError E516 while the project is paused and something would be dropped.
    """
    if drop:
        pauses.refuse(context)
    builds.prepare(context)
    found = [*stale(context), *_records(context)]
    if drop:
        _drop(context)
    return found


def stale(context: Context) -> list[Waste]:
    """The stored days of sources, rhythms and experiments that no definition has."""
    found = [
        _measured(context, f"{each.source} {each.name}", each.table, {"source": each.source, "grain": each.name})
        for each in reuse.orphans(context)
    ]
    gone = reuse.orphaned_experiments(context)
    return found + [_measured(context, f"experiment {name}", "experiment_days", {"experiment": name}) for name in gone]


def _measured(context: Context, what: str, table: str, where: Mapping[str, str]) -> Waste:
    condition = " AND ".join(f"{name} = {{{name}:String}}" for name in where)
    return _waste(context, what, table, condition, where)


def _records(context: Context) -> list[Waste]:
    found = [_waste(context, table, table, condition, {}) for table, condition in _old(context)]
    return [each for each in found if each.rows]


def _old(context: Context) -> Iterator[tuple[str, str]]:
    """Each table of records with the condition that its old rows meet."""
    kept = context.catalog.definitions.project.retention
    if kept is None:
        return
    for table, (column, name) in _RECORDS.items():
        yield table, f"toUnixTimestamp({column}) < {_epoch(context.now, getattr(kept, name))}"


def _epoch(now: datetime, age: timedelta) -> int:
    return int((now - age).timestamp())


def _waste(context: Context, what: str, table: str, condition: str, parameters: Mapping[str, str]) -> Waste:
    whole = f"SELECT countIf({condition}), count() FROM {context.database}.{table}"  # noqa: S608 - our own
    ((rows, every),) = context.engine.run(Statement(whole, f"count {what}", parameters)).rows
    disk = (
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = {base:String} AND table = {t:String}"
    )
    held = context.engine.run(Statement(disk, f"weigh {table}", {"base": context.database, "t": table})).scalar() or 0
    return Waste(what, rows, round(held * rows / every) if every else 0)


def _drop(context: Context) -> None:
    for grain, days in reuse.orphans(context).items():
        for statement in incremental.drop(context.database, grain, days):
            context.engine.run(statement)
    for name, days in reuse.orphaned_experiments(context).items():
        for statement in incremental.drop_experiment(context.database, name, days):
            context.engine.run(statement)
    for table, condition in _old(context):
        sql = f"DELETE FROM {context.database}.{table} WHERE {condition}"  # noqa: S608 - our own
        context.engine.run(Statement(sql, f"drop old rows of {table}", writes=True))
