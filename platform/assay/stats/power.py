"""Planning: sample size, detectable effect, power and duration, each from the others."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

from scipy.special import ndtr, ndtri

from assay.errors import UsageError
from assay.stats.compare import require_share
from assay.stats.cuped import coefficients, linearise, residual
from assay.stats.effect import NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments


@dataclass(frozen=True, slots=True)
class Plan:
    """A consistent plan: with these units a true `effect` is found with probability `power`, at two-sided `alpha`.

    `effect` and `sd` are in the metric's unit; `days` is None without arrivals.
    """

    effect: float
    n_control: int
    n_treatment: int
    power: float
    alpha: float
    sd: float
    days: int | None = None


def plan(
    sd: float,
    *,
    effect: float | None = None,
    n: int | None = None,
    power: float | None = None,
    alpha: float = 0.05,
    ratio: float = 1.0,
    per_day: float | None = None,
) -> Plan:
    """Give two of `effect`, `n` (units in the control) and `power`: the third is computed.

    Normal approximation, both tails: power = Φ(λ − z) + Φ(−λ − z) with λ = effect ÷ (sd √(1/n + 1/(ratio·n)))
    (Chow, Shao and Wang 2008, §3.2). `sd`: per unit, see `unit_sd`. `ratio`: treatment units per control unit.
    `per_day`: arriving units of both arms together. A sample size is rounded up, `power` is then what was asked for.
    Raises `UsageError` E601 if not exactly two are given or one is out of range.

    >>> plan(5.0, effect=0.7, power=0.9).n_control
    1073
    """
    _require(sd, effect, n, power, ratio, per_day)
    _require_power(power, alpha)
    unit = sd * sqrt(1 + 1 / ratio)  # the standard error is this ÷ √n
    if n is None and effect is not None and power is not None:
        n = ceil((noncentrality(power, alpha) * unit / effect) ** 2)
    elif effect is None and n is not None and power is not None:
        effect = noncentrality(power, alpha) * unit / sqrt(n)
    elif power is None and n is not None and effect is not None:
        power = power_at(abs(effect) * sqrt(n) / unit, alpha)
    assert n is not None  # `_require` left no other case
    assert effect is not None
    assert power is not None
    both = n + ceil(n * ratio)
    return Plan(effect, n, both - n, power, alpha, sd, ceil(both / per_day) if per_day else None)


def power_at(noncentrality: float, alpha: float) -> float:
    """Probability that a two-sided z test rejects when the effect is `noncentrality` standard errors."""
    z = -ndtri(alpha / 2)
    return float(ndtr(noncentrality - z) + ndtr(-noncentrality - z))


def noncentrality(power: float, alpha: float) -> float:
    """The effect in standard errors that reaches `power`: the inverse of `power_at`, by bisection to the last bit."""
    low, high = 0.0, float(ndtri(power) - ndtri(alpha / 2)) + 1.0  # one tail alone is enough at the upper end
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if power_at(middle, alpha) < power else (low, middle)
    return high


def unit_sd(metric: Estimand, history: Moments) -> float:
    """Standard deviation per unit of the linearised metric, in the metric's unit, after CUPED if it has covariates.

    For a ratio it is sd(numerator − ratio · denominator) ÷ mean(denominator) (Deng, Knoblich and Lu 2018, §2.2).
    Raises `UsageError` W601 if the history gives no such number.
    """
    try:
        point = linearise(metric, history)
    except NoAnswer as no:
        raise UsageError.of(
            "W601",
            f"The history has no answer: {no}.",
            why="A plan takes the spread between units from past days.",
            fix="Choose a history with data for this metric.",
        ) from no
    slopes = coefficients(metric.covariates, [point], [history])
    return sqrt(history.combination_var(residual(point, metric.covariates, slopes)))


def _require(
    sd: float, effect: float | None, n: int | None, power: float | None, ratio: float, per_day: float | None
) -> None:
    two_given = [effect, n, power].count(None) == 1
    size = None if effect is None else abs(effect)
    if not (two_given and all(value > 0 for value in (sd, ratio, size, n, per_day) if value is not None)):
        raise UsageError.of(
            "E601",
            "A plan needs exactly two of effect, n and power, and positive numbers.",
            why="Each of the three follows from the other two.",
            fix="For a sample size write plan(sd, effect=0.01, power=0.8).",
        )


def _require_power(power: float | None, alpha: float) -> None:
    require_share("alpha", alpha)
    if power is not None and not alpha < power < 1:
        raise UsageError.of(
            "E601",
            f"power is {power}.",
            why=f"Without any effect the test already rejects with probability {alpha}; certainty cannot be bought.",
            fix="Write power=0.8 or power=0.9.",
        )
