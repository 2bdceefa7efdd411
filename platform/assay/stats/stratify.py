"""Post-stratification: both variants are weighted to the same mix of strata, which removes variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from assay.stats.compare import require_share
from assay.stats.cuped import Arms, Estimate, coefficients, estimate, linearise, residual
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand, Point
from assay.stats.moments import Moments
from assay.stats.setting import Relative, Setting
from assay.stats.welch_t import wald

Stratum = tuple[Moments, Moments]  # control, treatment
NAME = "post_stratified"


def poststratify(
    metric: Estimand,
    strata: Sequence[Stratum],
    alpha: float = 0.05,
    covariates: bool = True,
    *,
    relative: Relative = "delta",
) -> Effect:
    """Treatment against control with every stratum weighted by its share of all units, both variants together.

    `strata`: one (control, treatment) pair of moments per value of a dimension that was fixed before the exposure.
    Means by stratum are weighted and put into the metric, with variance Σ w² s² ÷ n of its linearisation (Miratrix,
    Sekhon and Yu 2013, eq. 6 and 13; the delta method for ratios), and Satterthwaite's degrees of freedom. Covariates
    (CUPED) have one θ within strata and arms. `variance_reduction` is against no strata and no covariates.
    Strata with fewer than 2 units in an arm are merged into one, with a warning: nobody is left out.
    Degenerate data gives an `Effect` with a `reason`. Raises `UsageError`: E204 unknown column, E601 alpha.

    >>> from assay.stats import MetricColumns
    >>> new = Moments.of(["x"], [[1.0], [2.0]]), Moments.of(["x"], [[2.0], [3.0]])
    >>> old = Moments.of(["x"], [[11.0], [12.0]]), Moments.of(["x"], [[12.0], [13.0], [12.5]])
    >>> effect = poststratify(MetricColumns("x"), [new, old])
    >>> round(effect.difference, 3), effect.variance_reduction > 0.9
    (1.0, True)
    """
    require_share("alpha", alpha)
    wanted, setting = metric if covariates else metric.without_covariates(), Setting(alpha, relative=relative)
    totals = [sum(pair[arm].n for pair in strata) for arm in (0, 1)]
    try:
        return _poststratified(wanted, strata, setting)
    except NoAnswer as no:
        return Effect(NAME, metric.kind, n_control=totals[0], n_treatment=totals[1], reason=str(no), alpha=alpha)


@dataclass(frozen=True, slots=True)
class _Arm:
    """One variant: its moments by stratum, and the weights of the strata, which sum to 1."""

    cells: tuple[Moments, ...]
    weights: tuple[float, ...]

    @property
    def n(self) -> int:
        return sum(cell.n for cell in self.cells)

    def mean(self, name: str) -> float:
        return sum(weight * cell.mean(name) for weight, cell in zip(self.weights, self.cells, strict=True))

    def point(self, metric: Estimand) -> Point:
        """The metric at the weighted means, as if they were those of one unit."""
        return linearise(metric, Moments.of(metric.columns, [[self.mean(name) for name in metric.columns]]))

    def variances(self, gradient: Mapping[str, float]) -> list[float]:
        """Of what each stratum contributes to the value."""
        cells = zip(self.weights, self.cells, strict=True)
        return [weight * weight * cell.combination_var(gradient) / cell.n for weight, cell in cells]


def _poststratified(metric: Estimand, strata: Sequence[Stratum], setting: Setting) -> Effect:
    merged = _without_thin(strata)
    _require_finite(metric, merged)
    arms = _arms(merged)
    cells = [cell for arm in arms for cell in arm.cells]
    points, fitted = _adjusted(metric, arms)
    variances = [arm.variances(point.gradient) for arm, point in zip(arms, points, strict=True)]
    spare = _spare(sum(cell.n - 1 for cell in cells), fitted)
    control, treatment = (
        Estimate(point.value, sum(parts) / spare, arm.n)
        for point, parts, arm in zip(points, variances, arms, strict=True)
    )
    df = spare * _satterthwaite([*variances[0], *variances[1]], cells)
    reduction = _reduction(metric, strata, control.variance + treatment.variance)
    effect = wald(NAME, metric.kind, Arms(control, treatment, reduction, fitted), df, setting)
    return replace(effect, warnings=_merging(strata) + effect.warnings)


def _arms(strata: Sequence[Stratum]) -> tuple[_Arm, _Arm]:
    sizes = [control.n + treatment.n for control, treatment in strata]
    weights = tuple(size / sum(sizes) for size in sizes)
    control, treatment = (_Arm(tuple(pair[arm] for pair in strata), weights) for arm in (0, 1))
    return control, treatment


def _adjusted(metric: Estimand, arms: tuple[_Arm, _Arm]) -> tuple[list[Point], int]:
    """Both points, less θ'(z̄ − z̄ pooled) if there are covariates, and how many θ are not zero."""
    points, names = [arm.point(metric) for arm in arms], metric.covariates
    if not names:
        return points, 0
    cells = [(point, cell) for point, arm in zip(points, arms, strict=True) for cell in arm.cells]
    theta = coefficients(names, [point for point, _ in cells], [cell for _, cell in cells])
    everyone = reduce(add, (cell for _, cell in cells))
    shifts = [
        sum(slope * (arm.mean(name) - everyone.mean(name)) for name, slope in zip(names, theta.tolist(), strict=True))
        for arm in arms
    ]
    adjusted = [
        Point(point.value - shift, residual(point, names, theta)) for point, shift in zip(points, shifts, strict=True)
    ]
    return adjusted, sum(slope != 0 for slope in theta.tolist())


