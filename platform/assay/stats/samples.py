"""Columns of per-unit values, for methods that cannot work from moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from assay.stats.moments import Array, Moments, at


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One row per unit. `values`: float64, shape (n, k).

    >>> Samples.of(["likes"], [[1.0], [3.0]]).moments().mean("likes")
    2.0
    """

    names: tuple[str, ...]
    values: Array

    @classmethod
    def of(cls, names: Sequence[str], values: ArrayLike) -> Samples:
        return cls(tuple(names), np.asarray(values, dtype=np.float64).reshape(-1, len(names)))

    @property
    def n(self) -> int:
        return len(self.values)

    def finite(self, name: str) -> bool:
        """Whether every value of a column is there and finite."""
        return bool(np.isfinite(self.column(name)).all())

    def column(self, name: str) -> Array:
        """The values of one column, shape (n,)."""
        return self.values[:, at(self.names, name)]

    def moments(self) -> Moments:
        return Moments.of(self.names, self.values)
