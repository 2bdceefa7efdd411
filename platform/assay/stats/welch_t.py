"""Two independent estimates to an effect: Welch's and Student's t, the normal law, and the relative change."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, sqrt

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from assay.stats.cuped import Arms, Estimate
from assay.stats.effect import Effect, NoAnswer
from assay.stats.lift import lift
from assay.stats.setting import Setting


def welch_t(method: str, estimand: str, arms: Arms, setting: Setting) -> Effect:
    """The effect of treatment − control by Welch's t (Welch 1947), two-sided.

    Raises `NoAnswer` without any variation, and with too few units for the covariates.
    """
    paid = charged(arms)
    df = satterthwaite(arms.control, arms.treatment) * _spare(arms)
    return wald(method, estimand, paid, df, setting)


def student_t(method: str, estimand: str, arms: Arms, setting: Setting) -> Effect:
    """The effect by Student's t (Student 1908): one variance for both arms, n₁ + n₂ − 2 degrees of freedom.

    Raises `NoAnswer` like `welch_t`.
    """
    paid, residual = charged(arms), _residual(arms)
    each = [(arm.n - 1) * (arm.variance * arm.n) for arm in (paid.control, paid.treatment)]
    variance = sum(each) / residual
    alike = replace(
        paid,
        control=replace(paid.control, variance=variance / paid.control.n),
        treatment=replace(paid.treatment, variance=variance / paid.treatment.n),
    )
    return wald(method, estimand, alike, float(residual - arms.fitted), setting)


def wald(method: str, estimand: str, arms: Arms, df: float | None, setting: Setting) -> Effect:
    """Difference ± quantile · standard error, by Student's t or, without `df`, by the normal law.

    Raises `NoAnswer` without any variation.
    """
    control, treatment, alpha = arms.control, arms.treatment, setting.alpha
    variance = control.variance + treatment.variance
    if variance == 0:
        raise NoAnswer("there is no variation: every unit behaves the same, so no error can be estimated")
    if not isfinite(variance):
        raise NoAnswer("the values are too large to compute a variance")
    se, reach = sqrt(variance), quantile(df, alpha)
    difference = treatment.value - control.value
    relative = lift(control, treatment, reach, setting.relative)
    return Effect(
        method,
        estimand,
        control.value,
        treatment.value,
        difference,
        difference - reach * se,
        difference + reach * se,
        relative.value,
        relative.low,
        relative.high,
        pvalue(difference / se, df),
        se,
        df,
        control.n,
        treatment.n,
        arms.variance_reduction,
        alpha=alpha,
        interval="normal" if df is None else "t",
        warnings=relative.warnings,
    )


def charged(arms: Arms) -> Arms:
    """The same arms, whose variances pay for the fitted covariates as in a linear regression."""
    spare = _spare(arms)
    control, treatment = (Estimate(arm.value, arm.variance / spare, arm.n) for arm in (arms.control, arms.treatment))
    return Arms(control, treatment, arms.variance_reduction, arms.fitted)


def satterthwaite(control: Estimate, treatment: Estimate) -> float:
    """Degrees of freedom of the summed variances (Satterthwaite 1946; Welch 1947)."""
    share = control.variance / (control.variance + treatment.variance or 1)
    return 1 / (share**2 / (control.n - 1) + (1 - share) ** 2 / (treatment.n - 1))


def pvalue(t: float, df: float | None) -> float:
    """Two-sided p from the lower tail, which keeps full relative precision at any t; the normal law without `df`."""
    return min(1.0, 2 * float(ndtr(-abs(t)) if df is None else stdtr(df, -abs(t))))


def quantile(df: float | None, alpha: float) -> float:
    """The t (without `df`, the z) above which a two-sided test at `alpha` rejects."""
    return -float(ndtri(alpha / 2) if df is None else stdtrit(df, alpha / 2))


def _residual(arms: Arms) -> int:
    return arms.control.n + arms.treatment.n - 2


def _spare(arms: Arms) -> float:
    """The share of the residual degrees of freedom left by the fitted covariates."""
    residual = _residual(arms)
    if residual <= arms.fitted:
        raise NoAnswer("there are fewer units than covariates")
    return (residual - arms.fitted) / residual
