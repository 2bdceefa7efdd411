"""A stored day that lacks something: what it holds is copied, and only the rest is computed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from assay.catalog.catalog import Catalog
from assay.compiler import states, unit_days
from assay.compiler.render import render, write
from assay.compiler.states import Grain, dimension_key
from assay.compiler.unit_days import EXPERIMENT, TOTALS
from assay.statement import OWN, Statement


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
    copied = "states/copy_units" if grain.of_units else "states/copy"
    sql = render(copied, stage=stage, grain=grain, kept=kept, database=database)
    origin, purpose = catalog.source(grain.source).location, f"copy {grain.source} {grain.name}"
    apart = OWN if grain.of_units else None
    copy = Statement(sql, purpose, {"first": start, "end": end}, origin, writes=True, apart=apart)
    return [copy, *states.fill(catalog, kept.lacks, stage, start, end, database, until)]


def create(database: str) -> list[Statement]:
    """The table of what was applied."""
    return [write("states/applied", "create applied", database=database)]


def drop(database: str, grain: Grain, days: Collection[date]) -> list[Statement]:
    """Forget stored days: first that they are there, then their rows."""
    return _drop(database, grain.source, grain.name, grain.table, days, states.partitions(grain, sorted(days)))


def drop_experiment(database: str, name: str, days: Collection[date]) -> list[Statement]:
    """The same for the exposures of an experiment, and for what its units had done."""
    exposures = _drop(database, name, EXPERIMENT, "experiment_days", days, unit_days.partitions(name, sorted(days)))
    return [*exposures, *drop_totals(database, name, days)]


def drop_totals(database: str, name: str, days: Collection[date]) -> list[Statement]:
    """The same for what the units of an experiment had done by the end of some days."""
    return _drop(database, name, TOTALS, "experiment_totals", days, unit_days.partitions(name, sorted(days)))


def _drop(
    database: str, source: str, grain: str, table: str, days: Collection[date], partitions: Sequence[str]
) -> list[Statement]:
    gone, purpose = ", ".join(f"DROP PARTITION {each}" for each in partitions), f"drop {source} {grain}"
    forget = f"""DELETE FROM {database}.builds
WHERE source = {{source:String}} AND grain = {{grain:String}} AND has({{days:Array(String)}}, toString(day))"""  # noqa: S608 - a checked name
    named = {"source": source, "grain": grain, "days": sorted(map(str, days))}
    return [
        Statement(forget, purpose, named, writes=True),
        Statement(f"ALTER TABLE {database}.{table} {gone}", purpose, writes=True),
    ]
