"""The permutation test with a studentised statistic."""

from __future__ import annotations

from math import ceil

import numpy as np

from assay.stats.bootstrapped import Observed, observe
from assay.stats.buckets import Buckets
from assay.stats.cuped import Estimate
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.lift import lift
from assay.stats.moments import Array
from assay.stats.registry import method
from assay.stats.resample import weighted_sums
from assay.stats.setting import Setting
from assay.stats.streams import stream
from assay.stats.weights import assignment

_ROWS = 1 << 17  # of both variants together: more are dealt in groups
_ROUNDING = 1e-9  # |t| closer than this, relatively, are equal


@method("permutation", needs="buckets", estimands=("mean", "ratio", "derived"), otherwise="quantile")
def permutation(estimand: Estimand, control: Buckets, treatment: Buckets, setting: Setting) -> Effect:
    """Units (or hash buckets of them) are dealt anew to two variants of the same sizes (Fisher 1935, §21).

    p = (r + 1) / (R + 1) with r of R deals whose |t| is at least the observed one (Phipson and Smyth 2010). t is the
    difference ÷ its delta-method error in the same deal: exact if the treatment changes nothing, and asymptotically
    right if it changes the spread but not the value (Janssen 1997; Chung and Romano 2013).

    The interval "permutation t" is difference ± q · se with q the (1 − alpha) quantile of |t| over deals. It leaves out
    zero exactly when p < alpha. It inverts the test approximately: the law of t under other shifts is taken from this
    one. CUPED's θ is that of the observed variants in every deal.

    More than 131,072 units are dealt in random groups of equal size, a subgroup of all deals that is as exact.
    Hash buckets of variants with unequal shares of the units differ in size, so there p is right asymptotically only.
    """
    size = -(-(len(control.units) + len(treatment.units)) // _ROWS)
    observed = observe(estimand, _grouped(control, size, setting.seed), _grouped(treatment, size, setting.seed))
    return _effect(observed, *_statistics(observed, setting), setting)


def _grouped(arm: Buckets, size: int, seed: int) -> Buckets:
    """Rows put together at random, `size` in each group, or one less."""
    if size == 1:
        return arm
    rows, groups = len(arm.units), -(-len(arm.units) // size)
    of = stream(seed, "permutation", "groups", rows).permutation(rows) % groups
    columns = [np.bincount(of, column) for column in (arm.units, *arm.sums.T)]
    return Buckets.of(arm.names, columns[0], np.column_stack(columns[1:]))


def _effect(observed: Observed, estimates: tuple[Estimate, Estimate], t: Array, setting: Setting) -> Effect:
    """`t`: |t| of the observed variants, then of every deal."""
    control, treatment = estimates
    reach = _quantile(t[1:], setting.alpha)
    difference, se = treatment.value - control.value, float(np.sqrt(control.variance + treatment.variance))
    relative = lift(control, treatment, reach, setting.relative)
    return Effect(
        "permutation",
        observed.estimand.kind,
        control.value,
        treatment.value,
        difference,
        difference - reach * se,
        difference + reach * se,
        relative.value,
        relative.low,
        relative.high,
        float(np.count_nonzero(t[1:] >= t[0] * (1 - _ROUNDING)) + 1) / len(t),
        se,
        None,
        control.n,
        treatment.n,
        observed.arms.variance_reduction,
        alpha=setting.alpha,
        interval="permutation t",
        seed=setting.seed,
        warnings=relative.warnings,
    )


def _quantile(t: Array, alpha: float) -> float:
    """The |t| above which p < alpha."""
    rank = ceil(round(alpha * (len(t) + 1), 9)) - 1
    if rank < 1:
        raise NoAnswer(f"{len(t)} permutations are too few for an interval at alpha = {alpha:g}")
    reach = float(-np.partition(-t, rank - 1)[rank - 1])
    if not np.isfinite(reach):
        raise NoAnswer("there are too few units: the metric or its error has no value after many permutations")
    return reach / (1 - _ROUNDING)


def _statistics(observed: Observed, setting: Setting) -> tuple[tuple[Estimate, Estimate], Array]:
    """The observed estimates, and |t| of the observed deal and of every other, shape (1 + replicates,)."""
    first, second = (observed.tables[place] for place in observed.order)
    columns, middle = _columns(first, second)
    deals = weighted_sums(columns, assignment(len(first.units)), setting.replicates, setting.seed, "permutation")
    mine = np.vstack([columns[: len(first.units)].sum(axis=0), deals])
    rows, n = (len(first.units), len(second.units)), (first.n, second.n)
    sides = [
        _estimates(observed, sums, middle, size)
        for sums, size in zip((mine, columns.sum(axis=0) - mine), rows, strict=True)
    ]
    (value, variance), (other, spread) = sides
    estimates = [Estimate(float(v[0]), float(s[0]), units) for (v, s), units in zip(sides, n, strict=True)]
    control, treatment = (estimates[place] for place in observed.order)
    return (control, treatment), _studentised(value - other, variance + spread)


def _columns(first: Buckets, second: Buckets) -> tuple[Array, Array]:
    """Units and centred sums of both variants' rows with all their products, and the centre: pooled means per unit."""
    units, sums = np.concatenate([first.units, second.units]), np.vstack([first.sums, second.sums])
    middle = sums.sum(axis=0) / units.sum()
    table = np.column_stack([units, sums - np.outer(units, middle)])
    products = [table[:, i] * table[:, j] for i, j in zip(*np.triu_indices(table.shape[1]), strict=True)]
    return np.column_stack([table, *products]), middle


def _estimates(observed: Observed, sums: Array, middle: Array, rows: int) -> tuple[Array, Array]:
    """Values and delta-method variances, shape (r,), of variants of so many rows, from their sums of `_columns`."""
    k = len(middle) + 1
    units, square = sums[:, :1], np.zeros((len(sums), k, k))
    first, second = np.triu_indices(k)
    square[:, first, second] = square[:, second, first] = sums[:, k:]
    shift = sums[:, 1:k] / units
    values, gradients = observed.adjusted(middle + shift)
    # Σ over rows of (gradient · (sum − mean · units))², where the mean is this deal's own.
    weights = np.column_stack([-(gradients * shift).sum(axis=1), gradients])
    squares = np.einsum("ri,rij,rj->r", weights, square, weights)
    return values, np.maximum(squares, 0.0) * (rows / (rows - 1)) / units[:, 0] ** 2


def _studentised(difference: Array, variance: Array) -> Array:
    """|t|; a deal without a value counts as the most extreme, one without a difference as the least."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(difference == 0, 0.0, np.abs(difference) / np.sqrt(variance))
    return np.where(np.isnan(t), np.inf, t)
