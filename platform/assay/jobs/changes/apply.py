"""`apply`: build what the definitions changed, drop what they gave up, and remember them as applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from assay.catalog.meaning import manifest
from assay.catalog.plan import Plan
from assay.compiler import incremental
from assay.compiler.states import Grain
from assay.engine import sweep
from assay.errors import AssayError, Diagnostic, UsageError, WarehouseError
from assay.jobs.changes import applied
from assay.jobs.context import Context
from assay.jobs.runs import materialize, metric_checks
from assay.jobs.storage import builds, history, pauses, reuse, source_states
from assay.jobs.storage.source_states import Step


@dataclass(frozen=True, slots=True)
class Applied:
    """What was planned, and what became of it."""

    plan: Plan
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        return all(step.status == "done" for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """The contract of `apply`."""
        steps = [asdict(step) | {"seconds": round(step.seconds, 3)} for step in self.steps]
        return {**self.plan.as_dict(), "steps": steps, "ok": self.ok}


def apply(context: Context, plan: Plan) -> Applied:
    """Back-fill exactly the stored days that differ from the definitions, then remember these as applied.

    A failed step leaves what was applied as it was; what is built already stays, and the next apply goes on from there.
    Raises UsageError E603 when the plan is refused, before anything is done.
    """
    refuse(plan)
    pauses.refuse(context)
    builds.prepare(context)
    sweep(context.engine, context.database)
    steps = _models(context)
    if all(step.status == "done" for step in steps):  # states may stand on models
        outdated = reuse.outdated(context)
        steps += [step for grain, days in outdated.items() for step in _build(context, grain, days)]
        steps += _checked(context, outdated)
    context.progress(1, 1, "done")
    history.record(context, "apply", steps)
    found = Applied(plan, tuple(steps))
    if found.ok:
        _drop(context)
        _remember(context)
    return found


def refuse(plan: Plan) -> None:
    """Raise UsageError E603 for every pin that the plan breaks."""
    if plan.refused:
        raise UsageError(*refusals(plan))


def refusals(plan: Plan) -> Iterator[Diagnostic]:
    """E603 for every pin that the plan breaks."""
    for each in plan.refused:
        yield Diagnostic(
            "E603",
            f"The experiment '{each.experiment.name}' is running: {each.reason}.",
            "Its effect would silently be measured in two different ways.",
            f"Give the new meaning another name, wait, or accept it: --accept {each.experiment.name}",
            each.place,
        )


def _models(context: Context) -> list[Step]:
    """Models with another meaning over their stored days, and the sources that stand on them."""
    outdated = reuse.outdated_models(context)
    if not outdated:
        return []
    names = {model.name for model, _ in outdated}
    sources = context.catalog.definitions.sources.items()
    above = [name for name, source in sources if source.spec.model in names]
    first, last = min(days[0] for _, days in outdated), max(days[-1] for _, days in outdated)
    return list(materialize.run(context, [*names, *above], first, last + timedelta(days=1)).steps)


def _build(context: Context, grain: Grain, days: Sequence[date]) -> Iterator[Step]:
    """The outdated days of one grain, piece by piece; what fails leaves the others."""
    try:
        source_states.pin(context, grain, days[0], days[-1] + timedelta(days=1))
    except WarehouseError as error:
        yield _failed(grain, days, error)
        return
    for chunk in source_states.chunks(grain, days):
        context.progress(0, 1, f"{grain.source} {grain.name} {chunk[0]}")
        try:
            yield source_states.build(context, grain, chunk, keep=True)
        except WarehouseError as error:
            yield _failed(grain, chunk, error)


def _checked(context: Context, built: Mapping[Grain, Sequence[date]]) -> list[Step]:
    """The checks of the metrics whose days were built."""
    days = [day for each in built.values() for day in each]
    sources = {grain.source for grain in built}
    return metric_checks.steps(context, sources, min(days), max(days) + timedelta(days=1)) if days else []


def _failed(grain: Grain, days: Sequence[date], error: AssayError) -> Step:
    partition = f"{days[0]}..{days[-1]}"
    return Step("states", f"{grain.source}:{grain.name}", partition, 0, 0.0, "failed", source_states.reason(error))


def _remember(context: Context) -> None:
    now = manifest(context.catalog, context.today)
    if applied.read(context) != now:
        applied.store(context, now)


def _drop(context: Context) -> None:
    for grain, days in reuse.orphans(context).items():
        for statement in incremental.drop(context.database, grain, days):
            context.engine.run(statement)
    for name, days in reuse.orphaned_experiments(context).items():
        for statement in incremental.drop_experiment(context.database, name, days):
            context.engine.run(statement)
