"""Rows that are made of events before anything is aggregated: one kind per template in `compiler/templates/rows/`.

All SQL here runs as it is; `columns` that the rows offer to measures begin with `assay__`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PerEntity:
    """One row per entity and day: `assay__numerator` and `assay__denominator` are sums of (expression, condition)."""

    entity: str
    numerator: tuple[str, str | None]
    denominator: tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Gaps:
    """One row per event: `assay__gap` is the seconds since the previous event of the entity on the day, else NULL."""

    entity: str
    where: str | None


@dataclass(frozen=True, slots=True)
class Between:
    """One row per entity and day with both: `assay__gap` is the seconds from its first `first` to its first `then`."""

    entity: str
    where: str | None
    first: str
    then: str


@dataclass(frozen=True, slots=True)
class Steps:
    """One row per entity and day of its first step: `assay__step` counts the steps done `within` seconds of it."""

    entity: str
    where: str | None
    conditions: tuple[str, ...]
    within: int
    strict: bool


Rows = PerEntity | Gaps | Between | Steps


def ahead(rows: Rows | None) -> int:
    """How many days after its own a row may need events of."""
    return -(-timedelta(seconds=rows.within) // _DAY) if isinstance(rows, Steps) else 0
