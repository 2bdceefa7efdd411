"""The inputs of every forecast: a daily series and the events that may explain it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.forecast.refusals import misfit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One value per day (or per any other equal step), oldest first.

    `values`: float64, shape (days,); NaN is a missing day, which no model may read as 0. `gauge`: may be
    negative and does not grow by percentages, such as a balance; all else is bounded by 0 and modelled on logs.
    `seasons`: lengths of the known cycles in steps, the strongest first; None finds them in the data, () says none.

    Raises UsageError (E601) for another shape, infinities, or negative values that are no gauge.
    """

    values: Floats
    gauge: bool = False
    seasons: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or np.any(np.isinf(self.values)):
            raise misfit(
                "A series is one row of finite numbers.", "A forecast reads one value per day.",
                "Pass float64 values of shape (days,), NaN for missing days.",
            )  # fmt: skip
        if not self.gauge and np.any(self.values < 0):
            raise misfit(
                "The series has negative values.", "Counts and ratios cannot be negative; logs of them do not exist.",
                "Correct the data, or say that the series is a gauge: gauge=True.",
            )  # fmt: skip

    @classmethod
    def of(cls, values: ArrayLike, **settings: Any) -> Series:
        """From anything that numpy can read as numbers."""
        return cls(np.asarray(values, dtype=np.float64), **settings)

    def __len__(self) -> int:
        return len(self.values)

    def window(self, start: int, stop: int) -> Series:
        """The days from `start` up to `stop`."""
        return Series(self.values[start:stop], self.gauge, self.seasons)


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Regressors over the history and the days to forecast.

    `values`: float64, shape (days + horizon, columns), no NaN: 1 on the days of an event, or any size of it.
    `names`: one per column. `known_ahead`: one per column; False (an outage, another metric) means that on the day of a
    forecast nobody knows its future: forecasts and backtests then see the median of its past instead.

    Raises UsageError (E601) when the parts do not fit together.
    """

    values: Floats
    names: tuple[str, ...]
    known_ahead: tuple[bool, ...]

    def __post_init__(self) -> None:
        columns = (len(self.names), len(self.known_ahead), self.values.shape[-1])
        if self.values.ndim != 2 or len(set(columns)) > 1 or not np.all(np.isfinite(self.values)):
            raise misfit(
                "The events do not fit together.", "A column has a name, a known-ahead flag and a number on every day.",
                "Pass finite values of shape (days + horizon, columns), and as many names and flags.",
            )  # fmt: skip

    def past(self, start: int, stop: int) -> Floats:
        """What had been seen, shape (stop - start, columns)."""
        self._require(stop)
        return self.values[start:stop]

    def future(self, start: int, stop: int, horizon: int) -> Floats:
        """What may be known at `stop` of the days after it, shape (horizon, columns), having seen from `start` on."""
        self._require(stop + horizon if any(self.known_ahead) else stop)
        unknown = np.tile(np.median(self.past(start, stop), axis=0), (horizon, 1))
        ahead = self.values[stop : stop + horizon]
        return np.where(self.known_ahead, ahead, unknown) if any(self.known_ahead) else unknown

    def _require(self, days: int) -> None:
        if len(self.values) < days:
            raise misfit(
                f"The events cover {len(self.values)} days, {days} are needed.",
                "An event that is known ahead has to be given for the days of the forecast too.",
                "Extend its values with zeros where nothing is planned, or set known_ahead to False.",
            )
