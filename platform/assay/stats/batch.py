"""Welch's t and its relatives for very many pairs of arms at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from assay.errors import UsageError
from assay.stats.effect import Kind
from assay.stats.moments import Array
from assay.stats.pool import Pool, pairs
from assay.stats.registry import choose

# An arm's variance below this share of its second moment is rounding of single precision, not variation.
_ROUNDING = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """s arms of one metric. `rows`, `gap` (value − `base`), `variance` (of the value): shape (s,).

    `defined`: where an arm has a value. The gap keeps the digits that a large value would hide.

    For q covariates: `cross` (s, q) and `gram` (s, q, q) are Σ over rows of residual · covariate and of covariate
    products, `past` (s, q) their means; `unit` (s,) is what one residual is worth in the metric's unit.
    """

    base: float
    rows: Array
    gap: Array
    variance: Array
    unit: Array
    cross: Array
    gram: Array
    past: Array
    defined: NDArray[np.bool_]

    @classmethod
    def of(cls, pool: Pool, sums: Array) -> Batch:
        """From Σ of `pool.products()` over each arm's rows, shape (s, k (k + 1) / 2).

        Each arm is linearised around its own value (Deng, Knoblich and Lu 2018, §2.2).
        """
        total = _square(sums, pool.columns.shape[1])
        bottom, past = pool.bottom, pool.covariates
        defined = (total[:, 0, 0] >= 2) & (total[:, 0, bottom] != 0)
        rows = np.maximum(total[:, 0, 0], 2.0)
        divisor = np.where(defined, total[:, 0, bottom], 1.0)
        gap = total[:, 0, 1] / divisor
        square = total[:, 1, 1] - 2 * gap * total[:, 1, bottom] + gap * gap * total[:, bottom, bottom]
        square[square <= _ROUNDING * total[:, 1, 1]] = 0.0
        unit = pool.scale * rows / divisor
        means = total[:, 0, past] / rows[:, None]
        return cls(
            pool.base,
            rows,
            pool.scale * gap,
            square * unit**2 / (rows * (rows - 1)),
            unit,
            total[:, 1, past] - gap[:, None] * total[:, bottom, past],
            total[:, past, past] - rows[:, None, None] * means[:, :, None] * means[:, None, :],
            means,
            defined,
        )

    def adjusted_variance(self, theta: Array, lift: float = 0.0) -> Array:
        """The variance of (1 + lift) · value − θ' covariates; `theta`, shape (s, q), is in the metric's unit."""
        factor = 1 + lift
        if not theta.shape[1]:
            return factor**2 * self.variance
        both = np.einsum("sq,sq->s", theta, self.cross) * self.unit * factor
        own = np.einsum("sq,sqr,sr->s", theta, self.gram, theta)
        change = (own - 2 * both) / (self.rows * (self.rows - 1))
        return np.asarray(np.maximum(factor**2 * self.variance + change, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """Treatment − control, s times. `control` and `treatment` are the variances of the two values.

    `answered` is where both have a value and there is any variation, so that there is an error to compare with.
    """

    difference: Array
    control: Array
    treatment: Array
    n_control: Array
    n_treatment: Array
    spare: Array
    answered: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two batches and what CUPED needs of both, from which any effect on the treatment is read.

    θ is least squares within arms, both arms pooled, as in `cuped.coefficients`; an effect that multiplies the
    treatment's numerator multiplies its part of θ.
    """

    control: Batch
    treatment: Batch
    inverse: Array

    @classmethod
    def of(cls, control: Batch, treatment: Batch) -> Pair:
        gram = control.gram + treatment.gram
        inverse = np.linalg.pinv(gram, rcond=1e-10, hermitian=True) if gram.size else gram
        return cls(control, treatment, np.asarray(inverse, dtype=np.float64))

    def contrast(self, lift: float = 0.0, shift: float = 0.0) -> Contrast:
        """The treatment's value multiplied by 1 + lift and raised by `shift`, against the control."""
        control, treatment = self.control, self.treatment
        weighted = control.cross * control.unit[:, None] + (1 + lift) * treatment.cross * treatment.unit[:, None]
        theta = np.einsum("sqr,sr->sq", self.inverse, weighted)
        moved = np.einsum("sq,sq->s", theta, treatment.past - control.past)
        variances = control.adjusted_variance(theta), treatment.adjusted_variance(theta, lift)
        residual = control.rows + treatment.rows - 2
        return Contrast(
            treatment.gap - control.gap + lift * (treatment.base + treatment.gap) + shift - moved,
            *variances,
            control.rows,
            treatment.rows,
            np.maximum(residual - theta.shape[1], 1) / residual,
            control.defined & treatment.defined & (sum(variances) > 0),
        )


