"""One series in one slot, as messages tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "anomaly", "learning", "no_data"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One series in one slot. None means "not defined here"; a number is always finite.

    `volume`: the events that carry the judgement: the expected count, or the current denominator of a ratio or gauge.
    `score`: standard deviations from the expectation, signed.
    `deviation`: distance beyond the violated bound relative to its size, signed; 0 inside, None if the bound is 0.
    `change`: (value - expected) / |expected|; None if 0 is expected.
    """

    status: Status
    value: float | None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    volume: float | None = None
    score: float | None = None
    deviation: float | None = None
    change: float | None = None

    @property
    def direction(self) -> Literal["up", "down"] | None:
        """The side of the expectation on which an anomaly lies; None for everything else."""
        if self.status != "anomaly" or self.score is None:
            return None
        return "up" if self.score > 0 else "down"
