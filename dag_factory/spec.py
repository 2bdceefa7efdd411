"""What a DAG is, as plain data. Airflow reads it at every parse, so it needs the standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Trigger = Literal["partition", "asset", "cron"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a DAG runs: when all `assets` are there, else by `cron` in the time zone.

    With the trigger `partition` a run has a partition key: the local day that it is about, which is the day before the
    cron tick, or the partition that all the assets have. A `weekly` DAG waits for the seven days of a week, and its
    partition is the week's Monday.
    """

    trigger: Trigger
    cron: str = ""
    timezone: str = "UTC"
    assets: tuple[str, ...] = ()
    weekly: bool = False

    def __str__(self) -> str:
        assets = " & ".join(self.assets)
        return f"weeks of {assets}" if self.weekly else assets or f"{self.cron} {self.timezone}"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A step: `verb` is a function of `dag_factory.steps`, `names` the definitions that it is about.

    `after` are the tasks before it, `timeout` is in seconds, `lateness` the past days that are built again, and
    `outlet` the asset that is there when the step has succeeded.
    """

    task_id: str
    verb: str
    names: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    pool: str = ""
    timeout: int = 7200
    lateness: int = 0
    outlet: str = ""


@dataclass(frozen=True, slots=True)
class DagSpec:
    """A DAG: `path` and `line` are where the definition stands that asks for it; `deadline` is in seconds.

    `definitions` is the digest of the files that it was made from, and `stale` says that newer ones are wrong.
    """

    dag_id: str
    kind: str
    description: str
    owner: str
    schedule: Schedule
    tasks: tuple[TaskSpec, ...]
    path: str
    line: int
    deadline: int | None = None
    notify: bool = False
    definitions: str = ""
    stale: bool = False

    @property
    def outlets(self) -> tuple[str, ...]:
        return tuple(task.outlet for task in self.tasks if task.outlet)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def from_dict(value: dict[str, Any]) -> DagSpec:
    """The inverse of `as_dict`, after JSON. Raises TypeError or KeyError for anything else."""
    schedule, tasks = value["schedule"], value["tasks"]
    known = Schedule(**{**schedule, "assets": tuple(schedule["assets"])})
    return DagSpec(**{**value, "schedule": known, "tasks": tuple(_task(each) for each in tasks)})


def _task(value: dict[str, Any]) -> TaskSpec:
    return TaskSpec(**{**value, "names": tuple(value["names"]), "after": tuple(value["after"])})
