"""The only way in which a target table changes: stage, check, then replace partitions, or the whole table, in one step.

An INSERT that fails or is killed leaves part of its rows behind; REPLACE PARTITION is all or nothing while ClickHouse
runs, and doing it twice is doing it once. When ClickHouse itself dies inside it, the old and the new rows may both be
there afterwards (3 of 14 kills in a loop of replacements). So a checked stage is renamed to `__rdy_` before it is
published and dropped after; one that is found later is published again, which leaves the new rows only.

EXCHANGE TABLES renames two tables at once: whenever it is interrupted, the target is one of the two, whole, and the
other one is a stage that `sweep` drops.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from assay.catalog.template import quote_literal
from assay.engine.port import Engine
from assay.errors import UsageError, WarehouseError
from assay.statement import Insert, Statement, Table, replace_partitions

_STAGED, _READY = "__stg_", "__rdy_"
_OURS = "assay: "  # begins the comment of our tables, so that nobody else's are touched


@dataclass(frozen=True, slots=True)
class Partitions:
    """A rebuild: `fill` writes into the staging table; `partitions` are SQL literals of the partitions to replace."""

    target: str
    fill: Callable[[str], Sequence[Statement | Insert]]
    check: Callable[[str], Sequence[Statement]]
    partitions: Sequence[str]
    purpose: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A rebuild of a whole table, which may have another layout: `create` makes it under a name, if it is not there.

    Its comment begins with "assay: ", so that what a killed run leaves behind is known as ours.
    """

    target: str
    create: Callable[[str], Statement]
    fill: Callable[[str], Sequence[Statement | Insert]]
    check: Callable[[str], Sequence[Statement]]
    purpose: str


def publish(engine: Engine, work: Partitions, run_id: str, verify: Callable[[Statement, Table], None]) -> None:
    """Build in a staging table, `verify` each check's result (it raises to refuse), then publish.

    Nothing is visible before the last step, and a failure until then leaves the target as before. Each partition is
    replaced whole, but several are not one step: when the last one fails, the checked stage stays for `recover`.
    """
    if not work.partitions:
        raise UsageError.of("E602", "There is nothing to publish.", why="The range is empty.", fix="Widen the range.")
    staged, ready = f"{work.target}{_STAGED}{run_id}", f"{work.target}{_READY}{run_id}"
    _drop(engine, staged, ready)
    note = quote_literal(_OURS + json.dumps(list(work.partitions)))
    engine.run(_write(f"CREATE TABLE {staged} AS {work.target} COMMENT {note}", work.purpose))
    _fill(engine, work, staged, verify)
    older = _superseded(engine, work.target, work.partitions)
    engine.run(_write(f"RENAME TABLE {staged} TO {ready}", work.purpose))
    _drop(engine, *older)
    engine.run(replace_partitions(work.target, work.partitions, ready, f"{work.purpose}: publish"))
    _drop(engine, ready)


def exchange(engine: Engine, work: Whole, run_id: str, verify: Callable[[Statement, Table], None]) -> None:
    """Build a whole table beside the target, `verify` it, then let the two change places in one step.

    Nothing is visible before the last step, and a failure until then leaves the target as before.
    """
    staged = f"{work.target}{_STAGED}{run_id}"
    _drop(engine, staged)
    engine.run(work.create(staged))
    _fill(engine, work, staged, verify)
    engine.run(work.create(work.target))
    _drop(engine, *_superseded(engine, work.target))
    engine.run(_write(f"EXCHANGE TABLES {work.target} AND {staged}", f"{work.purpose}: publish"))
    _drop(engine, staged)


def _fill(engine: Engine, work: Partitions | Whole, staged: str, verify: Callable[[Statement, Table], None]) -> None:
    """Fill and check a stage; one that fails is dropped."""
    try:
        for statement in work.fill(staged):
            engine.run(statement)
        for statement in work.check(staged):
            verify(statement, engine.run(statement))
    except BaseException:
        with suppress(WarehouseError):  # the first failure is the one to tell; `sweep` drops what stays
            _drop(engine, staged)
        raise


def _superseded(engine: Engine, target: str, partitions: Iterable[str] | None = None) -> list[str]:
    """Earlier checked stages of the same partitions, or of any: `recover` must not bring their rows back over ours."""
    found = []
    for database, name, note in _left(engine, _READY, timedelta(0)).rows:
        mine = target in (name.rpartition(_READY)[0], f"{database}.{name.rpartition(_READY)[0]}")
        if mine and (partitions is None or set(json.loads(note.removeprefix(_OURS))) & set(partitions)):
            found.append(f"{database}.{name}")
    return found


def _drop(engine: Engine, *tables: str) -> None:
    for table in tables:
        engine.run(_write(f"DROP TABLE IF EXISTS {table} SYNC", "drop a staging table"))


def _write(sql: str, purpose: str) -> Statement:
    return Statement(sql, purpose, writes=True)


def recover(engine: Engine, age: timedelta = timedelta(0)) -> int:
    """Finish what was being published when ClickHouse died, in every database. Returns how many tables it was.

    Only for whoever is alone with the database, or with an `age` that no living run reaches.
    """
    found = _left(engine, _READY, age)
    for database, name, note in found.rows:
        target, partitions = name.rpartition(_READY)[0], json.loads(note.removeprefix(_OURS))
        try:
            engine.run(replace_partitions(f"{database}.{target}", partitions, f"{database}.{name}", "finish a build"))
        except WarehouseError as error:
            if error.diagnostics[0].code != "E506":  # without the target there is nothing to finish
                raise
        _drop(engine, f"{database}.{name}")
    return len(found)


def sweep(engine: Engine, database: str, age: timedelta = timedelta(days=1)) -> int:
    """Drop staging tables that a killed run left behind. Returns how many.

    A younger one may belong to a run that is under way elsewhere. Their age is by the clock of the database.
    """
    recover(engine, age)
    names = [f"{where}.{name}" for where, name, _ in _left(engine, _STAGED, age).rows if where == database]
    _drop(engine, *names)
    return len(names)


def _left(engine: Engine, mark: str, age: timedelta) -> Table:
    sql = """SELECT database, name, comment FROM system.tables
WHERE position(name, {mark:String}) > 0 AND startsWith(comment, {ours:String})
  AND metadata_modification_time <= now() - {seconds:UInt32}
ORDER BY metadata_modification_time"""
    parameters = {"mark": mark, "ours": _OURS, "seconds": int(age.total_seconds())}
    return engine.run(Statement(sql, "find what a killed run left behind", parameters))
