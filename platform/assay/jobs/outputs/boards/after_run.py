"""What `run` does after its builds: the tables of dashboards that ask for it, stored again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from assay.errors import AssayError
from assay.jobs.context import Context
from assay.jobs.outputs.boards.wide import Board, boards, refresh_all
from assay.jobs.runs.materialize import Run
from assay.jobs.storage.source_states import Step


def keep_fresh(context: Context, run: Run) -> Run:
    """The run with a step for each tab that has `tables: true` and reads what was built.

    A tab that cannot be stored is a failed step, and keeps the tables that it had.
    """
    built = {step.name.partition(":")[0] for step in run.steps if step.kind == "states" and step.status == "done"}
    names = [name for name, each in context.catalog.definitions.dashboards.items() if each.spec.tables]
    if not built or not names:
        return run
    wanted = [board for board in boards(context, names) if built & board.sources]
    return replace(run, steps=(*run.steps, *_steps(context, wanted)))


def _steps(context: Context, wanted: list[Board]) -> Iterator[Step]:
    for board in wanted:
        begun = time.perf_counter()
        try:
            found = refresh_all(context, [board])
        except AssayError as error:
            yield Step("board", board.table, "", 0, time.perf_counter() - begun, "failed", error.diagnostics[0].message)
            continue
        rows, span = sum(each.rows for each in found), f"{found[0].start}..{found[0].end}"
        yield Step("board", board.table, span, rows, time.perf_counter() - begun, "done")
