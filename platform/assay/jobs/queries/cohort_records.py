"""What a question about cohorts returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from assay.report.format import Style

_WEEK = 7


@dataclass(frozen=True, slots=True)
class Cell:
    """A metric on one day of life. `value` is None exactly when `reason` says why; `baseline` is the median of the
    cohorts before, and [`low`, `high`] where an ordinary curve lies with probability 95 % on all its days."""

    day: int
    value: float | None
    numerator: float | None
    denominator: float | None
    reason: str | None
    baseline: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def outside(self) -> bool:
        """Whether the value leaves its interval."""
        if self.value is None or self.low is None or self.high is None:
            return False
        return not self.low <= self.value <= self.high

    def as_dict(self) -> dict[str, Any]:
        found = asdict(self)
        return found if self.reason else {name: each for name, each in found.items() if name != "reason"}


@dataclass(frozen=True, slots=True)
class Cohort:
    """`size` is None when its day is not stored. A flagged one has a `sentence`."""

    cohort: date
    by: dict[str, str]
    size: int | None
    cells: tuple[Cell, ...]
    flagged: bool = False
    sentence: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "cohort": str(self.cohort),
            "by": self.by,
            "size": self.size,
            "flagged": self.flagged,
            "sentence": self.sentence,
            "cells": [cell.as_dict() for cell in self.cells],
        }

    def on(self, day: int) -> float | None:
        """The value on one day of life."""
        return next((cell.value for cell in self.cells if cell.day == day), None)


@dataclass(frozen=True, slots=True)
class Summary:
    """The values of one day of life over the cohorts where it is known: `spread` is best less worst, `iqr` the
    distance of the quartiles."""

    day: int
    best: Cohort
    worst: Cohort
    spread: float
    iqr: float

    def as_dict(self) -> dict[str, Any]:
        def named(each: Cohort) -> dict[str, Any]:
            return {"cohort": str(each.cohort), "by": each.by, "value": each.on(self.day)}

        ends = {"best": named(self.best), "worst": named(self.worst)}
        return {"day": self.day, **ends, "spread": self.spread, "iqr": self.iqr}


@dataclass(frozen=True, slots=True)
class Matrix:
    """Cohorts by the days of their life, and what their members are called."""

    metric: str
    cohort: str
    entity: str
    style: Style
    days: range
    baseline: int
    cohorts: tuple[Cohort, ...]

    @property
    def summary(self) -> Summary | None:
        """Of day 7, or of the last day of a shorter matrix; None when no cohort is that old."""
        day = min(_WEEK, self.days[-1])
        known = [(value, each) for each in self.cohorts if (value := each.on(day)) is not None]
        if not known:
            return None
        values = [value for value, _ in known]
        lower, upper = np.quantile(values, [0.25, 0.75])
        best, worst = (known[values.index(end(values))][1] for end in (max, min))
        return Summary(day, best, worst, max(values) - min(values), float(upper - lower))

    def as_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "cohort": self.cohort,
            "entity": self.entity,
            "baseline": self.baseline,
            "summary": self.summary.as_dict() if self.summary else None,
            "cohorts": [each.as_dict() for each in self.cohorts],
        }
