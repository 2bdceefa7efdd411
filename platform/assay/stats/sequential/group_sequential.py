"""Group-sequential tests: the error is spent over the planned looks (Lan and DeMets 1983)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, e, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from assay.stats.moments import Array
from assay.stats.sequential.rules import Band, Course, Planned, rule

# (share of the plan that is over, 0..1, shape (k,); alpha) -> the error that may have been spent by then
Spending = Callable[[Array, float], Array]

_WIDEST = 8.0  # in standard errors: beyond it lies 1e-15, so a boundary further out would change nothing
_NOTHING_NEW = 1e-3  # looks that add a smaller share of information repeat the look before them
_POWER = 2.0


@rule("obrien_fleming")
def obrien_fleming(course: Course, alpha: float, planned: Planned) -> Band:
    """Hardly any error is spent early, so that the end is nearly a plain test (Lan and DeMets 1983, eq. α₁*).

    4 Φ(z ÷ √t) with z = Φ⁻¹(alpha ÷ 4): half of it on each side.
    """
    return _spend(course, alpha, planned, lambda share, a: 4 * ndtr(ndtri(a / 4) / np.sqrt(share)))


@rule("pocock")
def pocock(course: Course, alpha: float, planned: Planned) -> Band:
    """Nearly the same boundary at every look: alpha · log(1 + (e − 1) t) (Lan and DeMets 1983, eq. α₂*)."""
    return _spend(course, alpha, planned, lambda share, a: a * np.log1p((e - 1) * share))


@rule("power_family")
def power_family(course: Course, alpha: float, planned: Planned) -> Band:
    """Between the two: alpha · t² (Kim and DeMets 1987; Jennison and Turnbull 2000, §7.2.3)."""
    return _spend(course, alpha, planned, lambda share, a: a * share**_POWER)


def _spend(course: Course, alpha: float, planned: Planned, spending: Spending) -> Band:
    """Repeated confidence intervals (Jennison and Turnbull 1989) under boundaries that spend `spending`.

    The share of the plan that is over is a share of the planned information if that was given, otherwise of the planned
    looks. The last planned look spends what is left, whatever information it brought.
    """
    last = course.numbers >= planned.looks
    share = course.information / planned.information if planned.information else course.numbers / planned.looks
    spent = spending(np.where(last, 1.0, np.minimum(share, 1.0)), alpha)
    over = np.concatenate([[False], spent[:-1] >= alpha])
    within = ~over
    reach = np.full(len(spent), _WIDEST)
    reach[within] = boundaries(tuple(spent[within].tolist()), tuple(course.information[within].tolist()))
    reasons = tuple("the plan was over before this look, and its error is spent" if late else None for late in over)
    return Band(reach, 2 * ndtr(-np.abs(course.z)), np.where(over, 0.0, 2 * ndtr(-reach)), reasons)


@lru_cache(maxsize=256)
def boundaries(spent: tuple[float, ...], information: tuple[float, ...]) -> Array:
    """|z| above which each look rejects, shape (k,), so that `spent` is the error spent by then. Information ascends.

    Recursive numerical integration (Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, ch. 19).

    >>> fifths = (0.2, 0.4, 0.6, 0.8, 1.0)
    >>> boundaries(tuple(0.05 * t for t in fifths), fifths).round(3).tolist()
    [2.576, 2.492, 2.411, 2.339, 2.276]
    """
    walk, found, used = _Walk.start(information), [_WIDEST], 0.0
    for limit, reached in zip(spent, information, strict=True):
        if reached <= walk.information * (1 + _NOTHING_NEW):
            found.append(found[-1])
            continue
        z = _boundary(walk, reached, limit - used)
        walk, used = walk.step(reached, z), limit
        found.append(z)
    return np.array(found[1:])


def crossing(bounds: Sequence[float], information: Sequence[float]) -> Array:
    """The probability to have crossed ±`bounds` (in z) by each look, without an effect, shape (k,).

    >>> crossing([2.413] * 5, [1, 2, 3, 4, 5]).round(4)[-1].item()
    0.05
    """
    walk, total, crossed = _Walk.start(tuple(information)), 0.0, []
    for z, reached in zip(bounds, information, strict=True):
        total += walk.beyond(reached, z)
        walk = walk.step(reached, z)
        crossed.append(total)
    return np.array(crossed)


def _boundary(walk: _Walk, reached: float, error: float) -> float:
    """The z that leaves `error` beyond it, by bisection."""
    low, high = 0.0, _WIDEST
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if walk.beyond(reached, middle) > error else (low, middle)
    return high


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    """Where the score z · √information is, if no boundary was crossed: points, and the probability at each."""

    information: float
    points: Array
    masses: Array
    finest: float

    @classmethod
    def start(cls, information: ArrayLike) -> _Walk:
        """At zero. `finest` is the smallest step to come, which says how dense the points must be."""
        reached = np.concatenate([[0.0], np.asarray(information, dtype=np.float64)])
        steps = np.diff(reached)
        return cls(0.0, np.zeros(1), np.ones(1), sqrt(steps[steps > reached[:-1] * _NOTHING_NEW].min()))

    def beyond(self, reached: float, z: float) -> float:
        """The probability that the next look is outside ±z."""
        edge, sd = z * sqrt(reached), sqrt(reached - self.information)
        return float(self.masses @ (ndtr((self.points - edge) / sd) + ndtr((-self.points - edge) / sd)))

    def step(self, reached: float, z: float) -> _Walk:
        """The next look, given that it stays inside ±z."""
        edge, sd = z * sqrt(reached), sqrt(reached - self.information)
        places, weights = _gauss(min(24, ceil((8 + edge / self.finest) / 10)))
        points = edge * places
        density = np.exp(-(((points[:, None] - self.points) / sd) ** 2) / 2) @ self.masses / (sd * sqrt(2 * np.pi))
        return _Walk(reached, points, edge * weights * density, self.finest)


@lru_cache(maxsize=32)
def _gauss(size: int) -> tuple[Array, Array]:
    """Gauss–Legendre points and weights on −1..1, 32 for each unit of size."""
    return np.polynomial.legendre.leggauss(32 * size)
