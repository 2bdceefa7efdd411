"""Which variant a unit belongs to, as SQL: beside `expression.py`, because it is one expression over a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.catalog.expression import parse, quote_literal
from assay.config.assignment import HashAssignment
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec

if TYPE_CHECKING:
    from assay.stats.assign import Split


def salt_of(experiment: Definition[ExperimentSpec]) -> str | None:
    """The salt of a hashed split: by default the experiment's name. None where a column tells the variant."""
    assignment = experiment.spec.assignment
    return assignment.salt or experiment.name if isinstance(assignment, HashAssignment) else None


def split_of(experiment: Definition[ExperimentSpec]) -> Split | None:
    """The hash split of an experiment; None where a column tells the variant."""
    assignment = experiment.spec.assignment
    return _split(experiment.name, assignment) if isinstance(assignment, HashAssignment) else None


def _split(name: str, assignment: HashAssignment) -> Split:
    from assay.stats.assign import Split  # with it comes numpy, which definitions do not need

    return Split(assignment.salt or name, assignment.variants, assignment.traffic, assignment.layer)


def variant_sql(experiment: Definition[ExperimentSpec], entity_sql: str) -> str:
    """SQL of the variant's name, '' outside the traffic, for another value of the column, and for a NULL unit.

    `entity_sql` is the unit, of any type that `toString` writes as Python's `str` does: text, whole numbers, UUIDs.
    """
    assignment = experiment.spec.assignment
    if isinstance(assignment, HashAssignment):
        return split_sql(_split(experiment.name, assignment), entity_sql)
    values = [quote_literal(str(value)) for value in assignment.variants.values()]
    return _transform(f"toString({parse(assignment.column).sql})", values, list(assignment.variants))


def split_sql(split: Split, entity_sql: str) -> str:
    """The SQL of `stats.assign`."""
    starts = [0, *split.ends[:-1]]
    bucket = _bucket_sql(split.salt, entity_sql, split.buckets)
    variant = _transform(f"roundDown({bucket}, {starts})", [str(start) for start in starts], list(split.weights))
    low, high = split.slots
    if (low, high) == (0, split.buckets):
        return variant
    slot = _bucket_sql(split.slot_salt, entity_sql, split.buckets)
    return f"if({slot} >= {low} AND {slot} < {high}, {variant}, '')"


def _bucket_sql(salt: str, entity_sql: str, buckets: int) -> str:
    hashed = f"MD5(concat({quote_literal(f'{salt}:')}, toString({entity_sql})))"
    return f"reinterpretAsUInt64(reverse(substring({hashed}, 1, 8))) % {buckets}"


def _transform(value: str, of: list[str], names: list[str]) -> str:
    """A NULL has no variant; `transform` alone would leave it NULL."""
    return f"ifNull(transform({value}, [{', '.join(of)}], [{', '.join(map(quote_literal, names))}], ''), '')"
