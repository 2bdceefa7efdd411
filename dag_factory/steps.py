"""The verbs of tasks: each calls the job that the command of the same purpose calls. One place to add a verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from assay.errors import CheckFailed, DeliveryError, Diagnostic
from assay.jobs.context import Context
from assay.jobs.storage import pauses
from dag_factory import ledger
from dag_factory.runtime import WAIT, NothingToDo, Work

_DAY = timedelta(days=1)


@contextmanager
def session(work: Work) -> Iterator[Context]:
    """The warehouse, opened once for a step: opening an embedded one takes a second. The ledger is told how it ends."""
    with work.project.open(work.now, wait=WAIT) as context, ledger.entry(work, context):
        pauses.refuse(context)
        yield context


def build(work: Work) -> dict[str, Any]:
    """Build the day of models and sources, and the stored days before it that late rows may have changed."""
    from assay.jobs.runs.materialize import run

    with session(work) as context:
        result = run(context, work.task.names, _first(context, work), work.day + _DAY)
        wrong = [each for each in result.steps if each.status != "done" and each.kind != "check"]
        if wrong:
            raise _failed(f"{len(wrong)} of {len(result.steps)} steps failed", [f"{e.name}: {e.reason}" for e in wrong])
    return {"steps": len(result.steps), "rows": sum(each.rows for each in result.steps)}


def _first(context: Context, work: Work) -> date:
    """The first day to build: the day itself, or so many days before it as late rows may reach and are stored."""
    from assay.compiler.states import DAY
    from assay.jobs.storage import builds

    builds.prepare(context)
    grains = (DAY, builds.MODEL)
    stored = {day for each in grains for name, day in builds.read(context, each) if name in work.task.names}
    first = work.day
    while (work.day - first).days < work.task.lateness and first - _DAY in stored:
        first -= _DAY
    return first


def check(work: Work) -> dict[str, Any]:
    """The checks of a source and of its metrics on the day; what reads the source waits for them."""
    from assay.jobs.runs import metric_checks
    from assay.jobs.runs.check import check as run

    with session(work) as context:
        metrics = [each for each in metric_checks.checked(context.catalog) if set(each.sources) & set(work.task.names)]
        names = [*work.task.names, *(each.name for each in metrics)]
        found = run(context, names, work.day, work.day + _DAY).results
        if wrong := [f"{each.subject} {each.check}: {each.message}" for each in found if each.stops]:
            raise _failed(f"{len(wrong)} of {len(found)} checks failed", wrong)
    return {"checks": len(found)}


def analyze(work: Work) -> dict[str, Any]:
    """The read-out of an experiment up to the end of the day, stored in its history."""
    from assay.jobs.experiments.analyze import analyze as run
    from assay.jobs.experiments.history import record

    (name,) = work.task.names
    spec = work.project.catalog.experiment(name).spec
    with session(work) as context:
        if not spec.start <= work.day < spec.end:
            raise NothingToDo(f"{name} runs from {spec.start} to {spec.end}, and {work.day} is not in it.")
        readout = run(context, name, work.day + _DAY)
        analysis = record(context, readout)
    failed = [f"{gate.name}: {gate.detail}"[:200] for gate in readout.gates if gate.status == "fail"]
    final = work.day + _DAY == spec.end
    return {"verdict": readout.verdict.verdict, "analysis": analysis, "failed": failed[:5], "final": final}


def gates(work: Work) -> dict[str, Any]:
    """Stop where a gate says that the numbers of the read-out are not to be believed."""
    above = work.run.above
    with session(work):
        if failed := above.get("failed"):
            raise _failed(f"'{work.task.names[0]}' is blocked by its gates", list(failed))
    return {name: above.get(name) for name in ("verdict", "analysis", "final")}


def alert(work: Work) -> dict[str, Any]:
    """Judge alerts as of the tick, and send what fires."""
    from assay.jobs.alerts.alerting import check as run

    with session(work) as context:
        result = run(context, work.at, work.task.names)
        if result.failed:
            raise next(iter(result.failed.values()))
        _delivered(result.receipts)
    return {"evaluated": result.evaluated, "sent": sum(each.status == "sent" for each in result.receipts)}


def report(work: Work) -> dict[str, Any]:
    """Send the report about the day, once."""
    from assay.jobs.outputs.report import send

    with session(work) as context:
        result = send(context, work.task.names[0], work.day)
        _delivered(result.receipts)
    return {"sent": sum(each.status == "sent" for each in result.receipts)}


def forecast(work: Work) -> dict[str, Any]:
    """Forecast what comes after the day; a model that beats nothing is withheld, which is no failure."""
    from assay.jobs.forecasts.running import Refused, run

    with session(work) as context:
        found = run(context, work.task.names, work.day + _DAY)
        if wrong := [f"{each.metric}: {each.error}" for each in found if isinstance(each, Refused)]:
            raise _failed(f"{len(wrong)} of {len(found)} metrics have no forecast", wrong)
    made = [each for each in found if not isinstance(each, Refused)]
    return {"published": sum(each.published for each in made), "withheld": sum(not each.published for each in made)}


def tables(work: Work) -> dict[str, Any]:
    """Store the tables of a dashboard again, whatever day it is: they hold the days up to the newest whole one."""
    from assay.jobs.outputs.boards.wide import boards, refresh_all

    with session(work) as context:
        found = refresh_all(context, boards(context, work.task.names))
    return {"tables": len(found), "rows": sum(each.rows for each in found)}


def _delivered(receipts: Any) -> None:
    wrong = [f"{each.channel}: {each.detail}" for each in receipts if each.status == "failed"]
    if wrong:
        raise DeliveryError.of(
            "E701", f"{len(wrong)} messages could not be delivered.", why="; ".join(wrong), fix="See the task's log."
        )


def examine(work: Work) -> dict[str, Any]:
    """Look at the machine, the project and its warehouse, as `platform doctor` does."""
    from assay.doctor import examine as run

    found = run(work.project.root, work.now)  # it opens the warehouse itself
    with session(work):
        if wrong := [f"{each.name}: {each.detail}" for each in found if each.status == "fail"]:
            raise _failed(f"{len(wrong)} of {len(found)} examinations failed", wrong)
    return {"examined": len(found)}


def sweep(work: Work) -> dict[str, Any]:
    """Remove staging tables that killed tasks left, and manifests that no run needs."""
    from assay.engine import sweep as run
    from assay.jobs.operations.retention import gc
    from dag_factory.retention import remove_old

    with session(work) as context:
        run(context.engine, context.database)
        dropped = gc(context, drop=True) if context.catalog.definitions.project.retention else []
    size = sum(each.bytes for each in dropped)
    return {"manifests": remove_old(work.project.root), "bytes": size}


def _failed(what: str, details: list[str]) -> CheckFailed:
    return CheckFailed(
        Diagnostic("E510", f"{what}.", "; ".join(details), "Correct the data or the definition, and clear the task.")
    )


VERBS: dict[str, Callable[[Work], dict[str, Any]]] = {
    "build": build,
    "check": check,
    "analyze": analyze,
    "gates": gates,
    "alert": alert,
    "report": report,
    "forecast": forecast,
    "tables": tables,
    "examine": examine,
    "sweep": sweep,
}
