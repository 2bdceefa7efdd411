"""The table of one model: which days, in which pieces, and the build of one piece."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from assay.catalog.model import Model
from assay.compiler import checks as rows
from assay.compiler import models, zone
from assay.compiler.checks import Subject
from assay.engine import Partitions, Whole, exchange, publish
from assay.errors import AssayError, CheckFailed, WarehouseError
from assay.jobs.context import Context
from assay.jobs.storage import builds, checks
from assay.jobs.storage.builds import MODEL
from assay.jobs.storage.source_states import Step, reason
from assay.statement import Statement, Table

_DAY = timedelta(days=1)
_CHUNK = 16  # days per staging table
_COLUMN = re.compile(r"to destination column `?(\w+)")


def resume(context: Context, model: Model, end: date) -> date | None:
    """Where to go on before `end`: the lateness behind the last stored day, or at the first hole, if that is earlier.

    A day counts as stored when it has the same meaning and was over when it was built; None when nothing is stored.
    """
    done = {
        day
        for (name, day), build in builds.read(context, MODEL).items()
        if name == model.name
        and build.fingerprint == model.fingerprint
        and build.until >= zone.midnight(day, context.catalog.zone, after=1)
    }
    if not done or _comment(context, model) is None:
        return None
    late = -(-model.lateness // _DAY)
    holes = (day for day in zone.days(min(done), end) if day not in done)
    return max(min(done), min(next(holes, end), max(done) + (1 - late) * _DAY))


def pieces(context: Context, model: Model, start: date, end: date) -> list[Sequence[date]]:
    """The days [start, end) in pieces that are published together.

    A changed layout (columns, order, engine) is one piece: the new table takes the place of the old one with every day
    that is stored, so that no reader meets half of each. Raises WarehouseError E505 for a table that is not ours.
    """
    new_layout = _is_new_layout(context, model)
    if model.spec.day is None:
        return [list(zone.days(start, end))]
    if new_layout:
        stored = [day for name, day in builds.read(context, MODEL) if name == model.name]
        return [list(zone.days(min([start, *stored]), max([end, *(day + _DAY for day in stored)])))]
    days = list(zone.days(start, end))
    return [days[at : at + _CHUNK] for at in range(0, len(days), _CHUNK)]


def _is_new_layout(context: Context, model: Model) -> bool:
    found = _comment(context, model)
    if found is not None and not found.startswith(f"assay: model {model.name} "):
        raise WarehouseError.of(
            "E505",
            f"The table {models.table(model, context.database)} is there, and no model has made it.",
            why="Its rows would be replaced.",
            fix="Rename the model, or move the table to another database.",
            location=model.definition.location,
        )
    return found not in (None, models.comment(model))


def _comment(context: Context, model: Model) -> str | None:
    """The comment of the table; None when there is no table."""
    sql = "SELECT comment FROM system.tables WHERE database = {database:String} AND name = {name:String}"
    names = {"database": context.database, "name": model.name}
    found = context.engine.run(Statement(sql, "read the layout of a model", names))
    return found.scalar() if found.rows else None


def build(context: Context, model: Model, days: Sequence[date]) -> Step:
    """Stage, check and publish some consecutive days, or the whole table. A failure leaves what was stored.

    A check that fails is a failed step. Raises WarehouseError when the query does not run.
    """
    run, begun, counted = uuid.uuid4().hex[:12], time.perf_counter(), _Counted(model)
    try:
        work = _Work(context, model, days, run)
        work.sources()
        work.publish(counted)
    except CheckFailed as error:
        return _step(model, days, 0, begun, "failed", reason(error))
    except WarehouseError as error:
        unfit = _unfit(model, error)
        if unfit is None:
            raise
        return _step(model, days, 0, begun, "failed", reason(unfit))
    builds.record_model(context, model, days if model.spec.day else days[-1:], run, context.now)
    return _step(model, days, counted.rows, begun, "done", work.warned)


class _Work:
    """One piece of a model."""

    def __init__(self, context: Context, model: Model, days: Sequence[date], run: str) -> None:
        self._context, self._model, self._days, self._run = context, model, days, run
        self._start, self._end = days[0], days[-1] + _DAY
        self._whole = _is_new_layout(context, model) or model.spec.day is None
        self.warned: str | None = None

    def sources(self) -> None:
        """Refuse events that fail the checks of their source; of a table without days, the newest."""
        start = self._start if self._model.spec.day else max(self._start, self._end - self._model.lateness)
        for name in self._model.sources:
            if self._context.catalog.source(name).spec.model is None:
                subject = rows.source(self._context.catalog, name)
                checks.require(self._context, subject, start, self._end, self._run, known=True)

    def publish(self, counted: _Counted) -> None:
        context, model = self._context, self._model
        target, purpose = models.table(model, context.database), f"build {model.name}"
        if self._whole:
            whole = Whole(target, lambda name: models.create(model, name), self.fill, self.check, purpose)
            exchange(context.engine, whole, self._run, counted)
            return
        context.engine.run(models.create(model, target))
        parts = Partitions(target, self.fill, self.check, models.partitions(self._days), purpose)
        publish(context.engine, parts, self._run, counted)

    def fill(self, stage: str) -> list[Statement]:
        """Pieces of days, so that each fits into memory; a model without days reads every day that is over."""
        context, starts = self._context, self._days[::_CHUNK]
        spans = list(pairwise([*starts, self._end])) if self._model.spec.day else [(self._start, context.today)]
        return [models.insert(self._model, stage, *span, context.catalog.zone, context.now) for span in spans]

    def check(self, stage: str) -> list[Statement]:
        """What the model declares, looked at and recorded here; then what holds for every model."""
        spec = self._model.spec
        # a table that is rebuilt as a whole has the days before in its stage
        earlier = None if self._whole else models.table(self._model, self._context.database)
        subject = Subject("model", self._model.definition, stage, day=spec.day, earlier=earlier)
        self.warned = checks.require(self._context, subject, self._start, self._end, self._run) or None
        return [models.check(self._model, stage, self._start, self._end)]


def _unfit(model: Model, error: WarehouseError) -> CheckFailed | None:
    """E510 for a value that ClickHouse could not put into its column."""
    found = _COLUMN.search(error.diagnostics[0].message)
    if found is None:
        return None
    kind = model.spec.columns.get(found[1], "")
    return CheckFailed.of(
        "E510",
        f"The model '{model.name}' returns a NULL, or a number that does not fit, for '{found[1]}': {kind}.",
        why="ClickHouse would store another value in silence; what was stored before is untouched.",
        fix="Give the column a type that holds every value, such as Nullable(…) or a wider number.",
        location=model.definition.at("columns", found[1]),
    )


def _step(model: Model, days: Sequence[date], rows: int, begun: float, status: str, reason: str | None = None) -> Step:
    span = f"{days[0]}..{days[-1]}" if len(days) > 1 else str(days[0])
    return Step(MODEL, model.name, span if model.spec.day else "all", rows, time.perf_counter() - begun, status, reason)


class _Counted:
    """Refuses rows that no model may have, and remembers how many there are."""

    def __init__(self, model: Model) -> None:
        self._model, self.rows = model, 0

    def __call__(self, statement: Statement, table: Table) -> None:
        self.rows += sum(row["rows"] for row in table.dicts())
        failed = [f"{row['failures']:,} {row['check']}" for row in table.dicts() if row["failures"]]
        if failed:
            raise CheckFailed.of(
                "E510",
                f"The model '{self._model.name}' has {'; '.join(failed)}.",
                why="Such rows are never published; what was stored before is untouched.",
                fix="Correct the query, the grain or the data. A mean of nothing is NULL: use a sum and a count.",
                location=statement.origin,
            )


def failed(model: Model, error: AssayError) -> Step:
    """The step of a model whose days cannot be told."""
    return Step(MODEL, model.name, "", 0, 0.0, "failed", reason(error))
