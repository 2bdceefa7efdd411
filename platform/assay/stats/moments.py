"""Mergeable sufficient statistics: the only thing that passes between the warehouse and the parametric methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.errors import AssayError, UsageError, did_you_mean

Array = NDArray[np.float64]

# What lies below this many rounding errors is rounding, not variation.
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Count, sums and centred second moments of k columns over n units.

    `sums`: float64, shape (k,). `comoments`: float64, shape (k, k), Σ(x − x̄)(y − ȳ), never the raw Σxy, which loses
    every digit when the mean is large. A commutative monoid: `Moments.empty(names)` is its zero and `+` merges
    disjoint sets of units, so days, strata and hash buckets can be added in any order.

    >>> likes = Moments.of(["likes"], [[1.0], [2.0]]) + Moments.of(["likes"], [[6.0]])
    >>> likes.n, likes.mean("likes"), likes.var("likes")
    (3, 3.0, 7.0)
    """

    n: int
    names: tuple[str, ...]
    sums: Array
    comoments: Array

    def __post_init__(self) -> None:
        k = len(self.names)
        if self.sums.shape != (k,) or self.comoments.shape != (k, k) or self.n < 0:
            raise _misfit(f"{k} columns and {self.n} units do not fit {self.sums.shape} and {self.comoments.shape}.")
        self.sums.flags.writeable = False
        self.comoments.flags.writeable = False

    @classmethod
    def empty(cls, names: Sequence[str]) -> Moments:
        """No units: the zero of `+`."""
        return cls(0, tuple(names), np.zeros(len(names)), np.zeros((len(names), len(names))))

    @classmethod
    def of(cls, names: Sequence[str], values: ArrayLike) -> Moments:
        """From one row per unit. `values`: float64, shape (n, k). The mean is subtracted before squaring."""
        table = np.asarray(values, dtype=np.float64).reshape(-1, len(names))
        if not len(table):
            return cls.empty(names)
        with np.errstate(invalid="ignore", over="ignore"):  # infinite input is told by `compare`, with a reason
            centred = table - table.mean(axis=0)
            return cls(len(table), tuple(names), table.sum(axis=0), centred.T @ centred)

    @classmethod
    def from_shifted(
        cls, names: Sequence[str], n: int, sums: ArrayLike, products: ArrayLike, shift: ArrayLike
    ) -> Moments:
        """From what SQL can sum: Σ(x − c), shape (k,), and Σ(x − c)(y − c), shape (k, k), with c = `shift`, shape (k,).

        The shift is any constant near the mean that is known before the query (Chan, Golub and LeVeque 1983, §3).
        """
        if n == 0:
            return cls.empty(names)
        offset = np.asarray(sums, dtype=np.float64)
        comoments = np.asarray(products, dtype=np.float64) - np.outer(offset, offset) / n
        return cls(n, tuple(names), offset + n * np.asarray(shift, dtype=np.float64), comoments)

    def __add__(self, other: Moments) -> Moments:
        """The moments of both sets of units together: the pairwise update of Chan, Golub and LeVeque (1983)."""
        if self.names != other.names:
            raise _misfit(f"Columns {list(self.names)} cannot be merged with {list(other.names)}.")
        if self.n == 0 or other.n == 0:
            return other if self.n == 0 else self
        n = self.n + other.n
        with np.errstate(invalid="ignore", over="ignore"):
            gap = other.sums / other.n - self.sums / self.n
            between = np.outer(gap, gap) * (self.n * (other.n / n))
            return Moments(n, self.names, self.sums + other.sums, self.comoments + other.comoments + between)

    def at(self, name: str) -> int:
        """The position of a column; `UsageError` E204 if there is no such column."""
        return at(self.names, name)

    def sum(self, name: str) -> float:
        return self.sums.item(self.at(name))

    def finite(self, name: str) -> bool:
        """Whether every value of a column was there, finite, and not too large to be squared."""
        place = self.at(name)
        return isfinite(self.sums.item(place)) and isfinite(self.comoments.item(place, place))

    def mean(self, name: str) -> float:
        """Mean per unit; `UsageError` W601 without units."""
        self._needs(1)
        return self.sum(name) / self.n

    def var(self, name: str) -> float:
        """Sample variance (divisor n − 1); `UsageError` W601 below two units."""
        return self.cov(name, name)

    def cov(self, first: str, second: str) -> float:
        """Sample covariance (divisor n − 1); `UsageError` W601 below two units."""
        self._needs(2)
        return self.comoments.item(self.at(first), self.at(second)) / (self.n - 1)

    def subset(self, names: Sequence[str]) -> Moments:
        """The same units, only these columns, in this order."""
        rows = [self.at(name) for name in names]
        return Moments(self.n, tuple(names), self.sums[rows], self.comoments[np.ix_(rows, rows)])

    def combination_var(self, weights: Mapping[str, float]) -> float:
        """Sample variance per unit of Σ weight · column, exactly 0 when only rounding errors are left."""
        self._needs(2)
        columns = [(self.at(name), weight) for name, weight in weights.items()]
        # Plain floats: a metric has two to four columns, where numpy's overhead would be most of the time.
        product = self.comoments.item
        terms = [a * b * product(i, j) for i, a in columns for j, b in columns]
        variance = sum(terms) / (self.n - 1)
        size = sum(abs(a * self.sums.item(i)) for i, a in columns) / self.n
        floor = _ROUNDING * sum(map(abs, terms)) / (self.n - 1) + (_ROUNDING * size) * (_ROUNDING * size)
        return 0.0 if variance <= floor else variance

    def _needs(self, units: int) -> None:
        if self.n < units:
            raise UsageError.of(
                "W601",
                f"{self.n} units are too few: {units} are needed.",
                why="A mean needs one unit, a variance two.",
                fix="Widen the window, or check `n` before asking.",
            )


def at(names: Sequence[str], name: str) -> int:
    """The position of a column among `names`; `UsageError` E204 if there is no such column."""
    if name in names:
        return names.index(name)
    raise UsageError.of(
        "E204",
        f"There is no column '{name}'.{did_you_mean(name, names)}",
        why="A metric can only be read from the columns that were aggregated.",
        fix=f"Use one of: {', '.join(names)}.",
    )


def _misfit(message: str) -> AssayError:
    return UsageError.of(
        "E601",
        message,
        why="Moments are merged and read column by column.",
        fix="Give the same columns in the same order; `subset` reorders them.",
    )
