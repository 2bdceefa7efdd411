"""The statement of a salt search: how a split would have divided the units of the past."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assay.catalog.assignment import split_sql
from assay.catalog.expression import quote_literal
from assay.compiler.render import read
from assay.compiler.units import Plan
from assay.statement import Statement

if TYPE_CHECKING:
    from assay.stats.assign import Split


def history(plan: Plan, table: str, split: Split, slices: Sequence[tuple[str, str]]) -> Statement:
    """Columns: variant, n, and s_<column> sums: of the unit columns, and of z0, z1, … for the slices.

    A slice is a dimension and its value, and its sum the units in it.
    """
    own = {name: sql for name, sql in plan.columns().items() if not name.startswith("x_")}
    columns, variant = own | dict(_members(slices)), split_sql(split, "assay__unit")
    purpose, origin = f"salt {split.salt} of {plan.experiment.name}", plan.experiment.location
    return read("experiment/history", purpose, {}, origin, columns=columns, variant=variant, table=table)


def _members(slices: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for at, (dimension, value) in enumerate(slices):
        yield f"z{at}", f"toFloat64(assay__by_{dimension} = {quote_literal(value)})"
