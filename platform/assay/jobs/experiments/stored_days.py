"""The stored days of an experiment, brought up to date: what is missing of its exposures is read from the events, and
what its units have done is carried on from the newest day up to which that is known.

A stored day remembers a hash of what it was made of: the meaning, and what was stored of that day and of those before.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from itertools import dropwhile
from typing import Any

from assay.compiler import incremental, unit_days, zone
from assay.compiler.scan import scan
from assay.compiler.states import Grain
from assay.compiler.unit_days import EXPERIMENT, TOTALS
from assay.compiler.units import Plan
from assay.engine import Partitions, publish
from assay.jobs.context import Context
from assay.jobs.storage import builds, source_states
from assay.jobs.storage.builds import Build
from assay.statement import Statement

_DAY = timedelta(days=1)
Stored = Mapping[date, Build]


def refresh(context: Context, plan: Plan) -> str | None:
    """Store the exposures of each day that lacks them, and what the units had done by the end of the last one.

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
    _expose(context, plan, [*stored.values()])
    _add_up(context, plan, [*stored.values(), _stored(context, plan.experiment.name, EXPERIMENT)])
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


def _hashes(meaning: str, days: Iterable[date], made_of: Sequence[Stored]) -> dict[date, str]:
    """Day: a hash of a meaning and of what is stored of the days up to it."""
    found, whole = dict[date, str](), blake2b(meaning.encode(), digest_size=8)
    for day in days:
        parts = [each[day] for each in made_of if day in each]
        whole.update(repr([(each.fingerprint, str(each.until), str(each.seen)) for each in parts]).encode())
        found[day] = whole.hexdigest()
    return found


def _expose(context: Context, plan: Plan, made_of: Sequence[Stored]) -> None:
    """Store the exposures of the days from the first one on that lacks them, or is made of what is no longer there."""
    name, own = plan.experiment.name, _stored(context, plan.experiment.name, EXPERIMENT)
    hashes = _hashes(unit_days.fingerprint(plan), zone.days(plan.start, plan.until), made_of)
    old = {day for day, each in own.items() if hashes.get(day) == each.fingerprint and _over(context, day, each)}
    late = [*dropwhile(old.__contains__, hashes)]
    for days in source_states.chunks(Grain(name, EXPERIMENT, (), ()), late):
        _build(context, plan, {day: hashes[day] for day in days})


def _build(context: Context, plan: Plan, hashes: Mapping[date, str]) -> None:
    """Stage, check and publish the exposures of some consecutive days."""
    name, days = plan.experiment.name, [*hashes]
    start, end = days[0], days[-1] + _DAY
    run_id = _publish(
        context,
        "experiment_days",
        fill=lambda stage: unit_days.fill(plan, stage, start, end, context.database),
        check=lambda stage: [unit_days.check(plan, stage, start, end)],
        partitions=unit_days.partitions(name, days),
        purpose=f"exposures of {name}",
    )
    builds.record_experiment(context, EXPERIMENT, name, hashes, run_id)


def _add_up(context: Context, plan: Plan, made_of: Sequence[Stored]) -> None:
    """Store what the units had done by the end of the last day, from the newest earlier day of which that is known.

    That one is kept for whoever reads it at this moment; those before it are dropped.
    """
    name, last = plan.experiment.name, plan.until - _DAY
    hashes = _hashes(unit_days.meaning(plan), zone.days(plan.start - plan.past, plan.until), made_of)
    own = _stored(context, name, TOTALS)
    prior = max((day for day, each in own.items() if hashes.get(day) == each.fingerprint), default=plan.start - _DAY)
    if prior == last:
        return
    run_id = _publish(
        context,
        "experiment_totals",
        fill=lambda stage: unit_days.fill_totals(plan, stage, prior, context.database),
        check=lambda stage: [unit_days.check_totals(plan, stage, context.database)],
        partitions=unit_days.partitions(name, [last]),
        purpose=f"units of {name}",
    )
    builds.record_experiment(context, TOTALS, name, {last: hashes[last]}, run_id)
    gone = [day for day in own if day < last and day != prior]
    for statement in incremental.drop_totals(context.database, name, gone) if gone else ():
        context.engine.run(statement)


def _publish(context: Context, table: str, **work: Any) -> str:
    """Replace partitions of a table of ours; returns the name of the run that did."""
    run_id = uuid.uuid4().hex[:12]
    publish(context.engine, Partitions(f"{context.database}.{table}", **work), run_id, source_states.Counted())
    return run_id
