"""What one may believe after the experiment: the chance to win, what a wrong choice costs, and the likely range."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from scipy.special import betainc, betaincc, betaincinv, betaln, erfcx, expit, ndtr, ndtri

from assay.errors import UsageError
from assay.stats.compare import require_share
from assay.stats.effect import Effect
from assay.stats.moments import Array

_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class Prior:
    """Effects to expect, N(mean, sd²), in the metric's unit. Raises `UsageError` E601 unless sd > 0."""

    sd: float
    mean: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.sd < float("inf"):
            raise _refused(f"The prior's sd is {self.sd}", "Leave the prior out to let the data speak alone.")


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known of treatment − control, in the metric's unit; all numbers are there, or a `reason`.

    `low` and `high` are the (1 − alpha) credible interval with equal tails. `chance_to_win`: that the treatment is
    better. `expected_loss`: the mean loss if the treatment is shipped, `expected_loss_control` if it is not. `rope`:
    the probability that the difference is too small to matter, None without such a region.
    """

    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    chance_to_win: float | None = None
    expected_loss: float | None = None
    expected_loss_control: float | None = None
    rope: float | None = None
    reason: str | None = None


def posterior(
    effect: Effect,
    prior: Prior | None = None,
    *,
    good: str | None = "up",
    rope: float | None = None,
    alpha: float = 0.05,
) -> Posterior:
    """Any effect under a Gaussian prior (Gelman et al. 2013, §2.5); without one the prior is flat.

    The estimate is taken as normal around the true difference with its standard error. A good prior is the spread of
    the effects of past experiments, or the mde. `rope`: differences within ±rope do not matter (Kruschke 2018).
    `good`: the metric's good direction. Raises `UsageError` E601 for alpha outside 0..1 or a rope below 0.

    >>> effect = Effect("welch", "mean", difference=2.0, se=1.0)
    >>> found = posterior(effect, Prior(sd=1.0), rope=0.5)
    >>> found.mean, round(found.chance_to_win, 3), round(found.expected_loss, 3), round(found.rope, 3)
    (1.0, 0.921, 0.025, 0.223)
    """
    _require(alpha, rope)
    if effect.difference is None or not effect.se:
        return Posterior(reason=effect.reason or "the effect has no standard error")
    precision, weighted = effect.se**-2.0, effect.difference * effect.se**-2.0
    if prior:
        precision, weighted = precision + prior.sd**-2.0, weighted + prior.mean * prior.sd**-2.0
    mean, sd = weighted / precision, 1 / sqrt(precision)
    reach = -float(ndtri(alpha / 2)) * sd
    gain = (-mean if good == "down" else mean) / sd  # how many sd the treatment is ahead
    losses = sd * _overshoot(gain), sd * _overshoot(-gain)
    inside = None if rope is None else float(ndtr((rope - mean) / sd) - ndtr((-rope - mean) / sd))
    return Posterior(mean, sd, mean - reach, mean + reach, float(ndtr(gain)), *losses, inside)


def beta_binomial(
    control: tuple[int, int],
    treatment: tuple[int, int],
    prior: tuple[float, float] = (1.0, 1.0),
    *,
    good: str | None = "up",
    rope: float | None = None,
    alpha: float = 0.05,
) -> Posterior:
    """Two proportions, each (successes, units), under the same Beta prior (Gelman et al. 2013, §2.4).

    Exact also for a handful of units: the law of the difference is integrated numerically. Raises `UsageError` E601
    unless 0 ≤ successes ≤ units and the prior's two parameters are positive.

    >>> found = beta_binomial((10, 100), (20, 100))
    >>> round(found.mean, 4), round(found.chance_to_win, 4)
    (0.098, 0.9752)
    """
    _require(alpha, rope)
    for successes, units in (control, treatment):
        if not (0 <= successes <= units and min(prior) > 0):
            raise _refused(f"{successes} of {units} under Beta{prior}", "Count units, and those that succeeded.")
    before, after = (_Beta(prior[0] + won, prior[1] + n - won) for won, n in (control, treatment))
    mean, sd = after.mean - before.mean, sqrt(before.variance + after.variance)
    low, high = (_quantile(before, after, share) for share in (alpha / 2, 1 - alpha / 2))
    chance, losses = _above(before, after, 0.0), (_mean_above(after, before), _mean_above(before, after))
    if good == "down":
        chance, losses = _above(after, before, 0.0), (losses[1], losses[0])
    inside = None if rope is None else max(0.0, _above(before, after, -rope) - _above(before, after, rope))
    return Posterior(mean, sd, low, high, chance, *losses, inside)


def _overshoot(gain: float) -> float:
    """E max(0, −X) for X ~ N(gain, 1): φ(g) − g Φ(−g), which keeps its digits far from zero."""
    density = float(np.exp(-(gain**2) / 2)) / sqrt(2 * np.pi)
    if gain <= 0:
        return density - gain * float(ndtr(-gain))
    return max(0.0, density * (1 - gain * sqrt(np.pi / 2) * float(erfcx(gain / sqrt(2)))))


@dataclass(frozen=True, slots=True)
class _Beta:
    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    @property
    def variance(self) -> float:
        return self.mean * (1 - self.mean) / (self.a + self.b + 1)

    def places(self) -> Array:
        """Quantiles that cover all of the law that a double can hold, as log-odds, shape (8,)."""
        tails = np.array([1e-30, 1e-9, 1e-3, 0.5])
        lower = np.maximum(betaincinv(self.a, self.b, tails), _TINY)
        upper = np.maximum(betaincinv(self.b, self.a, tails), _TINY)
        return np.concatenate([np.log(lower) - np.log1p(-lower), np.log1p(-upper) - np.log(upper)])

    def below(self, x: Array) -> Array:
        return np.asarray(betainc(self.a, self.b, np.clip(x, 0, 1)), dtype=np.float64)

    def above(self, x: Array) -> Array:
        return np.asarray(betaincc(self.a, self.b, np.clip(x, 0, 1)), dtype=np.float64)


def _above(before: _Beta, after: _Beta, gap: float) -> float:
    """P(after − before > gap), integrated over the narrower law, so that no step falls between two points."""
    if before.variance < after.variance:
        x, density = _law(before)
        return min(1.0, float(density @ after.above(x + gap)))
    x, density = _law(after)
    return min(1.0, float(density @ before.below(x - gap)))


def _mean_above(first: _Beta, second: _Beta) -> float:
    """E max(0, second − first) = ∫ P(first ≤ x) P(second > x) dx."""
    x, rest, weights = _points(first, second)
    return float((weights * x * rest) @ (first.below(x) * second.above(x)))


@lru_cache(maxsize=64)
def _law(law: _Beta) -> tuple[Array, Array]:
    """Points x in 0..1 and the probability around each."""
    x, rest, weights = _points(law)
    return x, weights * np.exp(law.a * np.log(x) + law.b * np.log(rest) - betaln(law.a, law.b))


def _points(*laws: _Beta) -> tuple[Array, Array, Array]:
    """Shares x in 0..1, their 1 − x, and weights that integrate over dx ÷ (x (1 − x)), where the laws have mass.

    Gauss–Legendre on the log-odds scale, where no Beta law has a singularity, in panels between their quantiles.
    """
    edges = np.unique(np.concatenate([law.places() for law in laws]))
    nodes, weights = np.polynomial.legendre.leggauss(48)
    half = np.diff(edges)[:, None] / 2
    odds = ((edges[1:] + edges[:-1])[:, None] / 2 + half * nodes).ravel()
    return expit(odds), expit(-odds), (half * weights).ravel()


def _quantile(before: _Beta, after: _Beta, share: float) -> float:
    """The gap that the difference is below with probability `share`, by bisection."""
    low, high = -1.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _above(before, after, middle) > 1 - share else (low, middle)
    return (low + high) / 2


def _require(alpha: float, rope: float | None) -> None:
    require_share("alpha", alpha)
    if rope is not None and not rope >= 0:
        raise _refused(f"rope is {rope}", "Write rope=0.001 for differences that do not matter.")


def _refused(message: str, fix: str) -> UsageError:
    return UsageError.of("E601", f"{message}.", why="A belief is a probability law of what can be.", fix=fix)
