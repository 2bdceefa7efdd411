"""Failed tasks and missed deadlines, told by a route. Airflow imports this at every parse, so it imports nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def failed(context: Mapping[str, Any]) -> None:
    """Tell that a task has failed for good. Airflow calls it in the task's process."""
    from dag_factory.telling import tell

    instance, error = context["ti"], context.get("exception")
    key = f"airflow:{instance.dag_id}:{context['dag_run'].run_id}:{instance.task_id}:{instance.try_number}"
    title = f"{instance.dag_id} {instance.task_id} failed"
    text = f"{type(error).__name__}: {error}" if error else ""
    tell(key, title, text, instance.dag_id, getattr(context.get("task"), "root", None))


def late(dag_id: str, seconds: int, context: Mapping[str, Any] | None = None) -> None:
    """Tell that a run is not done so many seconds after it was queued. Airflow calls it in an executor."""
    from dag_factory.telling import tell

    run = ((context or {}).get("dag_run") or {}).get("dag_run_id", "")
    text = f"{run} is not done {seconds // 60} minutes after it was queued."
    tell(f"airflow:{dag_id}:{run}:deadline", f"{dag_id} is late", text, dag_id)
