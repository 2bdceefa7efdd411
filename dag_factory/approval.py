"""A person confirms the final verdict of an experiment in Airflow's own page of required actions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

from dag_factory.spec import TaskSpec


class Approve(ApprovalOperator):
    """Asks once, on the experiment's last day; the days before it have nothing to confirm. The task waits without a
    process, fails when the verdict is rejected or nobody answers, and is not repeated."""

    def __init__(self, *, step: TaskSpec, root: Path, **more: Any) -> None:
        (name,) = step.names
        above = "{{ ti.xcom_pull(task_ids='" + step.after[0] + "')['verdict'] }}"
        more |= {"retries": 0, "fail_on_reject": True, "response_timeout": timedelta(seconds=step.timeout)}
        super().__init__(subject=f"{name}: {above}", body=f"Is the verdict on '{name}' accepted?", **more)
        self.step, self.root = step, root

    def execute(self, context: Any) -> Any:
        above = context["ti"].xcom_pull(task_ids=self.step.after[0]) or {}
        if not above.get("final"):
            raise AirflowSkipException("the experiment is still running")
        return super().execute(context)
