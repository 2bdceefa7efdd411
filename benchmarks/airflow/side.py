"""One side, in a process of its own: builds N DAGs of six tasks in a chain and prints what it cost, as JSON.

    python side.py ours|theirs FOLDER N parse|serialise|task

What a dag processor has imported before it forks is not counted: Airflow's own modules. The generator's modules and its
work are. `task` is the parse of a task's process, which needs one DAG of all.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

TASKS = 6
VARIABLE = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"


def write_ours(folder: Path, number: int) -> None:
    from dag_factory.spec import DagSpec, Schedule, TaskSpec

    manifest = folder / "target" / "manifest"
    (manifest / "m" / "shards").mkdir(parents=True)
    (folder / "project.yaml").write_text("name: benchmark\n")
    (manifest / "current").write_text("m")
    for at in range(number):
        tasks = tuple(
            TaskSpec(f"task_{each}", "build", ("x",), (f"task_{each - 1}",) if each else (), "default_pool")
            for each in range(TASKS)
        )
        dag = DagSpec(f"dag_{at:04}", "metrics", "A chain.", "team", Schedule("cron", "0 3 * * *"), tasks, "a.yaml", 1)
        (manifest / "m" / "shards" / f"{dag.dag_id}.json").write_text(json.dumps(dag.as_dict()))


def write_theirs(folder: Path, number: int) -> None:
    import yaml

    task = {"operator": "airflow.providers.standard.operators.bash.BashOperator", "bash_command": "true"}
    task |= {"pool": "default_pool", "retries": 2, "retry_exponential_backoff": 2}
    for name, seconds in (("execution_timeout", 7200), ("retry_delay", 60), ("max_retry_delay", 900)):
        task[name] = {"__type__": "datetime.timedelta", "seconds": seconds}
    chain = [
        {"task_id": f"task_{each}", **task, "dependencies": [f"task_{each - 1}"] if each else []}
        for each in range(TASKS)
    ]
    head = {"default_args": {"owner": "team", "start_date": "2025-01-01"}, "description": "A chain.", "catchup": False}
    head |= {"schedule": "0 3 * * *", "max_active_runs": 1, "tags": ["metrics"]}
    folder.mkdir(parents=True, exist_ok=True)
    dags = {f"dag_{at:04}": {**head, "tasks": chain} for at in range(number)}
    (folder / "dags.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(dags))))


def load(side: str, folder: Path, found: dict[str, Any]) -> None:
    """The parse: everything here is paid each time."""
    if side == "ours":
        from dag_factory.loader import load as ours

        ours(found, folder)
    else:
        from dagfactory import load_yaml_dags

        load_yaml_dags(globals_dict=found, config_filepath=str(folder / "dags.yaml"))


def main(side: str, folder: Path, number: int, what: str) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        (write_ours if side == "ours" else write_theirs)(folder, number)
    from airflow.sdk import (  # noqa: F401  # noqa: F401
        DAG,
        Asset,
        BaseOperator,
        CronPartitionTimetable,
        DeadlineAlert,
        ExceptionRetryPolicy,
        PartitionedAssetTimetable,
    )
    from airflow.serialization.serialized_objects import DagSerialization

    if what == "task":
        os.environ[VARIABLE] = f"dag_{number // 2:04}"
    found: dict[str, Any] = {}
    begin, size = time.process_time(), 0
    load(side, folder, found)
    dags = [each for each in found.values() if isinstance(each, DAG)]
    if what == "serialise":
        size = sum(len(json.dumps(DagSerialization.to_dict(each))) for each in dags)
    seconds = time.process_time() - begin
    tasks = sum(len(each.tasks) for each in dags)
    print("\n" + json.dumps({"seconds": seconds, "dags": len(dags), "tasks": tasks, "bytes": size}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
