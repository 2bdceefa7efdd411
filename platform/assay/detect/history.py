"""The input of every detector: a matrix of series by slots, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assay.detect.series import Bools, Floats, Kind, Slots, divide

WEEK = 7


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """What others expect of each slot, such as a stored forecast: float64, shape (series, slots); NaN for nothing."""

    expected: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Many series over the same slots, oldest first; the first column is the first slot of a local day.

    `values`: float64, shape (series, slots), finite and, except for gauges, nothing negative. NaN means "no row": the
    slot is missing, or a ratio of nothing. A silent count is 0, not NaN; zeros before a count's first event mean that
    the series was not born yet. A series or a slot may be absent: both sides of the shape may be 0.
    `denominators`: the events behind each value of a ratio, the same shape; None for counts and most gauges.
    `per_day`: slots of a local day. A day of another length (daylight saving) is cut or filled with NaN by the caller.
    `weekday`: of the first column, 0 for Monday.
    `weights`: 0 leaves a slot out of every baseline (an incident, a declared event), 1 keeps it; None keeps all.
    `band`: expectations from outside.

    Raises ValueError for other shapes and values.
    """

    values: Floats
    denominators: Floats | None = None
    gauge: bool = False
    per_day: int = 96
    weekday: int = 0
    weights: Floats | None = None
    band: Band | None = None

    def __post_init__(self) -> None:
        _require("values", self.values, negative=self.gauge)
        if self.per_day < 1 or not 0 <= self.weekday < WEEK:
            raise ValueError("a history needs per_day >= 1 and 0 <= weekday <= 6")
        for name in ("denominators", "weights"):
            matrix = getattr(self, name)
            if matrix is not None:
                _require(name, matrix, negative=False)
                _require_shape(name, matrix, self.values)
        if self.band is not None:
            for name in ("expected", "low", "high"):
                _require_shape(f"band.{name}", getattr(self.band, name), self.values)

    @classmethod
    def counts(cls, values: ArrayLike, **others: Any) -> History:
        """Numbers of events or users, shape (series, slots)."""
        return cls(np.asarray(values, dtype=np.float64), **others)

    @classmethod
    def ratios(cls, numerators: ArrayLike, denominators: ArrayLike, **others: Any) -> History:
        """Numerators over denominators; NaN where the denominator is zero or NaN."""
        above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
        return cls(divide(above, below), below, **others)

    @classmethod
    def gauges(cls, values: ArrayLike, events: ArrayLike | None = None, **others: Any) -> History:
        """Any finite numbers, such as a mean delay; `events` stand behind each value, where that is known."""
        behind = None if events is None else np.asarray(events, dtype=np.float64)
        return cls(np.asarray(values, dtype=np.float64), behind, gauge=True, **others)

    @classmethod
    def same_slot(cls, slots: Slots) -> History:
        """The same clock slot on consecutive days, as a series of one slot a day."""
        return cls(slots.values, slots.denominators, slots.gauge, per_day=1)

    @property
    def shape(self) -> tuple[int, int]:
        series, slots = self.values.shape
        return series, slots

    @property
    def kind(self) -> Kind:
        if self.gauge:
            return "gauge"
        return "count" if self.denominators is None else "ratio"

    def trials(self, newest: int) -> Floats:
        """The sample behind each of the last values: 1 for a count, NaN for a gauge of unknown events."""
        if self.denominators is not None:
            return self.denominators[:, self.shape[1] - newest :]
        return np.full((self.shape[0], newest), np.nan if self.gauge else 1.0)

    @property
    def shares(self) -> Bools:
        """Ratios that never exceed 1, shape (series, 1)."""
        if self.kind != "ratio":
            return np.zeros((self.shape[0], 1), dtype=bool)
        above_one: Bools = np.any(self.values > 1, axis=1, keepdims=True)
        return ~above_one

    @property
    def baseline(self) -> Floats:
        """The values from which expectations are made: NaN where the weight is 0."""
        return self.values if self.weights is None else np.where(self.weights > 0, self.values, np.nan)

    @property
    def days(self) -> int:
        """Days begun."""
        return -(-self.shape[1] // self.per_day)

    def rows(self, chosen: slice) -> History:
        """Some of the series."""
        return self._cut((chosen, slice(None)))

    def until(self, slots: int) -> History:
        """The first so many slots."""
        return self._cut((slice(None), slice(slots)))

    def _cut(self, part: tuple[slice, slice]) -> History:
        band = self.band and Band(self.band.expected[part], self.band.low[part], self.band.high[part])
        below, weights = (None if each is None else each[part] for each in (self.denominators, self.weights))
        return replace(self, values=self.values[part], denominators=below, weights=weights, band=band)


def by_day(matrix: Floats, per_day: int) -> Floats:
    """Shape (series, slots) → (series, days, slots of a day); what is left of the newest day is NaN."""
    series, slots = matrix.shape
    missing = -slots % per_day
    padded = np.pad(matrix, ((0, 0), (0, missing)), constant_values=np.nan) if missing else matrix
    return padded.reshape(series, -1, per_day)


def _require(name: str, matrix: Any, negative: bool) -> None:
    if matrix.ndim != 2:
        raise ValueError(f"{name}: expected the shape (series, slots), got {matrix.shape}")
    wrong = np.isinf(matrix) if negative else np.isinf(matrix) | (matrix < 0)
    if wrong.any():
        row = int(np.argmax(wrong.any(axis=1)))
        raise ValueError(f"{name}: expected finite numbers{'' if negative else ' from 0 up'}, or NaN, in series {row}")


def _require_shape(name: str, matrix: Floats, like: Floats) -> None:
    if matrix.shape != like.shape:
        raise ValueError(f"{name}: expected the shape of values {like.shape}, got {matrix.shape}")
