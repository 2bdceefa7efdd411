"""`experiment power`: how often would an effect be found? Simulated on the metric's own history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay import stats
from assay.jobs.context import Context
from assay.jobs.experiments.past import Past, past
from assay.stats import Surface

_STEPS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)  # of the effect that is asked about


@dataclass(frozen=True, slots=True)
class Powered:
    """Power at `n` units of the control, for `effect` (in the metric's unit) and multiples of it."""

    experiment: str
    metric: str
    n: Mapping[str, int]
    effect: float
    surface: Surface

    def as_dict(self) -> dict[str, Any]:
        """The contract of `experiment power`, but for the seconds, which the command measures."""
        points = self.surface.points()
        (own,) = [point for point in points if point.effect == self.effect and point.n == max(self.surface.sizes)]
        curve = [{"effect": point.effect, "n": point.n, "power": point.power} for point in points]
        return {
            "experiment": self.experiment,
            "metric": self.metric,
            "n": dict(self.n),
            "effect": self.effect,
            "power": own.power,
            "power_analytic": own.power_analytic,
            "simulations": self.surface.simulations,
            "baseline": self.surface.baseline,
            "curve": curve,
            "seed": self.surface.seed,
        }


def power(
    context: Context,
    name: str,
    metric: str | None = None,
    effect: float | None = None,
    n: int | None = None,
    simulations: int = 10_000,
) -> Powered:
    """Simulate the experiment on its history.

    `effect` is the declared mde when left out, and without one what 80 % power would find; `n` is the units of the
    control, as many as the history says will have arrived at the end. Raises as `past`, and UsageError E601 or W601.
    """
    with past(context, name, metric) as found:
        return _simulated(found, effect, n, simulations)


def _simulated(found: Past, effect: float | None, n: int | None, simulations: int) -> Powered:
    control, treatment = list(found.weights)[:2]
    ratio = found.weights[treatment] / found.weights[control]
    size = n or max(2, round(found.expected * found.weights[control]))
    wanted = effect or found.mde or _findable(found, size, ratio)
    surface = stats.power_surface(
        found.estimand,
        found.history,
        [step * wanted for step in _STEPS],
        sorted({max(2, round(size * share)) for share in (0.25, 0.5, 1.0)}),
        alphas=(found.spec.design.alpha,),
        simulations=simulations,
        seed=found.seed("power"),
        ratio=ratio,
    )
    sizes = {control: size, treatment: round(size * ratio)}
    return Powered(found.plan.experiment.name, found.reading.metric.name, sizes, wanted, surface)


def _findable(found: Past, size: int, ratio: float) -> float:
    design = found.spec.design
    sd = stats.unit_sd(found.estimand, found.moments)
    return stats.plan(sd, n=size, power=design.power, alpha=design.alpha, ratio=ratio).effect
