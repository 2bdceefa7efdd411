"""Two independent estimates to an effect: Welch's t, its interval, and the relative change."""

from __future__ import annotations

from math import isfinite, sqrt

from scipy.special import stdtr, stdtrit

from assay.stats.cuped import Arms, Estimate
from assay.stats.effect import Effect, NoAnswer
from assay.stats.setting import Setting


def welch_t(method: str, estimand: str, arms: Arms, setting: Setting) -> Effect:
    """The effect of treatment − control by Welch's t (Welch 1947), two-sided.

    Raises `NoAnswer` without any variation, and with too few units for the covariates.
    """
    control, treatment, alpha = arms.control, arms.treatment, setting.alpha
    spare = _spare(arms)
    variance = (control.variance + treatment.variance) / spare
    if variance == 0:
        raise NoAnswer("there is no variation: every unit behaves the same, so no error can be estimated")
    if not isfinite(variance):
        raise NoAnswer("the values are too large to compute a variance")
    se, df = sqrt(variance), satterthwaite(control, treatment) * spare
    difference = treatment.value - control.value
    reach = quantile(df, alpha) * se
    relative = _relative(arms, difference, quantile(df, alpha) / sqrt(spare))
    return Effect(
        method,
        estimand,
        control.value,
        treatment.value,
        difference,
        difference - reach,
        difference + reach,
        *relative,
        pvalue(difference / se, df),
        se,
        df,
        control.n,
        treatment.n,
        arms.variance_reduction,
        alpha=alpha,
    )


def satterthwaite(control: Estimate, treatment: Estimate) -> float:
    """Degrees of freedom of the summed variances (Satterthwaite 1946; Welch 1947)."""
    share = control.variance / (control.variance + treatment.variance or 1)
    return 1 / (share**2 / (control.n - 1) + (1 - share) ** 2 / (treatment.n - 1))


def pvalue(t: float, df: float) -> float:
    """Two-sided p of Student's t from the lower tail, which keeps full relative precision at any t."""
    return min(1.0, 2 * float(stdtr(df, -abs(t))))


def quantile(df: float, alpha: float) -> float:
    """The t above which a two-sided test at `alpha` rejects."""
    return -float(stdtrit(df, alpha / 2))


def _spare(arms: Arms) -> float:
    """The share of the residual degrees of freedom left by the fitted covariates, as in a linear regression."""
    residual = arms.control.n + arms.treatment.n - 2
    if residual <= arms.fitted:
        raise NoAnswer("there are fewer units than covariates")
    return (residual - arms.fitted) / residual


def _relative(arms: Arms, difference: float, reach: float) -> tuple[float | None, float | None, float | None]:
    """Relative change and its interval by the delta method (Deng, Knoblich and Lu 2018, §2.1).

    Divided by the control's size |c|, so that it keeps the sign of the difference for a negative metric too.
    """
    base = abs(arms.control.value)
    if base == 0:
        return None, None, None
    ratio = arms.treatment.value / base
    error = reach * sqrt(arms.treatment.variance + ratio**2 * arms.control.variance) / base
    return difference / base, difference / base - error, difference / base + error
