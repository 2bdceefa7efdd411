"""The table of sequential rules. A rule registers itself with the decorator; each lives in a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError, did_you_mean
from assay.stats.moments import Array


@dataclass(frozen=True, slots=True)
class Planned:
    """What was fixed before the first look.

    `looks`: how many there will be until the planned end, such as days. `information`: what the end will hold, in the
    unit of the looks' own information; left out, it is thought to grow evenly from the first look on. `mde`: the effect
    worth finding, in the unit of the estimates. Raises `UsageError` E601 unless all are positive.
    """

    looks: int
    information: float | None = None
    mde: float | None = None

    def __post_init__(self) -> None:
        if not all(0 < value < float("inf") for value in (self.looks, self.information, self.mde) if value is not None):
            raise UsageError.of(
                "E601",
                f"{self} is not a plan.",
                why="A sequential rule shares out the error over a known number of looks.",
                fix="Write Planned(looks=7) for a week that is read every day.",
            )


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The looks that have numbers. All arrays have shape (k,).

    `numbers`: which look of the plan it is, from 1. `information`: positive, never falling; only its ratios matter.
    """

    numbers: NDArray[np.intp]
    information: Array
    estimates: Array
    ses: Array

    @property
    def z(self) -> Array:
        return self.estimates / self.ses

    def at_end(self, planned: Planned) -> float:
        """Information at the planned end."""
        return planned.information or float(self.information[0] / self.numbers[0]) * planned.looks


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """What a rule says at every look; all arrays have shape (k,).

    `reach`: half the width of the band, in standard errors. A look stops where `pvalues` < `levels`. `reasons`: why a
    look has no answer, None where it has one.
    """

    reach: Array
    pvalues: Array
    levels: Array
    reasons: tuple[str | None, ...]


# (the looks so far, two-sided alpha over all looks, the plan) -> a band
Rule = Callable[[Course, float, Planned], Band]
RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a sequential rule under a name."""

    def register(run: Rule) -> Rule:
        RULES[name] = run
        return run

    return register


def choose(name: str) -> Rule:
    """The rule of that name. Raises `UsageError` E201 if there is none."""
    if name in RULES:
        return RULES[name]
    raise UsageError.of(
        "E201",
        f"There is no sequential rule '{name}'.{did_you_mean(name, RULES)}",
        why="Rules are looked up by name.",
        fix=f"Use one of: {', '.join(sorted(RULES))}.",
    )