# (contrast) -> the statistic and its degrees of freedom, both of shape (s,); 0 where there is no answer.
Statistic = Callable[[Contrast], tuple[Array, Array]]


def welch(contrast: Contrast) -> tuple[Array, Array]:
    """Welch (1947), as `methods/welch.py` and `methods/delta.py` have it for one pair."""
    variance = contrast.control + contrast.treatment
    share = contrast.control / np.where(variance > 0, variance, 1.0)
    inverse = share**2 / (contrast.n_control - 1) + (1 - share) ** 2 / (contrast.n_treatment - 1)
    return _ratio(contrast, variance), contrast.spare / inverse


def student(contrast: Contrast) -> tuple[Array, Array]:
    """Student (1908): one variance for both arms."""
    n, m = contrast.n_control, contrast.n_treatment
    pooled = (contrast.control * n * (n - 1) + contrast.treatment * m * (m - 1)) / (n + m - 2)
    return _ratio(contrast, pooled * (1 / n + 1 / m)), (n + m - 2) * contrast.spare


def z(contrast: Contrast) -> tuple[Array, Array]:
    """Wald (1943): Welch's standard error with normal quantiles."""
    return _ratio(contrast, contrast.control + contrast.treatment), np.full(len(contrast.difference), np.inf)


def _ratio(contrast: Contrast, variance: Array) -> Array:
    """`spare` makes the variance pay for the fitted covariates, as in a linear regression."""
    safe = np.where(contrast.answered, variance / contrast.spare, np.inf)
    return np.asarray(contrast.difference / np.sqrt(safe))


# `linearization` agrees with `delta` to first order (Budylin, Drutsa, Katsev and Tsoy 2018): one statistic serves both.
STATISTICS: dict[str, Statistic] = {
    "welch": welch,
    "delta": welch,
    "linearization": welch,
    "student": student,
    "z": z,
}


def statistic(test: str, kind: Kind) -> tuple[str, Statistic]:
    """The method that a test means for a kind of metric, and its statistic over many pairs.

    Raises `UsageError`: E201 for an unknown test, E302 for one that simulated sums do not hold.
    """
    name = choose(test, kind).name
    if name in STATISTICS:
        return name, STATISTICS[name]
    raise UsageError.of(
        "E302",
        f"The test '{test}' cannot be simulated.",
        why="Simulated arms are sums; a test that orders, counts or resamples units cannot be read from them.",
        fix=f"Use one of: {', '.join(STATISTICS)}.",
    )


def pvalues(t: Array, df: Array) -> Array:
    """Two-sided p from the lower tail; 1 where the statistic is 0 because there was no answer."""
    return np.asarray(np.minimum(2 * stdtr(df, -np.abs(t)), 1.0))


def critical(df: Array, alpha: float) -> Array:
    """The |t| above which a two-sided test rejects, shape of `df`; interpolated over 1 / df, in which it is smooth."""
    inverse = 1 / df
    grid = np.linspace(inverse.min(), inverse.max(), 65)
    with np.errstate(divide="ignore"):
        exact = np.where(grid > 0, -stdtrit(1 / grid, alpha / 2), -ndtri(alpha / 2))
    return np.interp(inverse, grid, exact)


def _square(sums: Array, k: int) -> Array:
    """Sums of the pairs of k columns as symmetric matrices, shape (s, k, k)."""
    first, second = pairs(k)
    full = np.empty((len(sums), k, k))
    full[:, first, second] = sums
    full[:, second, first] = sums
    return full
