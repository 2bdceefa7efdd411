"""From compiled DAGs to Airflow's. The only module that imports `airflow.sdk`; what tasks need is imported by tasks.

    from dag_factory.loader import load
    load(globals())

A full parse builds every DAG; a task's parse builds the one that it belongs to. Constructors see no clock, no random
number and no environment, so that the same manifest is the same version of a DAG.
"""

from __future__ import annotations

from collections.abc import Mapping
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


class Step(BaseOperator):
    """One step of the runner, as `platform` runs it. XCom holds keys, counts and hashes only."""

    def __init__(self, *, step: TaskSpec, **more: Any) -> None:
        super().__init__(**more)
        self.step = step

    def execute(self, context: Any) -> dict[str, Any]:
        from dag_factory import runtime

        try:
            done = runtime.execute(run_of(context, self.step), connection)
        except runtime.NothingToDo as reason:
            raise AirflowSkipException(str(reason)) from None
        if self.step.outlet:
            context["outlet_events"][Asset(self.step.outlet)].extra = done
        return done


def load(namespace: dict[str, Any], root: Path | None = None) -> None:
    """Put the project's DAGs into the module that Airflow parses. `errors_dag.py` tells what is wrong with them."""
    try:
        root = root or store.project_folder()
        sha, wanted = store.current(root), get_parsing_context().dag_id
        specs = [store.shard(root, sha, wanted)] if wanted else store.shards(root, sha)
    except AssayError:
        return
    for spec in specs:
        namespace[spec.dag_id] = build(spec)


def build(spec: DagSpec) -> DAG:
    """One DAG with its tasks, edges and assets."""
    dag = DAG(
        spec.dag_id,
        description=_description(spec),
        schedule=timetable(spec.schedule),
        catchup=False,
        max_active_runs=1,
        tags=[spec.kind.rstrip("s"), *(["stale"] if spec.stale else [])],
        deadline=_deadline(spec),
    )
    tasks = {each.task_id: _task(dag, spec, each) for each in spec.tasks}
    for each in spec.tasks:
        for above in each.after:
            tasks[above].set_downstream(tasks[each.task_id])
    return dag


def timetable(schedule: Schedule) -> Any:
    """Airflow's word for a schedule. A partition is the local day before the tick."""
    assets = [Asset(name) for name in schedule.assets]
    if assets and schedule.trigger == "partition":
        return PartitionedAssetTimetable(assets=AssetAll(*assets))
    if assets:
        return assets
    if schedule.trigger == "partition":
        return CronPartitionTimetable(schedule.cron, timezone=schedule.timezone, run_offset=-1, key_format=KEY)
    return CronTriggerTimetable(schedule.cron, timezone=schedule.timezone)


def _task(dag: DAG, spec: DagSpec, task: TaskSpec) -> BaseOperator:
    kind = _approval() if task.verb == "approve" else Step
    more: dict[str, Any] = {"pool": task.pool} if task.pool else {}
    return kind(
        task_id=task.task_id,
        dag=dag,
        step=task,
        owner=spec.owner,
        outlets=[Asset(task.outlet)] if task.outlet else [],
        execution_timeout=timedelta(seconds=task.timeout),
        retries=2,
        retry_delay=timedelta(minutes=1),
        retry_exponential_backoff=2,
        max_retry_delay=timedelta(minutes=15),
        retry_policy=RETRIES,
        on_failure_callback=callbacks.failed if spec.notify else None,
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
