"""Two variants of one metric, resampled: what the bootstrap methods share."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from assay.stats.buckets import Buckets
from assay.stats.cuped import Arms, coefficients, estimate, linearise, residual
from assay.stats.effect import NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.moments import Array
from assay.stats.percentile import Acceleration, Replicates, require_resolution
from assay.stats.points import points
from assay.stats.resample import bucket_moments, resample
from assay.stats.setting import Setting
from assay.stats.weights import Scheme


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Both variants as observed. `tables` hold the estimand's columns and covariates only, the control first.

    CUPED subtracts θ'(z̄ − centre) from a value: `theta` and `centre`, shape (covariates,), are those of the whole data,
    both variants pooled, and stay as they are in every resample: a fixed θ leaves the difference unbiased, and its own
    error, which is multiplied by the small difference of the covariates' means, is of second order.
    """

    estimand: Estimand
    tables: tuple[Buckets, Buckets]
    arms: Arms
    theta: Array
    centre: Array

    def adjusted(self, means: Array) -> tuple[Array, Array]:
        """Values, shape (r,), and gradients, shape (r, k), at `means`, shape (r, k), after CUPED."""
        names = self.tables[0].names
        values, gradients = points(self.estimand, names, means)
        at = [names.index(name) for name in self.estimand.covariates]
        gradients[:, at] -= self.theta
        return values - (means[:, at] - self.centre) @ self.theta, gradients

    @property
    def order(self) -> tuple[int, int]:
        """Places of random streams: they belong to the data, so that swapped variants give the mirrored answer."""
        control, treatment = ((arm.n, *arm.sums.sum(axis=0).tolist()) for arm in self.tables)
        return (0, 1) if control <= treatment else (1, 0)


def observe(estimand: Estimand, control: Buckets, treatment: Buckets) -> Observed:
    """Raises `NoAnswer` without any variation, and where a value or a variance is not a finite number."""
    names = tuple(dict.fromkeys((*estimand.columns, *estimand.covariates)))
    tables = _of(control, names), _of(treatment, names)
    moments = bucket_moments(tables[0]), bucket_moments(tables[1])
    arms = estimate(estimand, *moments)
    variance = arms.control.variance + arms.treatment.variance
    if variance == 0 or not isfinite(variance):
        raise NoAnswer("there is no variation: every unit behaves the same, so no error can be estimated")
    theta = coefficients(estimand.covariates, [linearise(estimand, arm) for arm in moments], moments)
    pooled = moments[0] + moments[1]
    return Observed(estimand, tables, arms, theta, np.array([pooled.mean(name) for name in estimand.covariates]))


def replicate(observed: Observed, setting: Setting, scheme: Scheme) -> Replicates:
    """The metric in `setting.replicates` resamples of each variant, drawn independently of one another."""
    require_resolution(setting)
    values = (
        observed.adjusted(resample(arm, setting.replicates, setting.seed, scheme, place, scheme=scheme))[0]
        for arm, place in zip(observed.tables, observed.order, strict=True)
    )
    return Replicates(*values)


def acceleration(observed: Observed) -> Acceleration:
    """a = Σ l³ / 6 (Σ l²)^1.5 with l the influence of every row on the difference, or on the lift.

    Efron (1987), §7; for two samples Davison and Hinkley (1997), §5.3. A row's influence is that of the infinitesimal
    jackknife: the gradient times its deviation from the mean. For a mean it is the jackknife's, else within O(1 / n).
    """
    control, treatment = (_influence(observed, arm) for arm in observed.tables)
    value = observed.arms.control.value
    ratio = observed.arms.treatment.value / value if value else 0.0
    return Acceleration(_skewness(treatment, -control), _skewness(treatment, -ratio * control))


def _of(arm: Buckets, names: tuple[str, ...]) -> Buckets:
    return Buckets(names, arm.units, np.column_stack([arm.column(name) for name in names]))


def _influence(observed: Observed, arm: Buckets) -> Array:
    means = arm.sums.sum(axis=0) / arm.units.sum()
    point = linearise(observed.estimand, bucket_moments(arm))
    weights = residual(point, observed.estimand.covariates, observed.theta)
    slopes = np.array([weights.get(name, 0.0) for name in arm.names])
    return np.asarray((arm.sums - np.outer(arm.units, means)) @ slopes / arm.n)


def _skewness(*influences: Array) -> float:
    cubes, squares = (sum(float((each**power).sum()) for each in influences) for power in (3, 2))
    return float(cubes / (6 * squares**1.5))
