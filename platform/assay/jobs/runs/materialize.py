"""`run`: models, and measure states, for a range of local days. Doing it twice leaves the same rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from assay.compiler.states import Grain
from assay.engine import sweep
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.runs import metric_checks, schedule
from assay.jobs.runs.schedule import Node, Piece, Schedule
from assay.jobs.storage import builds, estimates, history, models, pauses, source_states
from assay.jobs.storage.builds import MODEL
from assay.jobs.storage.source_states import Step


@dataclass(frozen=True, slots=True)
class Run:
    """The outcome of `run` over the local days [start, end)."""

    start: date
    end: date
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        return all(step.status == "done" for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        steps = [asdict(step) | {"seconds": round(step.seconds, 3)} for step in self.steps]
        return {"schema": 1, "from": str(self.start), "to": str(self.end), "steps": steps, "ok": self.ok}


def run(
    context: Context,
    names: Collection[str] = (),
    start: date | None = None,
    end: date | None = None,
    most: int | None = None,
) -> Run:
    """Build some models and sources (all when empty; patterns such as `fact_*` are names) for the days [start, end).

    Without `start`, from the last stored day less the lateness, or from the first event; without `end`, up to the last
    full day, or the one before it when a source is not fresh. What is empty or missing, or whose check fails, is a
    failed step; what needs it is skipped, and the others go on. The checks of metrics follow, a step for each metric.
    `most` is the number of rows of events that all of it may read, by the estimate of ClickHouse where there is one.
    Raises UsageError E515 when that is more, E516 while paused, E201 for an unknown name, E602 when the range is empty,
    WarehouseError when nothing can be read.
    """
    wanted = schedule.select(context.catalog, names)
    pauses.refuse(context)
    builds.prepare(context)
    sweep(context.engine, context.database)
    planned = schedule.plan(context, wanted, start, end)
    if not planned.asked:
        raise _empty(context, start, end)
    if most is not None:
        _afford(context, planned, most)
    errors: list[WarehouseError] = []
    steps = [*planned.steps, *_build(context, planned, wanted, errors)]
    if errors and not any(step.status == "done" for step in steps):
        raise errors[0]
    first, after = min(days[0] for days in planned.asked), max(days[1] for days in planned.asked)
    built = {name for (kind, name), pieces in planned.pieces.items() if kind == "source" and pieces}
    skipped = {step.name.partition(":")[0] for step in steps if step.status == "skipped"}
    steps += metric_checks.steps(context, built - skipped, first, after)
    history.record(context, "run", steps)
    return Run(first, after, tuple(steps))


def _build(
    context: Context, planned: Schedule, needs: Mapping[Node, Collection[Node]], errors: list[WarehouseError]
) -> Iterator[Step]:
    """A step for each piece. What needs something that failed, or was skipped, is skipped. Adds to `errors`."""
    keep = planned.start is None  # whoever names the days has a reason to read all of them again
    failed, total, done = set(planned.failed), sum(map(len, planned.pieces.values())), 0
    for node, pieces in planned.pieces.items():
        cause = next((name for kind, name in needs[node] if (kind, name) in failed), None)
        if cause is not None:
            failed.add(node)
            yield from _skipped(pieces, cause)
        for piece in [] if cause is not None else pieces:
            context.progress(done, total, f"{piece.name.replace(':', ' ')} {piece.days[0]}")
            try:
                step = _piece(context, piece, keep)
            except WarehouseError as error:
                errors.append(error)
                step = _failed(piece, error)
            failed |= {node} if step.status != "done" else set()
            yield step
            done += 1
        done += len(pieces) if cause is not None else 0
    context.progress(total, total, "done")


def _afford(context: Context, planned: Schedule, most: int) -> None:
    keep = planned.start is None
    pieces = [each for found in planned.pieces.values() for each in found]
    rows = sum(estimates.rows_to_read(context, each.what, each.days, keep) or 0 for each in pieces)
    if rows > most:
        raise UsageError.of(
            "E515",
            f"The run would read {rows:,} rows, and --max-rows allows {most:,}.",
            why="Nothing was built: the estimate is made before the first statement.",
            fix=f"Ask for fewer days or names, or allow it: --max-rows {rows}",
        )


def _piece(context: Context, piece: Piece, keep: bool) -> Step:
    what, days = piece.what, piece.days
    if not isinstance(what, Grain):
        return models.build(context, what, days)
    if context.catalog.source(what.source).spec.models:  # their tables are there only now
        source_states.pin(context, what, *piece.span)
    return source_states.build(context, what, days, keep=keep)


def _failed(piece: Piece, error: WarehouseError) -> Step:
    partition = f"{piece.days[0]}..{piece.days[-1]}"
    return Step(_kind(piece), piece.name, partition, 0, 0.0, "failed", source_states.reason(error))


def _kind(piece: Piece) -> str:
    return "states" if isinstance(piece.what, Grain) else MODEL


def _skipped(pieces: Collection[Piece], cause: str) -> Iterator[Step]:
    """One step for each model and rhythm."""
    for name, piece in {piece.name: piece for piece in pieces}.items():
        yield Step(_kind(piece), name, "", 0, 0.0, "skipped", f"'{cause}' failed or was skipped, and this needs it.")


def _empty(context: Context, start: date | None, end: date | None) -> UsageError:
    asked = f" from {start}" if start else ""
    return UsageError.of(
        "E602",
        f"There is nothing to build{asked} up to {end or context.today}.",
        why="The range of days is half-open, [from, to), and ends with the last full day.",
        fix="Give --from and --to with --from before --to, or load events first.",
    )
