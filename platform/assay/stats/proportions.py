"""Two shares of units: counts read from moments, score intervals, and the effect that every proportion test returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import acos, copysign, cos, hypot, pi, sqrt

from assay.stats.cuped import Estimate
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.lift import lift
from assay.stats.moments import Moments
from assay.stats.per_unit import unused_covariates
from assay.stats.setting import Setting
from assay.stats.welch_t import quantile

Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Count:
    """`hits` of `n` units have what the metric asks for."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        return self.hits / self.n


@dataclass(frozen=True, slots=True)
class Shares:
    """Both arms, neither all hits nor all misses together; `unused` are warnings about what is not used."""

    control: Count
    treatment: Count
    unused: tuple[str, ...] = ()

    @property
    def difference(self) -> float:
        return self.treatment.share - self.control.share

    @property
    def se(self) -> float:
        """Standard error of the difference if there is none: from the pooled share, so it is never zero."""
        hits, n = self.control.hits + self.treatment.hits, self.control.n + self.treatment.n
        return sqrt(hits / n * ((n - hits) / n) * (1 / self.control.n + 1 / self.treatment.n))

    @property
    def table(self) -> list[list[int]]:
        """Hits and misses in rows, one arm per column."""
        arms = (self.treatment, self.control)
        return [[arm.hits for arm in arms], [arm.n - arm.hits for arm in arms]]


def shares(estimand: Estimand, control: Moments, treatment: Moments) -> Shares:
    """Counts of both arms. Raises `NoAnswer` if the metric is not 0 or 1 for every unit, or the same for all units."""
    (name,) = estimand.columns
    counts = _count(name, control), _count(name, treatment)
    if sum(count.hits for count in counts) in (0, sum(count.n for count in counts)):
        raise NoAnswer("there is no variation: every unit behaves the same, so no error can be estimated")
    return Shares(*counts, unused=unused_covariates(estimand))


def few(found: Shares) -> Shares:
    """The same shares, if a test that looks at every possible table can be done in about a second, or `NoAnswer`."""
    if (found.control.n + 1) * (found.treatment.n + 1) > _TABLES:
        raise NoAnswer("there are too many units for a test of every possible table: use 'fisher' or 'proportion_z'")
    return found


_TABLES = 100_000  # of 300 × 300 units


def proportion_effect(method: str, found: Shares, pvalue: float, interval: str, setting: Setting) -> Effect:
    """An effect with an interval of `INTERVALS`, and the pooled standard error.

    The lift gets its interval from the variances of Agresti and Caffo (2000), with one more hit and one more miss in
    each arm, so that an arm without hits is not taken for certain.
    """
    control, treatment, reach = found.control, found.treatment, quantile(None, setting.alpha)
    low, high = INTERVALS[interval](found, reach)
    relative = lift(_estimate(control), _estimate(treatment), reach, setting.relative)
    return Effect(
        method,
        "mean",
        control.share,
        treatment.share,
        found.difference,
        low,
        high,
        relative.value,
        relative.low,
        relative.high,
        pvalue,
        found.se,
        n_control=control.n,
        n_treatment=treatment.n,
        alpha=setting.alpha,
        interval=interval,
        warnings=found.unused + relative.warnings,
    )


def wilson(count: Count, z: float) -> Bounds:
    """Score interval of one share (Wilson 1927)."""
    square = z * z / count.n
    middle = (count.share + square / 2) / (1 + square)
    reach = z * sqrt((count.share * (1 - count.share) + square / 4) / count.n) / (1 + square)
    return (
        0.0 if count.hits == 0 else max(0.0, middle - reach),
        1.0 if count.hits == count.n else min(1.0, middle + reach),
    )


def newcombe_interval(found: Shares, z: float) -> Bounds:
    """Hybrid score interval (Newcombe 1998, method 10): the distances to the Wilson limits, squared and added."""
    control, treatment = found.control.share, found.treatment.share
    (low_c, high_c), (low_t, high_t) = wilson(found.control, z), wilson(found.treatment, z)
    down = hypot(treatment - low_t, high_c - control)
    up = hypot(high_t - treatment, control - low_c)
    return found.difference - down, found.difference + up


