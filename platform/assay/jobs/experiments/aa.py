"""`experiment aa`: is the test honest on this metric? Thousands of experiments without a treatment, on history."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from assay import stats
from assay.jobs.context import Context
from assay.jobs.experiments.past import Past, past
from assay.stats import AA
from assay.stats.batch import STATISTICS


@dataclass(frozen=True, slots=True)
class Replayed:
    """A metric's replays on the units of `start` to before `end`."""

    experiment: str
    metric: str
    start: str
    end: str
    units: int
    found: AA

    def as_dict(self) -> dict[str, Any]:
        """The contract of `experiment aa`, but for the seconds, which the command measures."""
        found = self.found
        return {
            "experiment": self.experiment,
            "metric": self.metric,
            "history": {"from": self.start, "to": self.end},
            "units": self.units,
            "replays": found.replays,
            "levels": [asdict(level) for level in found.levels],
            "ks_pvalue": found.ks_pvalue,
            "verdict": found.verdict,
            "causes": list(found.causes),
            "test": found.test,
            "seed": found.seed,
        }


def aa(context: Context, name: str, metric: str | None = None, replays: int = 10_000) -> Replayed:
    """Replay a metric's A/A test. Raises as `past`, and UsageError W601 or E302 where there is nothing to replay."""
    with past(context, name, metric) as found:
        plan = found.plan
        window, units = (str(plan.start), str(plan.until)), sum(found.arrivals)
        return Replayed(name, found.reading.metric.name, *window, units, _replayed(found, replays))


def _replayed(found: Past, replays: int) -> AA:
    control, *treatments = found.weights.values()
    split = [control, treatments[0]]  # one treatment against the control, as the analysis will compare them
    named = stats.choose(found.spec.analysis.test, found.estimand.kind).name
    test = named if named in STATISTICS else "welch"  # what resamples or ranks is too slow to replay
    return stats.aa(found.estimand, found.history, replays=replays, split=split, test=test, seed=found.seed("aa"))
