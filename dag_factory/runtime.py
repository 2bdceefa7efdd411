"""What a task does: the step of its run's own manifest, on the run's own day, with the jobs that the commands call.

A run goes on with the manifest that its first task began with: later tasks read its name from what that task returned.
Nothing heavy is imported before a task runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from assay.config.root import find_root
from assay.errors import UsageError
from dag_factory import address, store
from dag_factory.spec import DagSpec, TaskSpec

if TYPE_CHECKING:
    from assay.project import Project

WAIT = 60.0  # seconds for an embedded database that another process holds; then Airflow tries again


class NothingToDo(Exception):
    """The step has no work on this day, which is no failure."""


@dataclass(frozen=True, slots=True)
class Run:
    """What Airflow knows of a task instance. `events` are what came along with the assets that started the run, and
    `above` is what the task before this one returned."""

    dag_id: str
    task_id: str
    run_id: str
    partition: str | None = None
    logical_date: datetime | None = None
    events: Sequence[Mapping[str, Any]] = ()
    above: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Work:
    """One step at work: `day` is the local day that it is about, of a week its Sunday; `at` the moment as of which
    alerts are judged, and `now` the clock, which no window is taken from."""

    project: Project
    dag: DagSpec
    task: TaskSpec
    run: Run
    manifest: str
    day: date
    at: datetime
    now: datetime


def execute(run: Run, connection: address.Find | None = None, folder: Path | None = None) -> dict[str, Any]:
    """Do a step; what it returns goes to XCom: the day, the hash of the manifest, and a few counts.

    Raises the errors of the jobs, DefinitionsError E803 when the step is not in the manifest, UsageError E804 for a
    wrong partition, E805 for a wrong connection, and NothingToDo.
    """
    from dag_factory import steps

    work = prepare(run, connection, folder)
    found = steps.VERBS[work.task.verb](work)
    return {"partition": str(work.day), "manifest": work.manifest, **found}


def prepare(run: Run, connection: address.Find | None = None, folder: Path | None = None) -> Work:
    """The work of a run, with the definitions that its manifest was made from."""
    root = find_root(folder) if folder else store.project_of(run.dag_id)
    manifest = run.above.get("manifest") or store.current(root)
    dag = store.shard(root, manifest, run.dag_id)
    task = next((each for each in dag.tasks if each.task_id == run.task_id), None)
    if task is None:
        raise store.missing(f"The task '{run.task_id}' is not in the DAG '{run.dag_id}' of the manifest {manifest}")
    project = open_project(root, dag.definitions, connection)
    zone = ZoneInfo(project.catalog.zone)
    day, at = day_of(run, zone), moment_of(run, zone)
    if dag.schedule.weekly:
        day += timedelta(days=6 - day.weekday())
    return Work(project, dag, task, run, manifest, day, at, datetime.now(UTC))


def open_project(root: Path, definitions: str, connection: address.Find | None = None) -> Project:
    """What was right in the definitions when they were compiled, in the project's present folder.

    Raises DefinitionsError E803 when they are gone.
    """
    from assay.project import Project, check

    folder = store.definitions(root, definitions)
    if not folder.is_dir():
        raise store.missing(f"The definitions {definitions} are gone")
    catalog = check(folder).catalog
    catalog = replace(catalog, definitions=replace(catalog.definitions, root=root))
    name = catalog.definitions.project.airflow.connection
    environ = dict(os.environ)
    if name and connection:
        environ["ASSAY_DSN"] = address.dsn(name, connection)
    return Project(catalog, (), environ)


def day_of(run: Run, zone: ZoneInfo) -> date:
    """The local day that a run is about: its partition, that of the assets that started it, else the day before it.

    Raises UsageError E804.
    """
    keys = [run.partition] if run.partition else [each["partition"] for each in run.events if "partition" in each]
    if keys:
        return max(_day(key) for key in keys)
    if run.logical_date is None:
        raise _no_day("The run has neither a partition nor a logical date.")
    return run.logical_date.astimezone(zone).date() - timedelta(days=1)


def moment_of(run: Run, zone: ZoneInfo) -> datetime:
    """The moment as of which alerts are judged: the tick, or the end of the partition's day."""
    if run.logical_date is not None and not run.partition:
        return run.logical_date
    after = day_of(run, zone) + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=zone)


def _day(key: Any) -> date:
    try:
        found = date.fromisoformat(key)
    except (TypeError, ValueError):
        found = None
    if found is None or str(found) != key:
        raise _no_day(f"The partition key {key!r} is not a day.")
    return found


def _no_day(what: str) -> UsageError:
    return UsageError.of(
        "E804",
        what,
        why="The days that a task builds come from the partition alone, so that it can be repeated.",
        fix='Start the run with a partition key such as 2025-08-24, or with the conf {"partition": "2025-08-24"}.',
    )