def score_interval(found: Shares, z: float) -> Bounds:
    """The differences δ that the score test of "the difference is δ" keeps (Mee 1984).

    At δ = 0 its variance is that of the pooled share, so the interval excludes zero exactly when the pooled z does.
    """

    def outside(delta: float) -> bool:
        return abs(found.difference - delta) > z * sqrt(_score_variance(found, delta))

    return -_edge(lambda x: outside(-x), -found.difference, 1.0), _edge(outside, found.difference, 1.0)


INTERVALS: dict[str, Callable[[Shares, float], Bounds]] = {"newcombe": newcombe_interval, "score": score_interval}


def touching(found: Shares) -> float:
    """The z at which Newcombe's interval touches zero, so that p < alpha exactly when the interval excludes zero."""
    if found.difference == 0:
        return 0.0

    def covers(z: float) -> bool:
        low, high = newcombe_interval(found, z)
        return low <= 0 <= high

    top = 1.0
    while not covers(top):
        top *= 2
    return _edge(covers, 0.0, top)


def _edge(beyond: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where a condition that holds at `outside` begins, by halving down to the last digit."""
    while True:
        middle = (inside + outside) / 2
        if not min(inside, outside) < middle < max(inside, outside):
            return outside
        inside, outside = (inside, middle) if beyond(middle) else (middle, outside)


def _score_variance(found: Shares, delta: float) -> float:
    """Variance of the difference at the likeliest shares that differ by δ."""
    n_c, n_t = found.control.n, found.treatment.n
    control = _likeliest(found, delta)
    treatment = min(max(control + delta, 0.0), 1.0)
    return control * (1 - control) / n_c + treatment * (1 - treatment) / n_t


def _likeliest(found: Shares, delta: float) -> float:
    """The control's share, given that the treatment's is δ higher: Miettinen and Nurminen (1985), appendix I."""
    x_c, n_c, x_t, n_t = found.control.hits, found.control.n, found.treatment.hits, found.treatment.n
    cubic = float(n_c + n_t)
    square = (n_t + 2 * n_c) * delta - n_c - n_t - x_c - x_t
    linear = (n_c * delta - n_c - n_t - 2 * x_c) * delta + x_c + x_t
    constant = x_c * delta * (1 - delta)
    third = square / (3 * cubic)
    q = third**3 - square * linear / (6 * cubic * cubic) + constant / (2 * cubic)
    p = copysign(sqrt(max(0.0, third * third - linear / (3 * cubic))), q)
    angle = (pi + acos(min(1.0, max(-1.0, q / p**3 if p else 0.0)))) / 3
    share = 2 * p * cos(angle) - third
    for _ in range(2):  # Newton's steps, for the digits that the cosine loses when the share is small
        slope = (3 * cubic * share + 2 * square) * share + linear
        share -= (((cubic * share + square) * share + linear) * share + constant) / slope if slope else 0.0
    return min(max(share, 0.0, -delta), 1.0, 1 - delta)


def _count(name: str, arm: Moments) -> Count:
    """Σx² = Σx only if every x is 0 or 1, as x² ≥ x for whole numbers."""
    hits = arm.sum(name)
    squares = arm.var(name) * (arm.n - 1) + hits * hits / arm.n
    if abs(squares - hits) > _ROUNDING * arm.n or abs(hits - round(hits)) > _ROUNDING * arm.n:
        raise NoAnswer(f"the column '{name}' is not 0 or 1 for every unit, as a test of proportions needs")
    return Count(round(hits), arm.n)


_ROUNDING = 1e-10


def _estimate(count: Count) -> Estimate:
    smooth = (count.hits + 1) / (count.n + 2)
    return Estimate(count.share, smooth * (1 - smooth) / (count.n + 2), count.n)
