"""A stored day that lacks something: what it holds is copied, and only the rest is computed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from assay.catalog.catalog import Catalog
from assay.compiler import states
from assay.compiler.render import render, write
from assay.compiler.states import Grain, dimension_key
from assay.statement import Statement


@dataclass(frozen=True, slots=True)
class Kept:
    """What is copied: measures by their ids and dimensions by their names, '' for the total. `lacks` is computed."""

    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    lacks: Grain


def keep(grain: Grain, measures: Collection[str], dimensions: Collection[str]) -> Kept | None:
    """What a day with some measures (ids) and dimensions (keys) gives to the grain; None where it is built anew.

    New dimensions of old measures come with their totals, which are then not copied. A day that lacks measures and
    dimensions is built anew: two scans would cost more than one.
    """
    old = tuple(each for each in grain.measures if each.id in measures)
    new = tuple(each for each in grain.measures if each.id not in measures)
    split = tuple(each for each in grain.dimensions if dimension_key(*each) in dimensions)
    unsplit = tuple(each for each in grain.dimensions if dimension_key(*each) not in dimensions)
    if not old or (unsplit and (new or not split)):
        return None
    ids, names = tuple(each.id for each in old), tuple(name for name, _ in split)
    if unsplit:
        return Kept(ids, names, replace(grain, measures=old, dimensions=unsplit))
    return Kept(ids, ("", *names), replace(grain, measures=new))


def fill(
    catalog: Catalog,
    grain: Grain,
    kept: Kept | None,
    stage: str,
    start: date,
    end: date,
    database: str,
    until: datetime | None = None,
) -> list[Statement]:
    """The statements that build the local days [start, end) in a staging table, with what is kept of them."""
    if kept is None:
        return states.fill(catalog, grain, stage, start, end, database, until)
    sql = render("states/copy", stage=stage, grain=grain, kept=kept, database=database)
    origin, purpose = catalog.source(grain.source).location, f"copy {grain.source} {grain.name}"
    copy = Statement(sql, purpose, {"first": start, "end": end}, origin, writes=True)
    return [copy, *states.fill(catalog, kept.lacks, stage, start, end, database, until)]


def create(database: str) -> list[Statement]:
    """Our tables of before this, made as they are now, and the table of what was applied."""
    return [
        write("states/builds_seen", "remember when builds saw their events", database=database),
        write("states/applied", "create applied", database=database),
    ]


def drop(database: str, grain: Grain, days: Collection[date]) -> list[Statement]:
    """Forget stored days: first that they are there, then their rows."""
    gone = ", ".join(f"DROP PARTITION {each}" for each in states.partitions(grain, sorted(days)))
    forget = f"DELETE FROM {database}.builds WHERE source = {{source:String}} AND grain = {{grain:String}}"  # noqa: S608 - a checked name
    purpose = f"drop {grain.source} {grain.name}"
    return [
        Statement(forget, purpose, {"source": grain.source, "grain": grain.name}, writes=True),
        Statement(f"ALTER TABLE {database}.measure_states {gone}", purpose, writes=True),
    ]
