"""Planning: sample size, detectable effect, power and duration, each from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from scipy.special import ndtr, ndtri

from assay.errors import AssayError, UsageError
from assay.stats.arrivals import Arrivals
from assay.stats.compare import require_share
from assay.stats.cuped import coefficients, linearise, residual
from assay.stats.effect import NoAnswer
from assay.stats.estimand import Estimand, Point
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
        n = _up((noncentrality(power, alpha) * unit / effect) ** 2)
    elif effect is None and n is not None and power is not None:
        effect = noncentrality(power, alpha) * unit / sqrt(n)
    elif power is None and n is not None and effect is not None:
        power = power_at(abs(effect) * sqrt(n) / unit, alpha)
    assert n is not None  # `_require` left no other case
    assert effect is not None
    assert power is not None
    both = n + ceil(n * ratio)
    return Plan(effect, n, both - n, power, alpha, sd, ceil(both / per_day) if per_day else None)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One row of a design curve: with these units every variant's true `mde` is found with the power asked for.

    `mde` is in the metric's unit, `relative` as a share of its value (None for zero). `n`: units of every variant,
    `n_per_variant` those of the smallest. `days` is None if that many units never come; `extrapolated` says that it
    goes beyond the measured arrivals.
    """

    mde: float
    relative: float | None
    n_per_variant: int
    n: dict[str, int]
    days: int | None
    extrapolated: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """The metric on history: `sd` per unit (see `unit_sd`), `n_per_day` new units of all variants on average."""

    mean: float
    sd: float
    n_per_day: float


@dataclass(frozen=True, slots=True)
class Design:
    """The answer for one `mde`, and the curve around it."""

    mde: float
    relative: float | None
    alpha: float
    power: float
    baseline: Baseline
    n_per_variant: int
    n: dict[str, int]
    days: int | None
    extrapolated: bool
    curve: tuple[CurvePoint, ...]


_TWO: Mapping[str, float] = {"control": 1.0, "treatment": 1.0}
_GRID = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)  # multiples of the asked effect that a design shows around it


def design(
    metric: Estimand,
    history: Moments,
    *,
    mde: float,
    arrivals: float | Sequence[float],
    alpha: float = 0.05,
    power: float = 0.8,
    weights: Mapping[str, float] = _TWO,
    relative: bool = False,
) -> Design:
    """Units and days for an effect of `mde`, in the metric's unit or as a share of its value if `relative`.

    `history`: moments per unit of a window as long as the test is meant to be; the other arguments as in `curve`.
    Raises `UsageError`: E601 arguments out of range, W601 if the history gives no answer.

    >>> from assay.stats import MetricColumns
    >>> history = Moments.of(["minutes"], [[40.0], [45.0], [55.0], [60.0]])
    >>> found = design(MetricColumns("minutes"), history, mde=1.0, arrivals=200)
    >>> found.n_per_variant, found.days
    (1309, 14)
    """
    baseline = Baseline(_mean(metric, history), unit_sd(metric, history), Arrivals.of(arrivals).per_day)
    size = abs(mde * baseline.mean if relative else mde)
    effects = [size * times for times in _GRID]
    points = curve(baseline.sd, arrivals=arrivals, effects=effects, alpha=alpha, power=power, weights=weights,
                   baseline=baseline.mean)  # fmt: skip
    asked = points[_GRID.index(1.0)]
    return Design(
        asked.mde,
        asked.relative,
        alpha,
        power,
        baseline,
        asked.n_per_variant,
        asked.n,
        asked.days,
        asked.extrapolated,
        points,
    )


