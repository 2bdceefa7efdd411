"""What a plan costs: the days to build and the rows of events to read, asked of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from assay.catalog.model import Model
from assay.catalog.plan import NOTHING, Backfill, Change, Plan
from assay.compiler import models, states
from assay.compiler.states import DAY, Grain
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


def price(context: Context, plan: Plan) -> Plan:
    """The plan with days and rows for each change. Work that several changes share is told with each of them."""
    builds.prepare(context)
    work = [_model(context, model, days) for model, days in reuse.outdated_models(context)]
    work += [each for grain, days in reuse.outdated(context).items() for each in _work(context, grain, days)]
    changes = tuple(replace(each, backfill=_of(context, each, work)) for each in plan.changes)
    return replace(plan, changes=changes, backfill=_sum(work), drops=_drops(context))


def _drops(context: Context) -> tuple[str, ...]:
    gone = reuse.orphans(context).items()
    return tuple(sorted(f"{grain.source} {grain.name}: {len(days)} days" for grain, days in gone))


def _model(context: Context, model: Model, days: Sequence[date]) -> Work:
    """A model is built anew over its stored days."""
    fill = models.insert(model, "stage", days[0], days[-1] + _DAY, context.catalog.zone, context.now)
    return Work(model, days, frozenset(), _estimate(context, fill))


def _work(context: Context, grain: Grain, days: Sequence[date]) -> Iterator[Work]:
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


def _of(context: Context, change: Change, work: Sequence[Work]) -> Backfill:
    """The part of the work that a change is the reason of."""
    return NOTHING if change.backfill == NOTHING else _sum([each for each in work if _needs(context, change, each)])


def _needs(context: Context, change: Change, work: Work) -> bool:
    what = work.what
    if isinstance(what, Model):
        read = {each.name for each in change.readers if each.kind == "model"}
        return what.name in read or (change.kind, change.name) == ("model", what.name)
    if change.kind == "source":
        return change.name == what.source
    if change.kind == "alert":
        metrics = context.catalog.definitions.alerts[change.name].spec.metrics
        ids = {measure.id for name in metrics for measure in context.catalog.metrics[name].measures}
        return what.name != DAY and not ids.isdisjoint(each.id for each in what.measures)
    return not change.measures.isdisjoint(work.measures)


def _sum(work: Sequence[Work]) -> Backfill:
    days = {day for each in work for day in each.days}
    rows = [each.rows for each in work]
    return Backfill(len(days), None if None in rows else sum(each or 0 for each in rows))
