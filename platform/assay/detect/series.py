"""The input of every detector: many series of one clock slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Kind = Literal["count", "ratio", "gauge"]


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """The same clock slot on consecutive days, for many series at once; the last column is the one to judge.

    `values`: float64, shape (series, days), no infinities and, except for gauges, nothing negative. NaN means "no
    judgement possible" (before the launch, inside a declared incident, a ratio of nothing); a silent count is 0, not
    NaN. `denominators`: how many events stand behind each value, the same shape; None for counts.

    Raises ValueError for other shapes and values.
    """

    values: Floats
    denominators: Floats | None = None
    gauge: bool = False

    def __post_init__(self) -> None:
        _require_matrix("values", self.values, negative=self.gauge)
        if self.denominators is not None:
            _require_matrix("denominators", self.denominators, negative=False)
            if self.denominators.shape != self.values.shape:
                raise ValueError("values and denominators have different shapes")

    @classmethod
    def counts(cls, values: ArrayLike) -> Slots:
        """Numbers of events or users, shape (series, days)."""
        return cls(np.asarray(values, dtype=np.float64))

    @classmethod
    def ratios(cls, numerators: ArrayLike, denominators: ArrayLike) -> Slots:
        """Numerators over denominators, each of shape (series, days); NaN where the denominator is zero or NaN."""
        above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
        return cls(divide(above, below), below)

    @classmethod
    def gauges(cls, values: ArrayLike, events: ArrayLike | None = None) -> Slots:
        """Any finite numbers, such as a mean delay or a difference, shape (series, days).

        `events`: how many stand behind each value, where that is known.
        """
        behind = None if events is None else np.asarray(events, dtype=np.float64)
        return cls(np.asarray(values, dtype=np.float64), behind, gauge=True)

    @property
    def kind(self) -> Kind:
        if self.gauge:
            return "gauge"
        return "count" if self.denominators is None else "ratio"

    @property
    def current(self) -> Floats:
        """The values to judge, shape (series,)."""
        return self.values[:, -1]

    @property
    def trials(self) -> Floats:
        """The sample behind each current value, shape (series,): 1 for a count, NaN for a gauge of unknown events."""
        if self.denominators is not None:
            return self.denominators[:, -1]
        return np.full(len(self.values), np.nan if self.gauge else 1.0)

    @property
    def shares(self) -> Bools:
        """Ratios that never exceed 1 (likes per view, not views per user), shape (series,)."""
        above_one = np.any(self.values > 1, axis=1)
        return ~above_one if self.kind == "ratio" else np.zeros_like(above_one)


def divide(above: Floats, below: Floats) -> Floats:
    """above / below, NaN (and no warning) where `below` is not positive."""
    quotient: Floats = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient


def _require_matrix(name: str, array: Any, negative: bool) -> None:
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{name}: expected the shape (series, days), got {array.shape}")
    if np.any(np.isinf(array)) or (not negative and np.any(array < 0)):
        raise ValueError(f"{name}: expected finite numbers{'' if negative else ' from 0 up'}, or NaN")
