"""Which stored days differ from the definitions, what of them can be kept, and which nobody defines any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TypeAlias

from assay.catalog.model import Model
from assay.catalog.rows import ahead
from assay.compiler import incremental, states, zone
from assay.compiler.incremental import Kept
from assay.compiler.states import Grain
from assay.compiler.unit_days import EXPERIMENT, TOTALS
from assay.jobs.context import Context
from assay.jobs.storage import builds
from assay.jobs.storage.builds import MODEL, Build
from assay.statement import Statement

Stored: TypeAlias = Mapping[tuple[str, date], Build]


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive days that are built in the same way: anew, or with what is kept of them."""

    days: Sequence[date]
    kept: Kept | None = None


def pieces(context: Context, grain: Grain, days: Sequence[date], stored: Stored) -> list[Piece]:
    """Ascending consecutive days, split where what can be kept of them changes."""
    ways = [(day, _kept(context, grain, day, stored.get((grain.source, day)))) for day in days]
    return [Piece([day for day, _ in group], kept) for kept, group in groupby(ways, key=lambda way: way[1])]


def _kept(context: Context, grain: Grain, day: date, build: Build | None) -> Kept | None:
    if build is None or not _settled(context, grain, day, build):
        return None
    return incremental.keep(grain, build.measures, build.dimensions)


def _settled(context: Context, grain: Grain, day: date, build: Build) -> bool:
    """Whether the day was over when it was built, and no event could arrive any more that belongs to it.

    Rows of a model, and attributes of a join, may be others at any later time.
    """
    source = context.catalog.source(grain.source).spec
    if source.model is not None or source.joins:
        return False
    end = zone.midnight(day, context.catalog.zone, after=1)
    longest = max((ahead(measure.rows) for measure in grain.measures), default=0)
    return build.until >= end and build.seen >= end + source.lateness + timedelta(days=longest)


def outdated(context: Context) -> dict[Grain, list[date]]:
    """The days of each grain that are stored with other measures or dimensions than the definitions have.

    A grain of which nothing is stored, such as the slots of a new alert, takes the days that its source has otherwise;
    a source of which nothing is stored at all is left to its first run.
    """
    grains = states.grains(context.catalog)
    stored = {name: builds.read(context, name) for name in {grain.name for grain in grains}}
    known = _days(context)
    found = {}
    for grain in grains:
        mine = {day: build for (source, day), build in stored[grain.name].items() if source == grain.source}
        wanted = mine or dict.fromkeys(known.get(grain.source, ()))
        old = [day for day, build in wanted.items() if build is None or build.fingerprint != grain.fingerprint]
        if old:
            found[grain] = sorted(old)
    return found


def outdated_models(context: Context) -> list[tuple[Model, list[date]]]:
    """The models that are stored with another meaning, those that others need first, each with its stored days."""
    found: dict[str, list[date]] = {}
    for (name, day), build in builds.read(context, MODEL).items():
        if name in context.catalog.models and build.fingerprint != context.catalog.models[name].fingerprint:
            found.setdefault(name, []).append(day)
    return [(model, sorted(found[name])) for name, model in context.catalog.models.items() if name in found]


def _days(context: Context) -> dict[str, set[date]]:
    """Source: the days of which anything is stored."""
    found: dict[str, set[date]] = {}
    for source, _, day in _stored(context):
        found.setdefault(source, set()).add(day)
    return found


def orphans(context: Context) -> dict[Grain, set[date]]:
    """The stored days of sources and rhythms that no definition has."""
    wanted = {(grain.source, grain.name) for grain in states.grains(context.catalog)}
    found: dict[Grain, set[date]] = {}
    for source, name, day in _stored(context):
        if (source, name) not in wanted:
            found.setdefault(Grain(source, name, (), ()), set()).add(day)
    return found


def orphaned_experiments(context: Context) -> dict[str, set[date]]:
    """The stored days of experiments that no definition has."""
    found: dict[str, set[date]] = {}
    for name, day in builds.read(context, EXPERIMENT):
        if name not in context.catalog.definitions.experiments:
            found.setdefault(name, set()).add(day)
    return found


def _stored(context: Context) -> Iterator[tuple[str, str, date]]:
    """Source, rhythm and day of everything that is stored or said to be."""
    sql = f"""SELECT DISTINCT source, grain, day FROM {context.database}.measure_states
UNION DISTINCT SELECT source, grain, day FROM {context.database}.builds
WHERE NOT has({{others:Array(String)}}, grain)"""  # noqa: S608 - a checked name
    return iter(context.engine.run(Statement(sql, "read what is stored", {"others": [MODEL, EXPERIMENT, TOTALS]})).rows)
