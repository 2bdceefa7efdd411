"""`experiment assign`: the variant of a unit, without a warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from assay.catalog.assignment import split_of, variant_sql
from assay.catalog.catalog import Catalog
from assay.catalog.expression import parse
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.errors import UsageError
from assay.stats.assign import Split, assign


@dataclass(frozen=True, slots=True)
class Assigned:
    """Units of an experiment with their variants, None for those outside its traffic."""

    experiment: str
    split: Split
    variants: tuple[tuple[str, str | None], ...]

    def as_dict(self) -> dict[str, Any]:
        """The contract of `experiment assign`."""
        start, end = self.split.traffic
        return {
            "experiment": self.experiment,
            "salt": self.split.salt,
            "layer": self.split.layer,
            "traffic": {"from": start, "to": end},
            "units": [{"unit": unit, "variant": variant} for unit, variant in self.variants],
        }


def assigned(catalog: Catalog, name: str, units: Iterable[str]) -> Assigned:
    """The variant of each unit. Raises UsageError E201 for an unknown experiment, and E601 for one without a hash."""
    listed = list(units)
    split = hashed(catalog.experiment(name))
    variants = (variant or None for variant in assign(split, listed))
    return Assigned(name, split, tuple(zip(listed, variants, strict=True)))


def assignment_sql(catalog: Catalog, name: str) -> str:
    """SQL of the variant's name over a row of the exposure's source. Raises UsageError E201."""
    experiment = catalog.experiment(name)
    source = catalog.source(experiment.spec.exposure.source).spec
    return variant_sql(experiment, parse(source.entities[experiment.spec.entity].sql).sql)


def hashed(experiment: Definition[ExperimentSpec]) -> Split:
    """The split of an experiment. Raises UsageError E601 when a column tells the variant."""
    split = split_of(experiment)
    if split is None:
        raise UsageError.of(
            "E601",
            f"'{experiment.name}' reads its variants from a column: the data decide, not a hash.",
            why="Only a salt tells the variant of a unit before it is seen.",
            fix="See the SQL with --sql, or write assignment: {salt: …, variants: {control: 50, treatment: 50}}.",
            location=experiment.at("assignment"),
        )
    return split
