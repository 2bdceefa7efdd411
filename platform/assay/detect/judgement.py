"""From an expectation to one judgement per series: the same comparison for every detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assay.detect.series import Floats, Slots, divide

Status = Literal["ok", "anomaly", "learning", "no_data"]


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """What a detector says about the current slot of each series; arrays of float64, shape (series,).

    `expected` and `scale` (one standard deviation) in the metric's unit, `low` and `high` are the last ordinary
    values. All four are NaN for a series that is still learning.
    """

    expected: Floats
    scale: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Judgement:
    """One series in one slot. None means "not defined here"; a number is always finite.

    `volume`: the events that carry the judgement: the expected count, or the current denominator of a ratio or gauge.
    `score`: (value - expected) / scale.
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


def compare(slots: Slots, expectation: Expectation) -> tuple[Judgement, ...]:
    """Judge the current slot of every series, in the order of the rows.

    Without a current value the status is `no_data`, without an expectation `learning`. Neither is ever an anomaly: the
    two are told apart before anything is compared.
    """
    value, expected, low, high = slots.current, expectation.expected, expectation.low, expectation.high
    volume = expected if slots.kind == "count" else slots.trials
    status = np.where((value < low) | (value > high), "anomaly", "ok")
    status = np.where(np.isnan(expected), "learning", status)
    status = np.where(np.isnan(value), "no_data", status)
    score = divide(value - expected, expectation.scale)
    change = divide(value - expected, np.abs(expected))
    measures = (expected, low, high, volume, score, _beyond(value, low, high), change)
    judged = np.isfinite(value) & np.isfinite(expected)
    columns = [_optional(np.where(judged, each, np.nan)) for each in measures]
    return tuple(map(Judgement, status.tolist(), _optional(value), *columns))


def _beyond(value: Floats, low: Floats, high: Floats) -> Floats:
    above, below = divide(value - high, np.abs(high)), divide(value - low, np.abs(low))
    return np.where(value > high, above, np.where(value < low, below, 0.0))


def _optional(numbers: Floats) -> list[float | None]:
    return [None if each != each else each for each in numbers.tolist()]
