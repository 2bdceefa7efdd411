"""The one entry for comparing a variant with the control on a metric."""

from __future__ import annotations

from assay.errors import UsageError
from assay.stats.buckets import Buckets
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.registry import Method, Needs, choose
from assay.stats.samples import Samples
from assay.stats.setting import Relative, Setting

Arm = Moments | Samples | Buckets


def compare(
    metric: Estimand,
    control: Arm,
    treatment: Arm,
    alpha: float = 0.05,
    covariates: bool = True,
    test: str = "welch",
    *,
    seed: int = 0,
    replicates: int = 10_000,
    relative: Relative = "delta",
) -> Effect:
    """Treatment against control on one metric, with a (1 − alpha) interval.

    `test` is a registered method; where it does not read the metric's kind, its stand-in does (a ratio under `welch` is
    read by `delta`), and `Effect.method` says which one ran. `covariates=False` leaves CUPED out. `seed` and
    `replicates` matter to tests that resample; `relative` is how the relative lift gets its interval.
    Degenerate data gives an `Effect` with a `reason`. Raises `UsageError`: E201 unknown test, E204 unknown column,
    E302 the test cannot read this metric, E601 the arguments do not fit together.

    >>> from assay.stats import MetricColumns
    >>> before = Moments.of(["likes", "views"], [[1, 10], [2, 12], [4, 20], [1, 8]])
    >>> after = Moments.of(["likes", "views"], [[3, 10], [4, 13], [6, 21], [2, 7]])
    >>> effect = compare(MetricColumns("likes", "views"), before, after)
    >>> effect.method, round(effect.difference, 4)
    ('delta', 0.1341)
    """
    require_share("alpha", alpha)
    chosen, setting = choose(test, metric.kind), Setting(alpha, seed, replicates, relative)
    wanted = metric if covariates else metric.without_covariates()
    arms = _as_needed(chosen, control), _as_needed(chosen, treatment)
    try:
        _require_data(wanted, *arms)
        return chosen.run(wanted, *arms, setting)
    except NoAnswer as no:
        return Effect(chosen.name, metric.kind, n_control=arms[0].n, n_treatment=arms[1].n, reason=str(no), alpha=alpha)


def require_share(name: str, value: float) -> None:
    """`UsageError` E601 unless 0 < value < 1."""
    if not 0 < value < 1:
        raise UsageError.of(
            "E601",
            f"{name} is {value}.",
            why=f"{name} is a probability strictly between 0 and 1.",
            fix=f"Write {name}=0.05 for five per cent.",
        )


def _as_needed(chosen: Method, arm: Arm) -> Arm:
    """The arm as the method wants it: samples can become anything, and a method of samples takes nothing else."""
    if isinstance(arm, _ARMS[chosen.needs]):
        return arm
    if isinstance(arm, Samples):
        return arm.moments() if chosen.needs == "moments" else Buckets.single(arm)
    raise UsageError.of(
        "E601",
        f"The method '{chosen.name}' needs {chosen.needs} and was given {type(arm).__name__.lower()}.",
        why="It orders or resamples the values of units, which sums no longer show."
        if chosen.needs != "moments"
        else "It reads second moments of single units, which sums over buckets no longer show.",
        fix="Give `Samples`, which every method accepts, or choose a method that works from what you have.",
    )


_ARMS: dict[Needs, type[Arm]] = {"moments": Moments, "samples": Samples, "buckets": Buckets}


def _require_data(metric: Estimand, control: Arm, treatment: Arm) -> None:
    """Raises `NoAnswer` if an arm is too small or holds NaN or infinite values in a column that is used."""
    for label, arm in (("control", control), ("treatment", treatment)):
        if arm.n < 2:
            raise NoAnswer(f"the {label} has {arm.n} units, at least 2 are needed")
        for name in (*metric.columns, *metric.covariates):
            if not arm.finite(name):
                raise NoAnswer(f"the column '{name}' holds missing, infinite or too large values in the {label}")
