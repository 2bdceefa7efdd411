"""`experiment design`: how many units and days, from the metric's own history; or what can be found in given days."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from assay import stats
from assay.errors import UsageError
from assay.jobs.context import Context
from assay.jobs.experiments.past import Past, past
from assay.stats import Design


@dataclass(frozen=True, slots=True)
class Designed:
    """The design of one metric, from the history of `start` to before `end`."""

    experiment: str
    metric: str
    start: str
    end: str
    found: Design

    def as_dict(self) -> dict[str, Any]:
        """The contract of `experiment design`."""
        named = {"experiment": self.experiment, "metric": self.metric}
        return named | {"history": {"from": self.start, "to": self.end}} | asdict(self.found)


def design(
    context: Context, name: str, metric: str | None = None, mde: float | None = None, days: int | None = None
) -> Designed:
    """Size an experiment: for an effect (`mde`, else the declared one), or for what its days can find.

    With `days`, and where no effect is declared, the answer is the effect that so many days find: those of the
    experiment, when left out. Raises as `past`; UsageError E601 when both are given, W601 when the history has no
    spread.
    """
    if mde is not None and days is not None:
        raise UsageError.of(
            "E601",
            "Both an effect and a number of days are given.",
            why="Each of the two follows from the other.",
            fix="Leave one of --mde and --days out.",
        )
    with past(context, name, metric) as found:
        return _designed(found, mde or (None if days else found.mde), days)


def _designed(found: Past, mde: float | None, days: int | None) -> Designed:
    wanted = mde or _findable(found, days or (found.spec.end - found.spec.start).days)
    own = stats.design(
        found.estimand,
        found.moments,
        mde=wanted,
        arrivals=found.arrivals,
        alpha=found.spec.design.alpha,
        power=found.spec.design.power,
        weights=found.weights,
    )
    window = str(found.plan.start), str(found.plan.until)
    return Designed(found.plan.experiment.name, found.reading.metric.name, *window, own)


def _findable(found: Past, days: int) -> float:
    """The effect that so many days find with the declared power."""
    sd, planned = stats.unit_sd(found.estimand, found.moments), found.spec.design
    (point,) = stats.curve(
        sd, arrivals=found.arrivals, days=[days], alpha=planned.alpha, power=planned.power, weights=found.weights
    )
    return point.mde
