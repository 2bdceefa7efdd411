"""The units of an experiment while they are looked at: written once, read by everything that asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np

from assay.compiler import experiment as compiled
from assay.compiler import states, unit_days
from assay.compiler.units import CROSSED, POOL, Face, Plan, Reading
from assay.jobs.context import Context
from assay.jobs.experiments import stored_days
from assay.jobs.experiments.moments import columns, moments
from assay.statement import Statement
from assay.stats import Buckets, Moments, Samples

Row = Mapping[str, Any]
Cell = tuple[str, str]  # a dimension and its value; two empty texts for everyone
EVERYONE: Cell = ("", "")


@dataclass(frozen=True, slots=True)
class Counts:
    """Exposed units: by variant and day of their first exposure, those seen in several variants apart.

    `past` is how many of each variant had any event before the start.
    """

    by_day: Mapping[str, Mapping[int, int]]
    crossed: int
    past: Mapping[str, int]

    @property
    def units(self) -> dict[str, int]:
        return {variant: sum(days.values()) for variant, days in self.by_day.items()}


@dataclass(frozen=True, slots=True)
class Units:
    """One row per exposed unit, in a table of our own; `why` says why it was not made from stored days."""

    context: Context
    plan: Plan
    table: str
    why: str | None

    def counts(self) -> Counts:
        """Every declared variant is there, also without units."""
        rows = list(self._run(compiled.counts(self.plan, self.table)))
        names = [POOL] if self.plan.pool else list(self.plan.spec.assignment.variants)
        mine = {name: [row for row in rows if row["variant"] == name] for name in (*names, CROSSED)}
        by_day = {name: {int(row["first"]): int(row["n"]) for row in mine[name]} for name in names}
        past = {name: sum(int(row["past"]) for row in mine[name]) for name in names}
        return Counts(by_day, sum(int(row["n"]) for row in mine[CROSSED]), past)

    def moments(self, caps: Mapping[str, float]) -> dict[Cell, dict[str, Row]]:
        """Per cell and variant, a row of moments, for `arm`."""
        found: dict[Cell, dict[str, Row]] = {}
        for row in self._run(compiled.moments(self.plan, self.table, caps)):
            found.setdefault((row["dim"], row["val"]), {})[row["variant"]] = row
        return found

    def daily(self, face: Face, caps: Mapping[str, float]) -> list[dict[str, Row]]:
        """Per day of the experiment and variant, a row of moments."""
        found: list[dict[str, Row]] = [{} for _ in range(self.plan.days)]
        for row in self._run(compiled.daily(self.plan, self.table, face, caps)):
            found[row["day"]][row["variant"]] = row
        return found

    def arm(self, reading: Reading, rows: Mapping[str, Row], variant: str) -> Moments:
        """The moments of a metric's columns in one variant; none when nobody was there."""
        row = rows.get(variant)
        names = [name for name in columns(self.plan, reading) if row is None or f"s_{name}" in row]
        return Moments.empty(names) if row is None else moments(row, names)

    def caps(self, share: float, names: list[str]) -> dict[str, float]:
        """The quantile of each column over all units."""
        (row,) = self._run(compiled.caps(self.plan, self.table, names, share))
        return dict(row)

    def buckets(self, salt: str, caps: Mapping[str, float], past: bool = False) -> dict[str, Buckets]:
        """Per variant, sums over hash buckets of units; with `past`, of the past of all units, under ''."""
        table = self.context.engine.run(compiled.buckets(self.plan, self.table, salt, caps, past))
        names = [name.removeprefix("s_") for name in table.columns if name.startswith("s_")]
        of = np.array(table.column("variant"))
        sums = np.array([table.column(f"s_{name}") for name in names], dtype=np.float64).T
        units = np.array(table.column("n"), dtype=np.float64)
        return {
            str(variant): Buckets(tuple(names), units[of == variant], sums[of == variant]) for variant in np.unique(of)
        }

    def samples(self, names: list[str], caps: Mapping[str, float]) -> dict[str, Samples]:
        """Per variant, one row per unit."""
        found = {}
        for row in self._run(compiled.samples(self.plan, self.table, names)):
            values = [np.minimum(np.array(row[name], dtype=np.float64), caps.get(name, np.inf)) for name in names]
            found[row["variant"]] = Samples(tuple(names), np.column_stack(values))
        return found

    def assigned(self) -> dict[str, Row]:
        """Per variant, how many units were assigned, and how many of them were exposed."""
        asked = compiled.assigned(self.plan) if self.why else unit_days.assigned(self.plan, self.context.database)
        return {row["variant"]: row for row in self._run(asked)}

    def quotients(self, reading: Reading, least: float, past: bool = False) -> list[Row]:
        """How a quotient is spread over units: variant, numerator, denominator, units."""
        return list(self._run(compiled.quotients(self.plan, self.table, reading, least, past)))

    def _run(self, statement: Statement) -> Iterator[dict[str, Any]]:
        return self.context.engine.run(statement).dicts()


@contextmanager
def units(context: Context, plan: Plan) -> Iterator[Units]:
    """The unit table of a plan, dropped at the end whatever happens.

    It is made from stored days where they have the answer, and otherwise from the events.
    """
    for statement in states.create(context.database):
        context.engine.run(statement)
    why = stored_days.refresh(context, plan)
    table = f"{context.database}.{compiled.TABLE if why else unit_days.TABLE}__stg_{uuid4().hex[:12]}"
    create = [compiled.create(plan, table)] if why else unit_days.create(plan, table, context.database)
    try:
        for statement in create:
            context.engine.run(statement)
        yield Units(context, plan, table, why)
    finally:
        context.engine.run(Statement(f"DROP TABLE IF EXISTS {table} SYNC", "drop the units", writes=True))
