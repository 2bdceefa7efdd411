"""Random weights of rows: a resample is a table of rows, each counted as often as its weight says."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Literal

import numpy as np
from scipy.special import pdtr

from assay.stats.moments import Array

Scheme = Literal["multinomial", "poisson", "two_point"]
# (random, resamples, rows) -> weights, shape (resamples, rows). The rows must be exchangeable.
Draw = Callable[[np.random.Generator, int, int], Array]

_LEVELS = 1 << 16  # weights are looked up by 16 random bits
_UNIFORM = (np.arange(_LEVELS) + 0.5) / _LEVELS

# Up to 8, with mean 1, variance 1 − 3e-5 and third central moment 1 − 2e-4: beyond any Monte Carlo error.
_POISSON = np.searchsorted(pdtr(np.arange(12), 1.0), _UNIFORM).astype(np.float64)

_LOW = round(_LEVELS * (sqrt(5) + 1) / (2 * sqrt(5)))  # of 65,536: Mammen's probability of the smaller weight
_ODDS = _LOW / (_LEVELS - _LOW)
_TWO_POINT = np.where(np.arange(_LEVELS) < _LOW, 1 - 1 / sqrt(_ODDS), 1 + sqrt(_ODDS))


def multinomial(random: np.random.Generator, resamples: int, rows: int) -> Array:
    """As many draws with replacement as there are rows: the bootstrap (Efron 1979)."""
    picks = random.integers(0, rows, (resamples, rows)) + rows * np.arange(resamples)[:, None]
    return np.bincount(picks.ravel(), minlength=picks.size).reshape(picks.shape).astype(np.float64)


def poisson(random: np.random.Generator, resamples: int, rows: int) -> Array:
    """Independent Poisson(1) counts (Hanley and MacGibbon 2006; Chamandy et al. 2012), from a table."""
    return _looked_up(_POISSON, random, resamples, rows)


def two_point(random: np.random.Generator, resamples: int, rows: int) -> Array:
    """(3 ± √5) / 2: mean, variance and third central moment are 1, as Poisson's are (Mammen 1993)."""
    return _looked_up(_TWO_POINT, random, resamples, rows)


def assignment(ones: int) -> Draw:
    """Weight 1 for `ones` rows chosen at random and 0 for the others: a permutation of labels."""

    def draw(random: np.random.Generator, resamples: int, rows: int) -> Array:
        chosen = np.zeros((resamples, rows))
        chosen[:, :ones] = 1.0
        return random.permuted(chosen, axis=1, out=chosen)

    return draw


SCHEMES: dict[Scheme, Draw] = {"multinomial": multinomial, "poisson": poisson, "two_point": two_point}


def _looked_up(table: Array, random: np.random.Generator, resamples: int, rows: int) -> Array:
    size = resamples * rows
    numbers = np.asarray(random.bit_generator.random_raw(-(-size // 4))).view(np.uint16)[:size]
    return np.asarray(table[numbers]).reshape(resamples, rows)
