"""From moments to two estimates with variances: linearisation, and CUPED when there are covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from assay.stats.effect import NoAnswer
from assay.stats.estimand import Estimand, Point
from assay.stats.moments import Array, Moments


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value of one arm, the variance of that value (its squared standard error), and the units behind it."""

    value: float
    variance: float
    n: int


@dataclass(frozen=True, slots=True)
class Arms:
    """Both estimates. `fitted` counts the covariates whose coefficients were estimated."""

    control: Estimate
    treatment: Estimate
    variance_reduction: float | None = None
    fitted: int = 0


def estimate(estimand: Estimand, control: Moments, treatment: Moments) -> Arms:
    """Delta-method estimates of both arms, adjusted with CUPED if the estimand names covariates.

    A smooth function of means behaves like the mean of its linearisation Σ gradient · column (Deng, Knoblich and Lu
    2018, §2). CUPED subtracts θ'(z̄ − z̄ pooled) from it (Deng, Xu, Kohavi and Walker 2013, eq. 4). θ and the centre are
    pooled over the arms: a θ per arm turns noise in the covariates into a difference.
    """
    moments = (control, treatment)
    points = [linearise(estimand, arm) for arm in moments]
    plain = Arms(_estimate(points[0], control), _estimate(points[1], treatment))
    return _adjusted(estimand.covariates, points, moments, plain) if estimand.covariates else plain


def linearise(estimand: Estimand, arm: Moments) -> Point:
    """Value and gradient at the means of an arm; raises `NoAnswer` where they are not finite."""
    point = estimand.at({name: arm.mean(name) for name in estimand.columns})
    if not all(map(isfinite, (point.value, *point.gradient.values()))):
        raise NoAnswer("the metric is not a finite number at these means")
    return point


def coefficients(names: Sequence[str], points: Sequence[Point], arms: Sequence[Moments]) -> Array:
    """θ, shape (covariates,): least squares of the linearised metric on the covariates within arms, arms pooled."""
    if len(names) == 1:
        return _slope(names[0], points, arms)
    squares = np.zeros((len(names), len(names)))
    products = np.zeros(len(names))
    for point, arm in zip(points, arms, strict=True):
        rows = [arm.at(name) for name in names]
        columns = [arm.at(name) for name in point.gradient]
        squares += arm.comoments[rows][:, rows]
        products += arm.comoments[rows][:, columns] @ np.fromiter(point.gradient.values(), np.float64)
    scale = np.sqrt(np.diag(squares))
    scale[scale == 0] = np.inf  # a constant covariate explains nothing
    # On the correlation scale the cut-off means the same for every unit, so that collinear covariates share the weight.
    slopes, *_ = np.linalg.lstsq(squares / np.outer(scale, scale), products / scale, rcond=1e-10)
    return np.asarray(slopes / scale, dtype=np.float64)


def _slope(name: str, points: Sequence[Point], arms: Sequence[Moments]) -> Array:
    """The only covariate's, in plain floats: numpy's overhead would be most of the time."""
    square = product = 0.0
    for point, arm in zip(points, arms, strict=True):
        row = arm.at(name)
        square += arm.comoments.item(row, row)
        product += sum(slope * arm.comoments.item(row, arm.at(column)) for column, slope in point.gradient.items())
    return np.array([product / square if square else 0.0])


def residual(point: Point, names: Sequence[str], theta: Array) -> dict[str, float]:
    """The weights of linearised metric − θ' covariates, column → weight."""
    weights = dict(point.gradient)
    for name, slope in zip(names, theta.tolist(), strict=True):
        weights[name] = weights.get(name, 0.0) - slope
    return weights


def _estimate(point: Point, arm: Moments) -> Estimate:
    return Estimate(point.value, arm.combination_var(point.gradient) / arm.n, arm.n)


def _adjusted(names: tuple[str, ...], points: Sequence[Point], moments: tuple[Moments, Moments], plain: Arms) -> Arms:
    theta = coefficients(names, points, moments)
    centre = {name: sum(arm.sum(name) for arm in moments) / sum(arm.n for arm in moments) for name in names}
    control, treatment = (
        _estimate(_shifted(point, arm, theta, centre), arm) for point, arm in zip(points, moments, strict=True)
    )
    before = plain.control.variance + plain.treatment.variance
    kept = (control.variance + treatment.variance) / before if before else 1.0
    return Arms(control, treatment, max(0.0, 1 - kept), int(np.count_nonzero(theta)))


def _shifted(point: Point, arm: Moments, theta: Array, centre: Mapping[str, float]) -> Point:
    shift = sum(
        slope * (arm.mean(name) - middle) for slope, (name, middle) in zip(theta.tolist(), centre.items(), strict=True)
    )
    return Point(point.value - shift, residual(point, tuple(centre), theta))
