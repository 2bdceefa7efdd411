"""Hash buckets: units grouped at random, so that resampling costs the same at any table size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from assay.stats.moments import Array, at
from assay.stats.samples import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """`units`: float64, shape (b,), units per bucket. `sums`: float64, shape (b, k), Σ of each column per bucket.

    Buckets are exchangeable: which one a unit is in is drawn by a hash of its name.
    """

    names: tuple[str, ...]
    units: Array
    sums: Array

    @classmethod
    def of(cls, names: Sequence[str], units: ArrayLike, sums: ArrayLike) -> Buckets:
        counts = np.asarray(units, dtype=np.float64)
        return cls(tuple(names), counts, np.asarray(sums, dtype=np.float64).reshape(len(counts), len(names)))

    @classmethod
    def single(cls, samples: Samples) -> Buckets:
        """Every unit in a bucket of its own."""
        return cls(samples.names, np.ones(len(samples.values)), samples.values)

    @property
    def n(self) -> int:
        """Units in all buckets."""
        return round(float(self.units.sum()))

    def finite(self, name: str) -> bool:
        """Whether every sum of a column is there and finite."""
        return bool(np.isfinite(self.column(name)).all())

    def column(self, name: str) -> Array:
        """The sums of one column, shape (b,)."""
        return self.sums[:, at(self.names, name)]
