"""The states of one source at one rhythm: which days, in which pieces, and the build of one piece."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from assay.catalog.expression import parse
from assay.compiler import checks as rows
from assay.compiler import incremental, states, zone
from assay.compiler.states import DAY, Grain
from assay.engine import Partitions, publish
from assay.errors import AssayError, CheckFailed, WarehouseError
from assay.jobs.context import Context
from assay.jobs.storage import builds, checks, reuse
from assay.jobs.storage.reuse import Piece
from assay.statement import Statement, Table

_DAY = timedelta(days=1)
_CHUNK = {DAY: 16}  # days per staging table; slots shorter than a day hold many more rows
_CHUNK_SLOTS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to one staging table: `partition` is its range of days, `seconds` its wall time."""

    kind: str
    name: str
    partition: str
    rows: int
    seconds: float
    status: str
    reason: str | None = None


def pin(context: Context, grain: Grain, start: date, end: date) -> None:
    """Fix the values of limited dimensions from [start, end), unless they are fixed already."""
    for statement in states.pin_top(context.catalog, grain, start, end, context.database):
        context.engine.run(statement)


def span(context: Context, grain: Grain, start: date | None, end: date | None) -> tuple[date, date]:
    if start is None or end is None:
        found = extent(context, grain.source)
        end = end or min(found.last + timedelta(days=1), context.today)
        start = start or _resume(context, grain, end) or found.first
    return start, end


def _resume(context: Context, grain: Grain, end: date) -> date | None:
    """Where to go on before `end`: the lateness behind the last stored day, or at the first hole, if that is earlier.

    A day counts as stored when it has the same meaning and was over when it was built; a failed check leaves a hole.
    """
    mine = {day: build for (source, day), build in builds.read(context, grain.name).items() if source == grain.source}
    same = {day: build.until for day, build in mine.items() if build.fingerprint == grain.fingerprint}
    done = {day for day, until in same.items() if until >= zone.midnight(day, context.catalog.zone, after=1)}
    if not done:
        return None
    late = -(-context.catalog.source(grain.source).spec.lateness // _DAY)  # 12h late is a day to build again
    holes = (day for day in zone.days(min(done), end) if day not in done)
    return max(min(done), min(next(holes, end), max(done) + (1 - late) * _DAY))


class Extent(NamedTuple):
    """The local days of a source's first and last event, how many events there are, and the moment of the last."""

    first: date
    last: date
    rows: int
    newest: datetime


def extent(context: Context, source: str) -> Extent:
    """What a source holds. Raises WarehouseError E511 when it is empty."""
    definition = context.catalog.source(source)
    moment = parse(definition.spec.time).sql
    sql = f"""SELECT count(), toUnixTimestamp(min({moment})), toUnixTimestamp(max({moment}))
FROM {definition.spec.table} WHERE {parse(definition.spec.where or "1").sql}"""  # noqa: S608 - the expression and the name were checked
    ((count, first, last),) = context.engine.run(Statement(sql, f"extent of {source}", origin=definition.location)).rows
    if not count:
        raise WarehouseError.of(
            "E511",
            f"The source '{source}' has no rows.",
            why="Without events there is nothing to build.",
            fix=f"Load events into {definition.spec.table}, or correct 'table:'.",
            location=definition.location,
        )
    name = context.catalog.zone
    return Extent(zone.day_of(first, name), zone.day_of(last, name), count, datetime.fromtimestamp(last, UTC))


def chunks(grain: Grain, days: Sequence[date]) -> Iterator[Sequence[date]]:
    """Ascending days in pieces of consecutive ones that fit comfortably into memory."""
    size = _CHUNK.get(grain.name, _CHUNK_SLOTS)
    gaps = [at for at in range(1, len(days)) if days[at] - days[at - 1] != _DAY]
    for start, end in pairwise([0, *gaps, len(days)]):
        yield from (days[at : min(at + size, end)] for at in range(start, end, size))


def build(
    context: Context, grain: Grain, days: Sequence[date], until: datetime | None = None, keep: bool = False
) -> Step:
    """Stage, check and publish some consecutive days, up to `until` (now when left out): later events are left out.

    What a day holds is recorded with it. A day that is not over must not look complete: its future would be silence.
    With `keep`, a stored day that no late event can change any more keeps what it holds, and gets only what it lacks.
    """
    run_id, begun, until = uuid.uuid4().hex[:12], time.perf_counter(), until or context.now
    start, end, counted = days[0], days[-1] + _DAY, Counted()
    warned: list[str] = []

    def check(stage: str) -> Sequence[Statement]:
        subject, known = rows.source(context.catalog, grain.source), grain.name != DAY  # days are checked by the day
        warned.append(checks.require(context, subject, start, end, run_id, known))
        return states.checks(grain, stage, start, end)

    parts = reuse.pieces(context, grain, days, builds.read(context, grain.name)) if keep else [Piece(days)]
    work = Partitions(
        target=f"{context.database}.{grain.table}",
        fill=lambda stage: [each for part in parts for each in _fill(context, grain, part, stage, until)],
        check=check,
        partitions=states.partitions(grain, days),
        purpose=f"build {grain.source} {grain.name}",
    )
    try:
        publish(context.engine, work, run_id, counted)
    except CheckFailed as error:
        return _step(grain, days, 0, begun, "failed", reason(error))
    builds.record(context, grain, days, run_id, until)
    return _step(grain, days, counted.rows, begun, "done", "".join(warned) or None)


def _fill(context: Context, grain: Grain, part: Piece, stage: str, until: datetime) -> list[Statement]:
    start, end = part.days[0], part.days[-1] + _DAY
    return incremental.fill(context.catalog, grain, part.kept, stage, start, end, context.database, until)


def _step(grain: Grain, days: Sequence[date], rows: int, begun: float, status: str, reason: str | None = None) -> Step:
    partition = f"{days[0]}..{days[-1]}" if len(days) > 1 else str(days[0])
    name = f"{grain.source}:{grain.name}"
    return Step("states", name, partition, rows, time.perf_counter() - begun, status, reason)


class Counted:
    """Refuses a failed check, and remembers how many rows the first one saw."""

    rows = 0

    def __call__(self, statement: Statement, table: Table) -> None:
        failed = [(row["check"], row["failures"]) for row in table.dicts() if row["failures"]]
        self.rows += sum(row.get("rows", 0) for row in table.dicts())
        if failed:
            listed = "; ".join(f"{name}: {count}" for name, count in failed[:5])
            raise CheckFailed.of(
                "E510",
                f"{statement.purpose} failed: {listed}.",
                why="Nothing is published from data that breaks a declared rule; what was stored before is untouched.",
                fix="Correct the data and run again, or correct 'checks:' in the source.",
                location=statement.origin,
            )


def reason(error: AssayError) -> str:
    """Everything that is wrong, each with its place in the YAML, and how to go on."""
    first = error.diagnostics[0]
    told = " ".join(f"{each.message}{f' ({each.location})' if each.location else ''}" for each in error.diagnostics)
    return f"{first.code} {told} {first.fix}"
