"""Who ran what, when and with which hash: a row for each attempt of a task, in our own database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from assay.errors import AssayError
from assay.jobs.context import Context
from assay.statement import Insert, Statement
from dag_factory.runtime import NothingToDo, Work

_CREATE = """CREATE TABLE IF NOT EXISTS {database}.dag_tasks (
  dag_id String, task_id String, run_id String, attempt UInt16, partition Date, manifest String, owner String,
  began DateTime64(3, 'UTC'), ended DateTime64(3, 'UTC'), status LowCardinality(String), reason String
) ENGINE = MergeTree ORDER BY (dag_id, task_id, began)"""


@contextmanager
def entry(work: Work, context: Context) -> Iterator[None]:
    """Write a row when the step inside ends, whichever way it does; what it raises goes on."""
    status, reason = "failed", ""
    try:
        yield
        status = "done"
    except NothingToDo as nothing:
        status, reason = "skipped", str(nothing)
        raise
    except Exception as error:
        reason = str(error)[:2000]
        raise
    finally:
        with suppress(AssayError):  # the task's own error matters more
            _write(work, context, status, reason)


def _write(work: Work, context: Context, status: str, reason: str) -> None:
    create = _CREATE.format(database=context.database)
    for sql in (f"CREATE DATABASE IF NOT EXISTS {context.database}", create):
        context.engine.run(Statement(sql, "prepare the ledger of tasks", writes=True))
    context.engine.run(_row(work, context.database, status, reason))


def _row(work: Work, database: str, status: str, reason: str) -> Insert:
    run, end = work.run, datetime.now(UTC)
    values = {
        "dag_id": run.dag_id, "task_id": run.task_id, "run_id": run.run_id, "attempt": run.attempt,
        "partition": work.day, "manifest": work.manifest, "owner": work.dag.owner, "began": work.now, "ended": end,
        "status": status, "reason": reason,
    }  # fmt: skip
    token = f"{run.dag_id} {run.task_id} {run.run_id} {run.attempt} {work.now.isoformat()}"
    return Insert(f"{database}.dag_tasks", {name: [value] for name, value in values.items()}, "ledger of tasks", token)
