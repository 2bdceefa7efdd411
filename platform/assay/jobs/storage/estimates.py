"""What building days costs: the rows of events to read, as EXPLAIN ESTIMATE tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assay.catalog.model import Model
from assay.compiler import models, states
from assay.compiler.states import Grain
from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.jobs.storage import builds, reuse, source_states
from assay.jobs.storage.reuse import Piece
from assay.statement import Statement

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of the back-fill: what it computes, and the rows to read; None where ClickHouse cannot tell."""

    what: Grain | Model
    days: Sequence[date]
    measures: frozenset[str]
    rows: int | None


def rows_to_read(context: Context, what: Grain | Model, days: Sequence[date], keep: bool) -> int | None:
    """The rows that building some days reads of events; None where ClickHouse cannot tell. `keep` is that of a run."""
    if isinstance(what, Model):
        return of_model(context, what, days).rows
    if not keep:
        return _rows(context, what, Piece(days))
    rows = [each.rows for each in of_grain(context, what, days)]
    return None if None in rows else sum(each or 0 for each in rows)


def of_model(context: Context, model: Model, days: Sequence[date]) -> Work:
    """A model is built anew over its stored days."""
    fill = models.insert(model, "stage", days[0], days[-1] + _DAY, context.catalog.zone, context.now)
    return Work(model, days, frozenset(), _estimate(context, fill))


def of_grain(context: Context, grain: Grain, days: Sequence[date]) -> Iterator[Work]:
    stored = builds.read(context, grain.name)
    for chunk in source_states.chunks(grain, days):
        for part in reuse.pieces(context, grain, chunk, stored):
            computed = part.kept.lacks if part.kept else grain
            ids = frozenset(each.id for each in computed.measures)
            yield Work(grain, part.days, ids, _rows(context, grain, part))


def _rows(context: Context, grain: Grain, part: Piece) -> int | None:
    """The rows that the statements of the piece read of the source, as EXPLAIN ESTIMATE tells."""
    computed = part.kept.lacks if part.kept else grain
    start, end = part.days[0], part.days[-1] + _DAY
    found = [
        _estimate(context, each)
        for each in states.fill(context.catalog, computed, "stage", start, end, context.database, context.now)
    ]
    return None if None in found else sum(each or 0 for each in found)


def _estimate(context: Context, fill: Statement) -> int | None:
    select = fill.sql.partition("\n")[2]  # the first line says where the rows go
    explained = Statement(f"EXPLAIN ESTIMATE\n{select}", f"estimate: {fill.purpose}", fill.parameters, fill.origin)
    try:
        return sum(int(rows) for rows in context.engine.run(explained).column("rows"))
    except WarehouseError:
        return None  # a missing table is told by the build itself
