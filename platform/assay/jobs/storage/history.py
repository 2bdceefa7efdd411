"""What runs did, step by step: who ran it, how long it took, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.jobs.context import Context
from assay.jobs.storage.pauses import who
from assay.jobs.storage.source_states import Step
from assay.statement import Insert


def record(context: Context, command: str, steps: Sequence[Step]) -> None:
    """Remember the steps of a run. The same moment recorded twice is one record."""
    if not steps:
        return
    names = ("kind", "name", "partition", "rows", "seconds", "status")
    columns: dict[str, Sequence[Any]] = {name: [getattr(each, name) for each in steps] for name in names}
    same = {"at": context.now, "command": command, "who": who(context)}
    columns |= {name: [value] * len(steps) for name, value in same.items()}
    columns["reason"] = [each.reason or "" for each in steps]
    token = f"{command} {context.now.isoformat()} {steps[0].name} {len(steps)}"
    context.engine.run(Insert(f"{context.database}.run_steps", columns, "remember what a run did", token))
