"""A person confirms the final verdict of an experiment in Airflow's own page of required actions."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

from dag_factory.spec import TaskSpec


class Approve(ApprovalOperator):
    """Asks once, on the experiment's last day; the days before it have nothing to confirm."""

    def __init__(self, *, step: TaskSpec, **more: Any) -> None:
        (name,) = step.names
        above = "{{ ti.xcom_pull(task_ids='" + step.after[0] + "')['verdict'] }}"
        super().__init__(subject=f"{name}: {above}", body=f"Is the verdict on '{name}' accepted?", **more)
        self.step = step

    def execute(self, context: Any) -> Any:
        above = context["ti"].xcom_pull(task_ids=self.step.after[0]) or {}
        if not above.get("final"):
            raise AirflowSkipException("the experiment is still running")
        return super().execute(context)