def _spare(residual_df: int, fitted: int) -> float:
    if residual_df <= fitted:
        raise NoAnswer("there are fewer units than strata and covariates")
    return (residual_df - fitted) / residual_df


def _satterthwaite(variances: Sequence[float], cells: Sequence[Moments]) -> float:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    total = sum(variances) or 1.0
    shares = sum((part / total) ** 2 / (cell.n - 1) for part, cell in zip(variances, cells, strict=True))
    return 1 / shares if shares else 1.0


def _reduction(metric: Estimand, strata: Sequence[Stratum], variance: float) -> float:
    """The share of the variance that strata and covariates removed."""
    totals = [reduce(add, (pair[arm] for pair in strata)) for arm in (0, 1)]
    plain = estimate(metric.without_covariates(), *totals)
    before = plain.control.variance + plain.treatment.variance
    return max(0.0, 1 - variance / before) if before else 0.0


def _thin(stratum: Stratum) -> bool:
    """A variance needs two units."""
    return min(arm.n for arm in stratum) < 2


def _without_thin(strata: Sequence[Stratum]) -> list[Stratum]:
    """Thin strata as one; if that is still thin, the smallest of the others joins it."""
    full = sorted((pair for pair in strata if not _thin(pair)), key=lambda pair: pair[0].n + pair[1].n, reverse=True)
    thin = [pair for pair in strata if _thin(pair) and any(arm.n for arm in pair)]
    while thin:
        merged = reduce(add, (pair[0] for pair in thin)), reduce(add, (pair[1] for pair in thin))
        if not _thin(merged):
            return [*full, merged]
        if not full:
            break
        thin = [merged, full.pop()]
    if not full:
        raise NoAnswer("there are fewer than 2 units in a variant, in all strata together")
    return full


def _merging(strata: Sequence[Stratum]) -> tuple[str, ...]:
    count = sum(_thin(pair) and any(arm.n for arm in pair) for pair in strata)
    return (f"{count} strata with fewer than 2 units in a variant are merged with others",) if count else ()


def _require_finite(metric: Estimand, strata: Sequence[Stratum]) -> None:
    for name in (*metric.columns, *metric.covariates):
        if not all(arm.finite(name) for pair in strata for arm in pair):
            raise NoAnswer(f"the column '{name}' holds missing, infinite or too large values")
