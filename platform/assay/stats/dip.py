"""Hartigan's dip: how far a distribution is from the nearest one with a single peak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.stats.histogram import Histogram
from assay.stats.moments import Array

# Upper-tail probabilities of √n · dip of uniform samples (the null of Hartigan and Hartigan 1985, §4, who show that it
# no longer depends on n for large n). From 100,000 multinomial draws, n = 1,000,000 in 200 bins, numpy seed 1985;
# tests/stats/test_dip.py draws some of them again.
NULL_DIP: tuple[tuple[float, float], ...] = (
    (0.2053, 0.99),
    (0.2540, 0.9),
    (0.2901, 0.75),
    (0.3389, 0.5),
    (0.3990, 0.25),
    (0.4632, 0.1),
    (0.5061, 0.05),
    (0.5576, 0.02),
    (0.5959, 0.01),
    (0.6334, 0.005),
    (0.6733, 0.002),
    (0.6967, 0.001),
    (0.7188, 0.0005),
    (0.7628, 0.0002),
)


def dip(histogram: Histogram) -> float:
    """The largest distance between the distribution function and the closest unimodal one, 0..0.25.

    Hartigan and Hartigan (1985), §3, for a distribution function that is linear between its edges. Needs a unit.
    """
    x, f = histogram.edges, histogram.cumulative
    low, high, distance = 0, len(x) - 1, 0.0
    while high > low:
        minorant, majorant = _hull(x, f, low, high), _hull(x, -f, low, high)
        left, right, gap = _modal_interval(x, f, minorant, majorant)
        if gap <= distance:
            break
        distance = max(distance, _gap(x, f, minorant, low, left), _gap(x, f, majorant, right, high))
        if (left, right) == (low, high):
            break
        low, high = left, right
    return distance / 2


def dip_pvalue(scaled: float) -> float:
    """P(√n · dip ≥ scaled) for the least favourable unimodal distribution, the uniform; at least the table's last."""
    at, tail = np.array(NULL_DIP).T
    return float(np.exp(np.interp(scaled, at, np.log(tail))))


def _hull(x: Array, f: Array, low: int, high: int) -> list[int]:
    """Positions of the corners of the greatest convex minorant of f on [low, high]."""
    across, up = x.tolist(), f.tolist()  # plain floats: this loop reads single numbers
    corners = [low]
    for i in range(low + 1, high + 1):
        while len(corners) > 1 and _above(across, up, corners[-2], corners[-1], i):
            corners.pop()
        corners.append(i)
    return corners


def _above(x: list[float], f: list[float], a: int, b: int, c: int) -> bool:
    """Does corner b lie on or above the chord from a to c?"""
    return (f[b] - f[a]) * (x[c] - x[a]) >= (f[c] - f[a]) * (x[b] - x[a])


def _modal_interval(x: Array, f: Array, minorant: list[int], majorant: list[int]) -> tuple[int, int, float]:
    """Where the majorant is furthest above the minorant, as (left corner, right corner, distance)."""
    corners = np.array(sorted({*minorant, *majorant}), dtype=np.intp)
    gaps = _line(x, f, majorant, corners) - _line(x, f, minorant, corners)
    at = int(corners[gaps.argmax()])
    left = max(corner for corner in minorant if corner <= at)
    right = min(corner for corner in majorant if corner >= at)
    return left, right, float(gaps.max())


def _gap(x: Array, f: Array, corners: list[int], first: int, last: int) -> float:
    """The largest distance between f and the hull on [first, last]."""
    here = np.arange(first, last + 1, dtype=np.intp)
    return float(np.abs(f[here] - _line(x, f, corners, here)).max())


def _line(x: Array, f: Array, corners: list[int], at: NDArray[np.intp]) -> Array:
    """The hull through the corners, read at positions `at`."""
    return np.asarray(np.interp(x[at], x[corners], f[corners]), dtype=np.float64)
