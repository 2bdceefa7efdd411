"""How a metric is distributed over units: shares per bin, with a distribution function that is linear inside bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import AssayError, UsageError
from assay.stats.moments import Array


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """`edges`: float64, shape (k + 1,), ascending. `counts`: float64, shape (k,), units per bin, maybe fractional."""

    edges: Array
    counts: Array

    def __post_init__(self) -> None:
        _ascending(self.edges)
        if not (self.edges.shape == (len(self.counts) + 1,) and np.all(self.counts >= 0)):
            raise _unfit("The counts do not fit the edges.", "Give k counts, from zero up, and k + 1 edges.")

    @classmethod
    def of(cls, edges: ArrayLike, values: ArrayLike) -> Histogram:
        """Counts of per-unit values, shape (n,); values beyond the outer edges fall into the outer bins.

        Raises `UsageError` E601 for a missing value.
        """
        bins = _ascending(edges)
        inside = np.clip(_present(values), bins[0], bins[-1])
        return cls(bins, np.histogram(inside, bins)[0].astype(np.float64))

    @classmethod
    def of_ratios(
        cls,
        edges: ArrayLike,
        numerators: ArrayLike,
        denominators: ArrayLike,
        units: ArrayLike = 1.0,
        at_least: float = 30,
    ) -> Histogram:
        """Per-unit ratios of counts, such as likes ÷ views, without the spikes that whole numbers leave at 1/5 or 1/4.

        Each unit is spread evenly from k ÷ (n + 1) to (k + 1) ÷ (n + 1), k of n being its counts. These ranges tile
        0..1 for every n, and rates that are uniform stay exactly uniform. Units below `at_least` in the denominator
        say little about their rate, blur the peaks, and are left out.
        `numerators`, `denominators`, `units` (how many units share the pair): shape (n,). Raises `UsageError` E601 for
        a missing value.
        """
        bins = _ascending(edges)
        top, bottom, weight = np.broadcast_arrays(*map(_present, (numerators, denominators, units)))
        kept = bottom >= max(at_least, 1)
        below = np.zeros(len(bins))
        for part in np.array_split(np.flatnonzero(kept), max(1, int(kept.sum()) // 10_000)):
            spread = (bottom[part, None] + 1) * bins[1:-1] - top[part, None]
            below[1:-1] += weight[part] @ np.clip(spread, 0.0, 1.0)
        below[-1] = weight[kept].sum()
        return cls(bins, np.maximum(np.diff(below), 0.0))

    @property
    def n(self) -> float:
        """Units in all bins."""
        return float(self.counts.sum())

    @property
    def cumulative(self) -> Array:
        """Share of units below each edge, shape (k + 1,), from 0 to 1; needs at least one unit."""
        return np.concatenate([[0.0], np.cumsum(self.counts)]) / self.n


def _ascending(edges: ArrayLike) -> Array:
    bins = np.asarray(edges, dtype=np.float64)
    if not (np.all(np.isfinite(bins)) and np.all(np.diff(bins) > 0)):
        raise _unfit("The edges do not ascend.", "Sort them, and leave out doubles, NaN and infinity.")
    return bins


def _present(values: ArrayLike) -> Array:
    numbers = np.asarray(values, dtype=np.float64)
    if np.isnan(numbers).any():
        raise _unfit("The values hold NaN.", "Leave units without a value out, and count them.")
    return numbers


def _unfit(message: str, fix: str) -> AssayError:
    return UsageError.of("E601", message, why="A histogram counts every unit in exactly one place.", fix=fix)
