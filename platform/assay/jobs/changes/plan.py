"""`plan`: what the definitions would change, against what was applied or against a git revision."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from assay.catalog.catalog import Catalog
from assay.catalog.manifest import Manifest
from assay.catalog.meaning import manifest
from assay.catalog.plan import Plan, compare
from assay.compiler import zone
from assay.jobs.changes import applied, pricing, revision
from assay.jobs.context import Context


def plan(catalog: Catalog, now: datetime, against: str | None = None, accept: Collection[str] = ()) -> Plan:
    """The changes against the copy of what was applied, or against a git revision. No warehouse is opened.

    `accept` names running experiments whose metrics may change their meaning. Raises UsageError E201 for an unknown
    experiment and E604 when there is nothing to compare with.
    """
    for name in accept:
        catalog.experiment(name)
    today = zone.local_day(now, catalog.zone)
    if against is not None:
        return _against(catalog, today, against, accept)
    return compare(applied.read_copy(_target(catalog)), manifest(catalog, today), today, accept)


def priced(context: Context, against: str | None = None, accept: Collection[str] = ()) -> Plan:
    """The same with the days and rows of the back-fill, against what the warehouse says was applied."""
    for name in accept:
        context.catalog.experiment(name)
    old = applied.read(context)
    new = manifest(context.catalog, context.today)
    found = _against(context.catalog, context.today, against, accept) if against else None
    return pricing.price(context, found or compare(old, new, context.today, accept))


def _against(catalog: Catalog, today: date, name: str, accept: Collection[str]) -> Plan:
    with revision.definitions(catalog.definitions.root, name) as (then, mistakes):
        old = manifest(then, today)
    found = compare(_with_pins(old, _target(catalog)), manifest(catalog, today), today, accept)
    note = (f"{name} has {mistakes} mistakes; what is wrong there counts as not defined.",) if mistakes else ()
    return replace(found, notes=(*found.notes, *note), against=name)


def _with_pins(old: Manifest, target: Path) -> Manifest:
    """A revision pins what its running experiments read; what was applied goes before that, where it is known."""
    known = applied.read_copy(target)
    return replace(old, pins={**old.pins, **known.pins}) if known else old


def _target(catalog: Catalog) -> Path:
    return catalog.definitions.root / catalog.definitions.project.target
