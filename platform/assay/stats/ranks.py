"""Order statistics of two samples: who is above whom, and the k-th of all pairwise differences, in O(n log n)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.stats.moments import Array
from assay.stats.streams import stream

Indices = NDArray[np.int64]

_GATHERED = 1_000_000  # pairs that are sorted at once
_PIVOTS = 10_000  # pairs drawn to find two that enclose the one looked for


def placements(values: Array, among: Array) -> Array:
    """For each value, how many of `among` (sorted, shape (m,)) are below it, with ½ for each tie; shape (n,)."""
    return (np.searchsorted(among, values, "left") + np.searchsorted(among, values, "right")) / 2


def tie_excess(pooled: Array) -> float:
    """Σ (t³ − t) over groups of t equal values: what ties take from the variance of ranks."""
    groups = np.unique(pooled, return_counts=True)[1].astype(np.float64)
    return float(np.sum(groups**3 - groups))


def kth_difference(control: Array, treatment: Array, rank: int) -> float:
    """The value at `rank` (from 0) of all treatment − control pairs in ascending order; both arms sorted.

    The pairs are never listed. As each row of the table of differences is sorted, the pairs between two values are a
    range per row: random pairs serve as pivots that narrow the ranges, until what is left can be sorted (Floyd and
    Rivest 1975 for the pivots; Johnson and Mizoguchi 1978 for the rows). Each step is O(n log m) and leaves about one
    pair of fifty. The answer does not depend on the pivots, and is exact up to rounding.

    >>> kth_difference(np.array([0.0, 1.0]), np.array([1.0, 5.0]), rank=2)
    4.0
    """
    first, last = np.zeros(len(control), np.int64), np.full(len(control), len(treatment), np.int64)
    rng = stream(0, "kth_difference")
    while int((last - first).sum()) > _GATHERED:
        for pivot in _pivots(control, treatment, first, last, rank, rng):
            below, until = _counts(control, treatment, pivot)
            if int(below.sum()) <= rank < int(until.sum()):
                return pivot
            if int(until.sum()) <= rank:
                first = np.maximum(first, until)
            else:
                last = np.minimum(last, below)
    rows = np.repeat(np.arange(len(control)), last - first)
    values = treatment[_positions(first, last)] - control[rows]
    place = rank - int(first.sum())
    return float(np.partition(values, place)[place])


def _counts(control: Array, treatment: Array, pivot: float) -> tuple[Indices, Indices]:
    """Per row, how many differences are below the pivot, and how many below or equal up to rounding."""
    largest = max(abs(control[0]), abs(control[-1]), abs(treatment[0]), abs(treatment[-1]))
    rounding = 4 * np.finfo(np.float64).eps * largest
    return (
        np.searchsorted(treatment, control + (pivot - rounding), "left"),
        np.searchsorted(treatment, control + (pivot + rounding), "right"),
    )


def _pivots(
    control: Array, treatment: Array, first: Indices, last: Indices, rank: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Two differences that very likely enclose the one at `rank`, from a sample of those still possible."""
    ends = np.cumsum(last - first)
    drawn = rng.integers(0, ends[-1], _PIVOTS)
    rows = np.searchsorted(ends, drawn, "right")
    values = np.sort(treatment[last[rows] - (ends[rows] - drawn)] - control[rows])
    share = (rank - int(first.sum())) / int(ends[-1])
    middle, reach = share * _PIVOTS, 4 * np.sqrt(_PIVOTS * share * (1 - share)) + 4
    low, high = (int(np.clip(place, 0, _PIVOTS - 1)) for place in (middle - reach, middle + reach))
    return float(values[low]), float(values[high])


def _positions(first: Indices, last: Indices) -> Indices:
    """The ranges first..last of all rows, one after another."""
    sizes = last - first
    starts = np.cumsum(sizes) - sizes
    return np.asarray(np.arange(int(sizes.sum())) - np.repeat(starts - first, sizes), dtype=np.int64)
