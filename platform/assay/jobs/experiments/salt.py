"""`experiment salt`: of many salts, the one whose variants were most alike before the start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from math import isfinite, sqrt
from typing import Any

import numpy as np

from assay.compiler.salts import history
from assay.compiler.units import POOL, Plan, Reading
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.experiments.analyze import metrics_of
from assay.jobs.experiments.assign import hashed
from assay.jobs.experiments.moments import estimand
from assay.jobs.experiments.units import EVERYONE, Cell, Row, Units, units
from assay.stats import Moments, NoAnswer
from assay.stats.assign import Split
from assay.stats.balance import Balance, Feature, SaltSearch, balances, search

NOTE = (
    "Choosing a salt by what was known before the start is rerandomisation (Morgan and Rubin 2012): the analysis stays "
    "valid, and its intervals are, if anything, too wide. Choose once, before the start."
)
_BEGUN = "The experiment has begun: a new salt would move units between variants. Keep the present one."


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found; `skipped` tells metrics that could not be balanced, with the reason."""

    experiment: str
    start: date
    end: date
    units: int
    found: SaltSearch
    features: tuple[str, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The contract of `experiment salt`."""
        return {
            "experiment": self.experiment,
            "history": {"from": str(self.start), "to": str(self.end)},
            "units": self.units,
            **asdict(self.found),
            "features": list(self.features),
            "skipped": list(self.skipped),
            "notes": list(self.notes),
        }


def best_salt(context: Context, name: str, tries: int = 200, window: tuple[date, date] | None = None) -> Searched:
    """The best of the salts `<name>-1` to `<name>-<tries>`, judged by the experiment's metrics and slices in `window`.

    Without a window: the design's history, else as many days before the start as the experiment lasts.
    Raises UsageError E201 for an unknown experiment, E601 for one without a hash or a window that reaches into it, and
    W601 when nothing can be balanced; WarehouseError E511 when nobody was exposed in the window.
    """
    experiment = context.catalog.experiment(name)
    split, spec = hashed(experiment), experiment.spec
    start, end = window or spec.design.history or (spec.start - (spec.end - spec.start), spec.start)
    if end > spec.start:
        raise _too_late(name, spec.start, end)
    plan = Plan(context.catalog, experiment, metrics_of(context.catalog, spec), (start, end), pool="everyone")
    with units(context, plan) as table:
        count = sum(table.counts().units.values())
        if not count:
            raise _nobody(name, start, end)
        found, features, skipped = _search(table, split, [f"{name}-{at}" for at in range(1, tries + 1)])
    notes = (NOTE, _BEGUN) if context.today >= spec.start else (NOTE,)
    return Searched(name, start, end, count, found, tuple(each.name for each in features), tuple(skipped), notes)


def _search(table: Units, split: Split, tried: list[str]) -> tuple[SaltSearch, list[Feature], list[str]]:
    cells = {cell: rows[POOL] for cell, rows in table.moments({}).items() if POOL in rows}
    slices = [cell for cell in cells if cell != EVERYONE and cell[1] != "other"]
    made = [_feature(table, reading, cells[EVERYONE]) for reading in table.plan.readings]
    features = [each for each in made if isinstance(each, Feature)]
    features += _slices(cells, slices)
    every = [split.salt, *(each for each in tried if each != split.salt)]
    found = _balances(table, split, every, slices, features)
    return search(found[0], found[1:]), features, [each for each in made if isinstance(each, str)]


def _feature(table: Units, reading: Reading, row: Row) -> Feature | str:
    """A metric as it moves with the means of its columns, to the first order; or why it cannot be balanced."""
    own, metric = table.arm(reading, {POOL: row}, POOL), estimand(reading)
    try:
        gradient = metric.at({name: own.mean(name) for name in metric.columns}).gradient
    except (NoAnswer, ZeroDivisionError) as error:
        return f"{reading.metric.name}: {error}"
    sd = _sd(own, gradient)
    return Feature(reading.metric.name, gradient, sd) if sd else f"{reading.metric.name}: it is the same for all units"


def _sd(own: Moments, gradient: Any) -> float:
    variance = own.combination_var(gradient) if own.n > 1 else 0.0
    return sqrt(variance) if isfinite(variance) else 0.0


def _slices(cells: dict[Cell, Row], slices: Sequence[Cell]) -> Iterator[Feature]:
    """The share of each value of a dimension, which is a mean of zeros and ones."""
    everyone = cells[EVERYONE]["n"]
    for at, cell in enumerate(slices):
        share = cells[cell]["n"] / everyone
        if 0 < share < 1:
            yield Feature(" ".join(cell), {f"z{at}": 1.0}, sqrt(share * (1 - share)))


def _balances(
    table: Units, split: Split, tried: Sequence[str], slices: Sequence[Cell], features: Sequence[Feature]
) -> list[Balance]:
    names = sorted({name for each in features for name in each.weights})
    counts = np.zeros((len(tried), len(split.weights)))
    sums = np.zeros((*counts.shape, len(names)))
    variant_at = {variant: at for at, variant in enumerate(split.weights)}
    for at, salt in enumerate(tried):
        table.context.progress(at, len(tried), "salts")
        statement = history(table.plan, table.table, replace(split, salt=salt), slices)
        for row in table.context.engine.run(statement).dicts():
            place = at, variant_at[row["variant"]]
            counts[place], sums[place] = row["n"], [row[f"s_{name}"] for name in names]
    table.context.progress(len(tried), len(tried), "salts")
    return balances(tried, split.weights, names, counts, sums, features)


def _too_late(name: str, start: date, end: date) -> UsageError:
    return UsageError.of(
        "E601",
        f"The history reaches up to {end}, but '{name}' starts on {start}.",
        why="A split is balanced by what was known before anybody was treated.",
        fix=f"End the history on {start} or before.",
    )


def _nobody(name: str, start: date, end: date) -> WarehouseError:
    return WarehouseError.of(
        "E511",
        f"Nobody did what exposes to '{name}' from {start} to {end}.",
        why="Salts are compared on units that were there before the start.",
        fix="Name days that have data, such as --on 2025-07-01..2025-07-15.",
    )
