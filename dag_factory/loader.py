"""From compiled DAGs to Airflow's. The only module that imports `airflow.sdk`; what tasks need is imported by tasks.

    from dag_factory.loader import load
    load(globals())

A full parse builds every DAG; a task's parse builds the one that it belongs to. Constructors see no clock, no random
number and no environment, so that the same manifest is the same version of a DAG.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetAll,
    BaseOperator,
    CronPartitionTimetable,
    CronTriggerTimetable,
    DeadlineAlert,
    DeadlineReference,
    ExceptionRetryPolicy,
    PartitionedAssetTimetable,
    RetryAction,
    RetryRule,
    SyncCallback,
    get_parsing_context,
)
from airflow.sdk.exceptions import AirflowSkipException

from assay.config.root import find_root
from assay.errors import AssayError
from dag_factory import callbacks, store
from dag_factory.spec import DagSpec, Schedule, TaskSpec

# What a repetition cannot help fails at once; a busy database is asked again soon. First match wins.
RETRIES = ExceptionRetryPolicy(
    rules=[
        RetryRule(["assay.errors.DefinitionsError", "assay.errors.UsageError"], RetryAction.FAIL, reason="a mistake"),
        RetryRule("assay.errors.CheckFailed", RetryAction.FAIL, reason="a check or a gate failed"),
        RetryRule("assay.errors.EngineBusy", RetryAction.RETRY, timedelta(seconds=15), "the database is in use"),
    ]
)
KEY = "%Y-%m-%d"
# The pool of an embedded database has one slot: what people wait for goes before any back-fill. Of the rest, a run that
# has begun goes on before another one does, so that its asset is there early.
WEIGHTS = {"alert": 100, "report": 50}


class Step(BaseOperator):
    """One step of the runner, as `platform` runs it, in the project in `root`. XCom holds keys, counts and hashes."""

    def __init__(self, *, step: TaskSpec, root: Path, **more: Any) -> None:
        super().__init__(**more)
        self.step, self.root = step, root  # neither is serialised: a project may stand anywhere

    def execute(self, context: Any) -> dict[str, Any]:
        from dag_factory import runtime

        try:
            done = runtime.execute(run_of(context, self.step), connection, self.root)
        except runtime.NothingToDo as reason:
            raise AirflowSkipException(str(reason)) from None
        if self.step.outlet:
            context["outlet_events"][Asset(self.step.outlet)].extra = done
        return done


def load(namespace: dict[str, Any], root: Path | None = None) -> None:
    """Put the projects' DAGs into the module that Airflow parses. `errors_dag.py` tells what is wrong with them.

    Of two DAGs with one id the first project's is built.
    """
    wanted = get_parsing_context().dag_id
    for folder in [root] if root else store.project_folders():
        for spec in _specs(folder, wanted):
            if spec.dag_id not in namespace:
                namespace[spec.dag_id] = build(spec, folder)


def _specs(folder: Path, wanted: str | None) -> Iterable[DagSpec]:
    try:
        root = find_root(folder)
        sha = store.current(root)
        return [store.shard(root, sha, wanted)] if wanted else store.shards(root, sha)
    except AssayError:
        return ()


def build(spec: DagSpec, root: Path) -> DAG:
    """One DAG with its tasks, edges and assets, of the project in a folder."""
    dag = DAG(
        spec.dag_id,
        description=_description(spec),
        schedule=timetable(spec.schedule),
        catchup=False,
        max_active_runs=1,
        tags=[spec.kind.rstrip("s"), *(["stale"] if spec.stale else [])],
        deadline=_deadline(spec),
    )
    tasks = {each.task_id: _task(dag, spec, each, root) for each in spec.tasks}
    for each in spec.tasks:
        for above in each.after:
            tasks[above].set_downstream(tasks[each.task_id])
    return dag


def timetable(schedule: Schedule) -> Any:
    """Airflow's word for a schedule. A partition is the local day before the tick."""
    assets = [Asset(name) for name in schedule.assets]
    if assets and schedule.trigger == "partition":
        mapper = {"default_partition_mapper": _weeks()} if schedule.weekly else {}
        return PartitionedAssetTimetable(assets=AssetAll(*assets), **mapper)
    if assets:
        return assets
    if schedule.trigger == "partition":
        return CronPartitionTimetable(schedule.cron, timezone=schedule.timezone, run_offset=-1, key_format=KEY)
    return CronTriggerTimetable(schedule.cron, timezone=schedule.timezone)


def _weeks() -> Any:
    """Seven days of every asset are a partition, named by its Monday. Only forecasts pay for the import."""
    from airflow.sdk import RollupMapper, StartOfWeekMapper, WeekWindow

    return RollupMapper(upstream_mapper=StartOfWeekMapper(input_format=KEY, output_format=KEY), window=WeekWindow())


def _task(dag: DAG, spec: DagSpec, task: TaskSpec, root: Path) -> BaseOperator:
    kind = _approval() if task.verb == "approve" else Step
    more: dict[str, Any] = {"pool": task.pool} if task.pool else {}
    return kind(
        task_id=task.task_id,
        dag=dag,
        step=task,
        root=root,
        owner=spec.owner,
        outlets=[Asset(task.outlet)] if task.outlet else [],
        execution_timeout=timedelta(seconds=task.timeout),
        retries=2,
        retry_delay=timedelta(minutes=1),
        retry_exponential_backoff=2,
        max_retry_delay=timedelta(minutes=15),
        retry_policy=RETRIES,
        on_failure_callback=callbacks.failed if spec.notify else None,
        priority_weight=WEIGHTS.get(task.verb, 1),
        weight_rule="upstream",
        **more,
    )


def _approval() -> Any:
    """Only projects that ask for it pay for the import."""
    from dag_factory.approval import Approve

    return Approve


def _description(spec: DagSpec) -> str:
    stale = "Stale: its definitions are wrong now, and the last good ones run. " if spec.stale else ""
    return f"{stale}{spec.description} ({spec.path})".strip()


def _deadline(spec: DagSpec) -> DeadlineAlert | None:
    if spec.deadline is None:
        return None
    callback = SyncCallback(callbacks.late, kwargs={"dag_id": spec.dag_id, "seconds": spec.deadline})
    return DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, timedelta(seconds=spec.deadline), callback)


def run_of(context: Mapping[str, Any], step: TaskSpec) -> Any:
    """What the runner needs to know of a task instance, as plain data."""
    from dag_factory.runtime import Run

    dag_run, instance = context["dag_run"], context["ti"]
    above = instance.xcom_pull(task_ids=step.after[0]) if step.after else None
    return Run(
        dag_id=instance.dag_id,
        task_id=instance.task_id,
        run_id=dag_run.run_id,
        partition=context.get("partition_key") or (dag_run.conf or {}).get("partition"),
        logical_date=dag_run.logical_date,
        events=tuple(_extras(context)),
        above=above or {},
        attempt=instance.try_number,
    )


def _extras(context: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the assets that started this run were given along."""
    found = context.get("triggering_asset_events") or {}
    return [event.extra for events in found.values() for event in events]


def connection(name: str) -> Mapping[str, Any]:
    """An Airflow Connection as plain data. Raises Airflow's error when there is none of this name."""
    from airflow.sdk import Connection

    found = Connection.get(name)
    parts = ("conn_type", "host", "port", "login", "password", "schema")
    return {each: getattr(found, each) for each in parts} | {"extra": found.extra_dejson}
