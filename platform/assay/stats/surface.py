"""What a power simulation found: power by effect, size, level and test, and what can be read between its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtri

from assay.errors import AssayError, UsageError
from assay.stats.compare import require_share
from assay.stats.moments import Array


@dataclass(frozen=True, slots=True)
class PowerPoint:
    """One point of a surface; `n` counts units of the control."""

    effect: float
    n: int
    power: float
    power_analytic: float


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Power of a test to find an effect, measured on simulated experiments.

    `sizes`: units in the control (`sizes_treatment` in the treatment). `effects`: in the metric's unit, and the same as
    shares of `baseline` in `lifts` (None for a baseline of zero). `power`, `error` (its Monte Carlo standard error) and
    `analytic` (the formula of `power.plan` with the lifted variance): shape (tests, alphas, sizes, effects).
    `mean_effect` and `sd_effect`: of the estimated effects, shape (sizes, effects). `unanswered`: the share of
    simulations without any variation, which count as "not found", shape (sizes, effects).
    """

    tests: tuple[str, ...]
    alphas: tuple[float, ...]
    sizes: tuple[int, ...]
    sizes_treatment: tuple[int, ...]
    effects: tuple[float, ...]
    lifts: tuple[float, ...] | None
    baseline: float
    simulations: int
    seed: int
    power: Array
    error: Array
    analytic: Array
    mean_effect: Array
    sd_effect: Array
    unanswered: Array

    def points(self, test: str | None = None, alpha: float | None = None) -> tuple[PowerPoint, ...]:
        """Every size and effect of one test and level (the first, unless told), sizes first."""
        at = self._at(test, alpha)
        return tuple(
            PowerPoint(effect, n, float(self.power[at][i, j]), float(self.analytic[at][i, j]))
            for i, n in enumerate(self.sizes)
            for j, effect in enumerate(self.effects)
        )

    def smallest_effect(
        self, n: float, power: float = 0.8, test: str | None = None, alpha: float | None = None
    ) -> float | None:
        """The smallest effect found with this power by `n` units in the control; None if the surface has none.

        If already the smallest effect simulated is found often enough, it is the answer. Otherwise interpolated on the
        probit scale, where power is nearly a straight line in the effect and in √n. Effects of one sign are read: the
        positive ones, or if there are none the negative ones. `UsageError` E601 for an `n` outside the surface.
        """
        effects, levels = self._levels(test, alpha)
        _require_inside("n", n, self.sizes)
        roots = np.sqrt(self.sizes)
        row = [np.interp(sqrt(n), roots, column) for column in levels.T]
        return _crossing(effects, row, power)

    def smallest_n(
        self, effect: float, power: float = 0.8, test: str | None = None, alpha: float | None = None
    ) -> int | None:
        """The fewest units in the control that find this effect with this power; None if the surface has none.

        If already the smallest size simulated is enough, it is the answer; otherwise interpolated as in
        `smallest_effect`. `UsageError` E601 for an effect outside the surface.
        """
        effects, levels = self._levels(test, alpha)
        _require_inside("effect", effect, effects)
        ascending = np.argsort(effects)
        column = [np.interp(effect, np.asarray(effects)[ascending], row[ascending]) for row in levels]
        root = _crossing(np.sqrt(self.sizes), column, power)
        return None if root is None else round(root**2)

    def _at(self, test: str | None, alpha: float | None) -> tuple[int, int]:
        name, level = test or self.tests[0], alpha or self.alphas[0]
        if name not in self.tests or level not in self.alphas:
            known = f"tests {list(self.tests)} and alphas {list(self.alphas)}"
            raise _refuse(f"The surface has no test '{name}' at alpha {level}.", f"It has {known}.")
        return self.tests.index(name), self.alphas.index(level)

    def _levels(self, test: str | None, alpha: float | None) -> tuple[Array, Array]:
        """Effects of one sign from small to large, and their probits, shape (sizes, effects)."""
        effects = np.asarray(self.effects)
        wanted = effects > 0 if (effects > 0).any() else effects < 0
        order = np.flatnonzero(wanted)[np.argsort(np.abs(effects[wanted]))]
        edge = 0.5 / self.simulations  # a power of 0 or 1 is known no better than this
        return effects[order], ndtri(np.clip(self.power[self._at(test, alpha)], edge, 1 - edge))[:, order]


def _crossing(x: Array, levels: Sequence[float], power: float) -> float | None:
    """Where rising probits reach that of `power`; small falls by chance are levelled out."""
    require_share("power", power)
    rising = np.maximum.accumulate(levels)
    target = float(ndtri(power))
    return None if target > rising[-1] else float(np.interp(target, rising, x))


def _require_inside(name: str, value: float, known: Sequence[float] | Array) -> None:
    if not min(known) <= value <= max(known):
        raise _refuse(
            f"{name} is {value}, the surface reaches from {min(known)} to {max(known)}.",
            f"Simulate a surface that contains this {name}.",
        )


def _refuse(message: str, fix: str) -> AssayError:
    return UsageError.of("E601", message, why="A surface answers between the points that were simulated.", fix=fix)
