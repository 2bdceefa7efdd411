"""`run`: measure states for a range of local days. Doing it twice leaves the same rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from assay.compiler import states, zone
from assay.compiler.states import Grain
from assay.engine import sweep
from assay.errors import UsageError, WarehouseError
from assay.jobs import builds, source_states
from assay.jobs.context import Context
from assay.jobs.source_states import Step


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


def run(context: Context, sources: Collection[str] = (), start: date | None = None, end: date | None = None) -> Run:
    """Build every grain of some sources (all when empty) for the days [start, end).

    Without `start`, from the last stored day less the source's lateness, or from its first event; without `end`, up to
    the last full day. A source that is empty or missing, or whose check fails, is a failed step, and the others go on.
    Raises UsageError E602 when the range is empty, and WarehouseError when no source can be read.
    """
    builds.prepare(context)
    sweep(context.engine, context.database)
    grains = [each for each in states.grains(context.catalog) if not sources or each.source in sources]
    ranges, steps = _plan(context, grains, start, end)
    work = [
        (each, chunk) for each, days in ranges.items() for chunk in source_states.chunks(each, list(zone.days(*days)))
    ]
    if not work:
        raise _empty(context, start, end)
    for done, (grain, days) in enumerate(work):
        context.progress(done, len(work), f"{grain.source} {grain.name} {days[0]}")
        steps.append(source_states.build(context, grain, days))
    context.progress(len(work), len(work), "done")
    first, last = min(days[0] for _, days in work), max(days[-1] for _, days in work)
    return Run(first, last + timedelta(days=1), tuple(steps))


def _plan(
    context: Context, grains: Sequence[Grain], start: date | None, end: date | None
) -> tuple[dict[Grain, tuple[date, date]], list[Step]]:
    """The days of each grain, and a failed step for each that cannot be read. Raises the error when none can."""
    ranges: dict[Grain, tuple[date, date]] = {}
    errors: dict[Grain, WarehouseError] = {}
    for grain in grains:
        try:
            ranges[grain] = source_states.span(context, grain, start, end)
            source_states.pin(context, grain, *ranges[grain])
        except WarehouseError as error:
            errors[grain] = error
            ranges.pop(grain, None)
    if errors and not ranges:
        raise next(iter(errors.values()))
    return ranges, [_refused(grain, error) for grain, error in errors.items()]


def _refused(grain: Grain, error: WarehouseError) -> Step:
    return Step("states", f"{grain.source}:{grain.name}", "", 0, 0.0, "failed", source_states.reason(error))


def _empty(context: Context, start: date | None, end: date | None) -> UsageError:
    asked = f" from {start}" if start else ""
    return UsageError.of(
        "E602",
        f"There is nothing to build{asked} up to {end or context.today}.",
        why="The range of days is half-open, [from, to), and ends with the last full day.",
        fix="Give --from and --to with --from before --to, or load events first.",
    )