def curve(
    sd: float,
    *,
    arrivals: float | Sequence[float],
    effects: Sequence[float] | None = None,
    days: Sequence[int] | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    weights: Mapping[str, float] = _TWO,
    baseline: float | None = None,
    relative: bool = False,
) -> tuple[CurvePoint, ...]:
    """Give `effects` to learn units and days, or `days` to learn units and effects: one function read both ways.

    `sd`: per unit, see `unit_sd`. `arrivals`: new units of all variants together, a number per day or the measured
    number of each day (see `Arrivals` for what lies beyond them). `weights`: variant → share, the control first; the
    smallest treatment decides, because it is compared with the control alone. `effects` are in the metric's unit, or
    shares of `baseline` if `relative`.
    Raises `UsageError` E601 if not exactly one of `effects` and `days` is given, or something is out of range.

    >>> [(point.n_per_variant, point.days) for point in curve(5.0, effects=[0.7, 0.35], power=0.9, arrivals=500)]
    [(1073, 5), (4289, 18)]
    >>> [round(point.mde, 3) for point in curve(5.0, days=[5, 18], power=0.9, arrivals=500)]
    [0.648, 0.342]
    """
    coming = Arrivals.of(arrivals)
    _require_curve(effects, days, weights, baseline, relative)
    control, *treatments = weights.values()
    whole, ratio = sum(weights.values()), min(treatments) / control
    if effects is not None:
        sizes = [effect * abs(baseline or 0.0) if relative else effect for effect in effects]
        plans = [plan(sd, effect=abs(size), power=power, alpha=alpha, ratio=ratio) for size in sizes]
    else:
        counts = [int(coming.units(each) * control / whole) for each in days or ()]
        plans = [plan(sd, n=n, power=power, alpha=alpha, ratio=ratio) for n in counts]
    found = [coming.days(each.n_control * whole / control) for each in plans] if days is None else days
    return tuple(_point(each, last, weights, coming, baseline) for each, last in zip(plans, found, strict=True))


def _point(
    found: Plan, days: int | None, weights: Mapping[str, float], coming: Arrivals, baseline: float | None
) -> CurvePoint:
    control = next(iter(weights.values()))
    units = {name: _up(found.n_control * weight / control) for name, weight in weights.items()}
    relative = found.effect / abs(baseline) if baseline else None
    return CurvePoint(found.effect, relative, min(units.values()), units, days, coming.extrapolated(days))


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
    point = _linear(metric, history)
    slopes = coefficients(metric.covariates, [point], [history])
    return sqrt(history.combination_var(residual(point, metric.covariates, slopes)))


def _mean(metric: Estimand, history: Moments) -> float:
    return _linear(metric, history).value


def _linear(metric: Estimand, history: Moments) -> Point:
    try:
        return linearise(metric, history)
    except NoAnswer as no:
        raise UsageError.of(
            "W601",
            f"The history has no answer: {no}.",
            why="A plan takes the spread between units from past days.",
            fix="Choose a history with data for this metric.",
        ) from no


def _up(units: float) -> int:
    """Rounded up, but not by a rounding error of the formula."""
    return max(1, ceil(units * (1 - 1e-12)))


def _require_curve(
    effects: Sequence[float] | None,
    days: Sequence[int] | None,
    weights: Mapping[str, float],
    baseline: float | None,
    relative: bool,
) -> None:
    if (effects is None) == (days is None):
        raise _refuse("A curve needs either effects or days.", "Write curve(sd, effects=[0.01, 0.02], arrivals=1000).")
    if days is not None and not all(day >= 1 for day in days):
        raise _refuse("A test lasts at least one day.", "Write days=[7, 14].")
    if len(weights) < 2 or not all(0 < weight < float("inf") for weight in weights.values()):
        raise _refuse("A test has two variants or more, each with a positive weight.",
                      'Write weights={"control": 1, "treatment": 1}.')  # fmt: skip
    if relative and not baseline:
        raise _refuse("A relative effect needs a baseline other than zero.", "Give baseline=…, or absolute effects.")


def _refuse(message: str, fix: str) -> AssayError:
    return UsageError.of("E601", message, why="Units, days and effects follow from each other.", fix=fix)


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
