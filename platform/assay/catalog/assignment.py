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
    from assay.stats.assign import Split  # the statistics load numpy, which no statement needs before it is written

    assignment = experiment.spec.assignment
    if not isinstance(assignment, HashAssignment):
        return None
    return Split(assignment.salt or experiment.name, assignment.variants, assignment.traffic, assignment.layer)


def variant_sql(experiment: Definition[ExperimentSpec], entity_sql: str) -> str:
    """SQL of the variant's name, '' outside the traffic, for another value of the column, and for a NULL unit.

    `entity_sql` is the unit, of any type that `toString` writes as Python's `str` does: text, whole numbers, UUIDs.
    """
    split, assignment = split_of(experiment), experiment.spec.assignment
    if split:
        return split_sql(split, entity_sql)
    assert not isinstance(assignment, HashAssignment), "a hash has a split"
    values = [quote_literal(str(value)) for value in assignment.variants.values()]
    return _transform(f"toString({parse(assignment.column).sql})", values, list(assignment.variants))


def split_sql(split: Split, entity_sql: str, salt_sql: str | None = None) -> str:
    """The SQL of `stats.assign`; `salt_sql` is read instead of the split's own salt, to try many salts at once."""
    starts = [0, *split.ends[:-1]]
    salted = f"{salt_sql}, ':'" if salt_sql else quote_literal(f"{split.salt}:")
    bucket = _bucket_sql(salted, entity_sql, split.buckets)
    variant = _transform(f"roundDown({bucket}, {starts})", [str(start) for start in starts], list(split.weights))
    low, high = split.slots
    if (low, high) == (0, split.buckets):
        return variant
    placed = f"'traffic/', {salted}" if salt_sql and not split.layer else quote_literal(f"{split.slot_salt}:")
    slot = _bucket_sql(placed, entity_sql, split.buckets)
    return f"if({slot} >= {low} AND {slot} < {high}, {variant}, '')"


def _bucket_sql(salted: str, entity_sql: str, buckets: int) -> str:
    hashed = f"MD5(concat({salted}, toString({entity_sql})))"
    return f"reinterpretAsUInt64(reverse(substring({hashed}, 1, 8))) % {buckets}"


def _transform(value: str, of: list[str], names: list[str]) -> str:
    """A NULL has no variant; `transform` alone would leave it NULL."""
    return f"ifNull(transform({value}, [{', '.join(of)}], [{', '.join(map(quote_literal, names))}], ''), '')"
