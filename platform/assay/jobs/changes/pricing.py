"""What a plan costs: the days to build and the rows of events to read, asked of the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from assay.catalog.model import Model
from assay.catalog.plan import NOTHING, Backfill, Change, Plan
from assay.compiler.states import DAY
from assay.jobs.context import Context
from assay.jobs.storage import builds, estimates, reuse
from assay.jobs.storage.estimates import Work

_DAY = timedelta(days=1)


def price(context: Context, plan: Plan) -> Plan:
    """The plan with days and rows for each change. Work that several changes share is told with each of them."""
    builds.prepare(context)
    work = [estimates.of_model(context, model, days) for model, days in reuse.outdated_models(context)]
    work += [
        each for grain, days in reuse.outdated(context).items() for each in estimates.of_grain(context, grain, days)
    ]
    changes = tuple(replace(each, backfill=_of(context, each, work)) for each in plan.changes)
    return replace(plan, changes=changes, backfill=_sum(work), drops=_drops(context))


def _drops(context: Context) -> tuple[str, ...]:
    gone = reuse.orphans(context).items()
    return tuple(sorted(f"{grain.source} {grain.name}: {len(days)} days" for grain, days in gone))


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
