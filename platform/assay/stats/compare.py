"""The one entry for comparing a variant with the control on a metric."""

from __future__ import annotations

from assay.errors import UsageError
from assay.stats.cuped import require_data
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.registry import Method, choose
from assay.stats.samples import Samples

Arm = Moments | Samples


def compare(
    metric: Estimand,
    control: Arm,
    treatment: Arm,
    alpha: float = 0.05,
    covariates: bool = True,
    test: str = "welch",
) -> Effect:
    """Treatment against control on one metric, with a (1 − alpha) interval.

    `test` is a registered method; where it does not read the metric's kind, its stand-in does (a ratio under `welch` is
    read by `delta`), and `Effect.method` says which one ran. `covariates=False` leaves CUPED out.
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
    chosen = choose(test, metric.kind)
    wanted = metric if covariates else metric.without_covariates()
    moments = _moments(control), _moments(treatment)
    try:
        require_data(wanted, *moments)
        return _run(chosen, wanted, (control, treatment), moments, alpha)
    except NoAnswer as no:
        sizes = {"n_control": moments[0].n, "n_treatment": moments[1].n}
        return Effect(chosen.name, metric.kind, **sizes, reason=str(no), alpha=alpha)


def require_share(name: str, value: float) -> None:
    """`UsageError` E601 unless 0 < value < 1."""
    if not 0 < value < 1:
        raise UsageError.of(
            "E601",
            f"{name} is {value}.",
            why=f"{name} is a probability strictly between 0 and 1.",
            fix=f"Write {name}=0.05 for five per cent.",
        )


def _run(
    chosen: Method, wanted: Estimand, arms: tuple[Arm, Arm], moments: tuple[Moments, Moments], alpha: float
) -> Effect:
    if chosen.needs == "moments":
        return chosen.run(wanted, *moments, alpha)
    if all(isinstance(arm, Samples) for arm in arms):
        return chosen.run(wanted, *arms, alpha)
    raise UsageError.of(
        "E601",
        f"The method '{chosen.name}' needs samples and was given moments.",
        why="It orders or resamples the values of single units, which sums no longer show.",
        fix="Give `Samples`, or choose a method that works from moments, such as welch.",
    )


def _moments(arm: Arm) -> Moments:
    return arm.moments() if isinstance(arm, Samples) else arm
