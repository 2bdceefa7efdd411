"""The stored days of an experiment, brought up to date: what is missing of its exposures is read from the events."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from assay.compiler import unit_days, zone
from assay.compiler.scan import scan
from assay.compiler.states import Grain
from assay.compiler.unit_days import EXPERIMENT
from assay.compiler.units import Plan
from assay.engine import Partitions, publish
from assay.jobs.context import Context
from assay.jobs.storage import builds, source_states
from assay.jobs.storage.builds import Build
from assay.statement import Statement

_DAY = timedelta(days=1)
_NEVER = datetime.min.replace(tzinfo=UTC)
Stored = Mapping[date, Build]


def refresh(context: Context, plan: Plan) -> str | None:
    """Store the exposures of each day that lacks them, or whose units were built since.

    Returns why the units of the plan must be read from events instead; None when they need not.
    """
    why = unit_days.refusal(plan)
    if why:
        return why
    stored = {grain: _stored(context, grain.source, grain.name) for grain in unit_days.grains(plan)}
    for grain, days in stored.items():
        lacks = _lacking(context, plan, grain, days)
        if lacks:
            more = f" and {len(lacks) - 1} more" if len(lacks) > 1 else ""
            return f"unit_days of {grain.source} lack {lacks[0]}{more}; 'platform run {grain.source}' stores them"
    exposures = Grain(plan.experiment.name, EXPERIMENT, (), ())
    for chunk in source_states.chunks(exposures, _outdated(context, plan, stored.values())):
        _build(context, plan, chunk)
    return None


def _stored(context: Context, source: str, grain: str) -> Stored:
    return {day: build for (name, day), build in builds.read(context, grain).items() if name == source}


def _lacking(context: Context, plan: Plan, grain: Grain, stored: Stored) -> list[date]:
    """The days of the experiment and its past that are not stored whole with all measures.

    The days before the first stored one count as stored if they have no events.
    """
    first, every = min(stored, default=date.max), zone.days(plan.start - plan.past, plan.until)
    found = [day for day in every if not _whole(context, grain, day, stored.get(day))]
    early = [day for day in found if day < first]
    empty = early and not _has_events(context, grain.source, early[0], early[-1] + _DAY)
    return [day for day in found if day >= first] if empty else found


def _whole(context: Context, grain: Grain, day: date, build: Build | None) -> bool:
    if build is None or not _over(context, day, build):
        return False
    return {each.id for each in grain.measures} <= build.measures and {*grain.dimension_keys} <= build.dimensions


def _over(context: Context, day: date, build: Build) -> bool:
    return build.until >= zone.midnight(day, context.catalog.zone, after=1)


def _has_events(context: Context, source: str, start: date, end: date) -> bool:
    read = scan(context.catalog, source)
    sql = f"""SELECT 1 FROM {read["table"]}
WHERE {read["time"]} >= fromUnixTimestamp({{start:Int64}}) AND {read["time"]} < fromUnixTimestamp({{end:Int64}})
  AND ({read["where"] or 1}) LIMIT 1"""  # noqa: S608 - checked names and expressions
    window = zone.window(start, end, context.catalog.zone)
    return bool(context.engine.run(Statement(sql, f"look for events of {source}", window)).rows)


def _outdated(context: Context, plan: Plan, units: Collection[Stored]) -> list[date]:
    """The days from the first one whose exposures are not stored, mean something else, or are older than what they
    are made of: the exposures of the days before, and what the units did.
    """
    own, meaning = _stored(context, plan.experiment.name, EXPERIMENT), unit_days.fingerprint(plan)
    days, newest = list(zone.days(plan.start, plan.until)), _NEVER
    for at, day in enumerate(days):
        build = own.get(day)
        newest = max((newest, *(each[day].seen for each in units if day in each)))
        if build is None or build.fingerprint != meaning or build.seen < newest or not _over(context, day, build):
            return days[at:]
        newest = build.seen
    return []


def _build(context: Context, plan: Plan, days: Sequence[date]) -> None:
    """Stage, check and publish the exposures of some consecutive days."""
    run_id, (start, end) = uuid.uuid4().hex[:12], (days[0], days[-1] + _DAY)
    work = Partitions(
        target=f"{context.database}.experiment_days",
        fill=lambda stage: unit_days.fill(plan, stage, start, end, context.database),
        check=lambda stage: [unit_days.check(plan, stage, start, end)],
        partitions=unit_days.partitions(plan.experiment.name, days),
        purpose=f"exposures of {plan.experiment.name}",
    )
    publish(context.engine, work, run_id, source_states.Counted())
    builds.record_experiment(context, plan.experiment.name, unit_days.fingerprint(plan), days, run_id)
