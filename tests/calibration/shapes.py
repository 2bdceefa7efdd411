"""Data of known truth for the calibration suite: experiments with and without an effect, from seeded streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from assay.stats import MetricColumns, Moments, Samples, stream
from assay.stats.moments import Array

SEED = 2026
BLOCK = 500  # experiments drawn at once

# (stream, (experiments, units), lift) -> values, shape (experiments, units, columns)
Draw = Callable[[np.random.Generator, tuple[int, int], float], Array]


@dataclass(frozen=True, slots=True)
class Shape:
    """`n`: units of both arms. `lift`: the effect where there is one; it changes the metric by `truth`."""

    name: str
    what: str
    n: tuple[int, int]
    metric: MetricColumns
    draw: Draw
    lift: float
    truth: float

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.metric.columns, *self.metric.covariates)


def normal(rng: np.random.Generator, size: tuple[int, int], lift: float) -> Array:
    return rng.normal(10 * (1 + lift), 3, size)[..., None]


def binary(rng: np.random.Generator, size: tuple[int, int], lift: float) -> Array:
    return (rng.random(size) < 0.25 * (1 + lift))[..., None].astype(np.float64)


def heavy_ratio(rng: np.random.Generator, size: tuple[int, int], lift: float) -> Array:
    views = 1 + rng.poisson(rng.lognormal(3, 0.8, size))
    return np.stack([rng.binomial(views, rng.beta(8, 32, size) * (1 + lift)), views], axis=-1).astype(np.float64)


def zero_inflated(rng: np.random.Generator, size: tuple[int, int], lift: float) -> Array:
    return ((rng.random(size) < 0.3) * rng.lognormal(0, 0.7, size) * (1 + lift))[..., None]


LIKES, LIKE_RATE = MetricColumns("likes"), MetricColumns("likes", "views")
NORMAL = Shape("normal", "N(10, 3²)", (200, 240), LIKES, normal, 0.08, 0.8)
BINARY = Shape("binary", "a quarter of the units", (320, 400), LIKES, binary, 0.36, 0.09)
RATIO = Shape(
    "heavy-tailed ratio", "views log-normal (σ = 0.8), a like rate per user around 0.2", (400, 480), LIKE_RATE,
    heavy_ratio, 0.12, 0.024,
)  # fmt: skip
ZEROS = Shape(
    "zero-inflated", "70 % zeros, the rest log-normal (σ = 0.7)", (300, 360), LIKES, zero_inflated, 0.55,
    0.55 * 0.3 * float(np.exp(0.245)),
)  # fmt: skip
FEW = Shape("few units", "a quarter of very few units", (25, 30), LIKES, binary, 1.4, 0.35)
SHAPES = (NORMAL, BINARY, RATIO, ZEROS)


@lru_cache(maxsize=8)
def block(shape: Shape, effect: bool, number: int) -> tuple[Array, Array]:
    """`BLOCK` experiments, both arms, shape (experiments, units, columns) each."""
    rng = stream(SEED, shape.name, str(effect), number)
    control, treatment = shape.n
    return shape.draw(rng, (BLOCK, control), 0.0), shape.draw(rng, (BLOCK, treatment), shape.lift * effect)


def samples(shape: Shape, effect: bool, runs: int) -> list[tuple[Samples, Samples]]:
    """Experiments as units."""
    found = (zip(*block(shape, effect, number), strict=True) for number in range(-(-runs // BLOCK)))
    pairs = [tuple(Samples(shape.columns, arm) for arm in pair) for pairs in found for pair in pairs]
    return pairs[:runs]


@cache
def moments(shape: Shape, effect: bool, runs: int) -> list[tuple[Moments, Moments]]:
    """Experiments as moments, for which a block needs one pass."""
    found = []
    for number in range(-(-runs // BLOCK)):
        arms = (summarised(shape.columns, arm) for arm in block(shape, effect, number))
        found += list(zip(*arms, strict=True))
    return found[:runs]


def summarised(names: tuple[str, ...], values: Array) -> list[Moments]:
    """The moments of many tables at once. `values`: shape (tables, units, columns)."""
    sums = values.sum(axis=1)
    centred = values - values.mean(axis=1, keepdims=True)
    comoments = np.einsum("rni,rnj->rij", centred, centred)
    return [Moments(values.shape[1], names, *pair) for pair in zip(sums, comoments, strict=True)]


@cache
def population(shape: Shape, lift: float) -> Moments:
    """Very many units of one arm, whose spread is as good as known."""
    return Moments.of(shape.columns, shape.draw(stream(SEED, shape.name, "population"), (1, 400_000), lift)[0])


def one_covariate(rng: np.random.Generator, size: tuple[int, int], lift: float) -> Array:
    past = rng.gamma(4, 1, size)
    return np.stack([(10 + past) * (1 + lift) + rng.normal(0, 2, size), past], axis=-1)


def two_covariates(rng: np.random.Generator, size: tuple[int, int], lift: float) -> Array:
    taste, past, other = rng.normal(0, 1, size), rng.normal(0, 1, size), rng.exponential(1, size)
    seen = taste + past, past + other
    return np.stack([10 * (1 + lift) + taste + past + 0.5 * other + rng.normal(0, 1, size), *seen], axis=-1)


def ratio_with_past(rng: np.random.Generator, size: tuple[int, int], lift: float) -> Array:
    habit, taste = rng.gamma(2.2, 15, size), rng.beta(15, 56, size)
    views, past = 1 + rng.poisson(habit), 1 + rng.poisson(habit)
    likes = rng.binomial(views, taste * (1 + lift))
    return np.stack([likes, views, rng.binomial(past, taste), past], axis=-1).astype(np.float64)


CUPED = (
    Shape("one covariate", "half of the variance is in the past", (200, 240), MetricColumns("likes", None, "before"),
          one_covariate, 0.04, 0.56),
    Shape("two covariates", "two skewed and correlated covariates", (200, 240),
          MetricColumns("likes", None, "before", "other"), two_covariates, 0.03, 0.3),
    Shape("ratio with its past", "likes ÷ views, and both before the start", (300, 360),
          MetricColumns("likes", "views", "likes_before", "views_before"), ratio_with_past, 0.05, 0.05 * 15 / 71),
)  # fmt: skip
