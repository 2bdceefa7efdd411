"""An experiment's metrics on days before it: the units from which it is designed, and on which its test is tried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from assay import stats
from assay.catalog.catalog import Catalog
from assay.compiler.units import POOL, Plan, Pool, Reading
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.experiments.analyze import metrics_of
from assay.jobs.experiments.moments import estimand
from assay.jobs.experiments.units import EVERYONE, Units, units
from assay.stats import Buckets, Estimand, Moments, Samples

MOST_SAMPLES = 200_000  # more units than these are read as hash buckets


@dataclass(frozen=True)
class Past:
    """One metric over the exposed units of some days of history, all of them together."""

    units: Units
    reading: Reading

    @property
    def plan(self) -> Plan:
        return self.units.plan

    @property
    def spec(self) -> ExperimentSpec:
        return self.plan.spec

    @cached_property
    def arrivals(self) -> list[int]:
        """New units on each day of the history."""
        by_day = self.units.counts().by_day[POOL]
        return [by_day.get(day, 0) for day in range(self.plan.days)]

    @property
    def expected(self) -> int:
        """Units that will have been exposed at the end, if they go on to arrive as in the history."""
        planned = (self.spec.end - self.spec.start).days
        return round(sum(self.arrivals[:planned]) * max(1.0, planned / len(self.arrivals)))

    @property
    def mde(self) -> float | None:
        """The smallest effect worth finding, which is declared for the first primary metric."""
        return self.spec.design.mde if self.reading.metric.name == self.spec.metrics.primary[0] else None

    @property
    def weights(self) -> dict[str, float]:
        """Variant: its share of the units, 0..1."""
        weights = self.spec.assignment.weights or dict.fromkeys(self.spec.assignment.variants, 1.0)
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}

    @property
    def estimand(self) -> Estimand:
        """With covariates, if the analysis will use them."""
        return estimand(self.reading, self.spec.analysis.cuped is not None and self.reading.has_past)

    @cached_property
    def moments(self) -> Moments:
        return self.units.arm(self.reading, self.units.moments({})[EVERYONE], POOL)

    @cached_property
    def history(self) -> Samples | Buckets:
        """Single units, or hash buckets of them where they are many."""
        if self.moments.n > MOST_SAMPLES:
            return self.units.buckets(self.plan.experiment.name, {})[POOL]
        return self.units.samples(list(self.moments.names), {})[POOL]

    def seed(self, purpose: str) -> int:
        context = self.units.context
        return stats.derive(context.seed, self.plan.experiment.name, self.reading.metric.name, purpose)


@contextmanager
def past(context: Context, name: str, metric: str | None = None) -> Iterator[Past]:
    """The units of `design.history`, or of as many days before the start as the experiment is long.

    They are those that would be assigned. Where the column of the variants was empty, it is everyone.
    `metric` is one of the experiment's, the first primary one when left out. Raises UsageError E201 for unknown names
    and E601 for a metric of another experiment, and WarehouseError E511 when nobody was there.
    """
    experiment = context.catalog.experiment(name)
    chosen = context.catalog.metric(_chosen(context.catalog, experiment, metric))
    for pool in _POOLS:
        plan = Plan(context.catalog, experiment, [chosen], _window(experiment.spec), pool)
        with units(context, plan) as table:
            found = Past(table, plan.readings[0])
            if any(found.arrivals):
                yield found
                return
    raise _nobody(plan)


_POOLS: tuple[Pool, ...] = ("assigned", "everyone")


def _chosen(catalog: Catalog, experiment: Definition[ExperimentSpec], metric: str | None) -> str:
    known = [each.name for each in metrics_of(catalog, experiment.spec)]
    if metric is None or metric in known:
        return metric or known[0]
    catalog.metric(metric)
    raise UsageError.of(
        "E601",
        f"'{metric}' is no metric of '{experiment.name}'.",
        why="An experiment is designed for the metrics that it declares.",
        fix=f"Use one of: {', '.join(known)}.",
        location=experiment.location,
    )


def _window(spec: ExperimentSpec) -> tuple[date, date]:
    return spec.design.history or (spec.start - (spec.end - spec.start), spec.start)


def _nobody(plan: Plan) -> WarehouseError:
    return WarehouseError.of(
        "E511",
        f"Nobody would have been exposed to '{plan.experiment.name}' from {plan.start} to {plan.until}.",
        why="A design takes its numbers from days that are over.",
        fix="Name days with events under 'design.history', or load them.",
        location=plan.experiment.location,
    )
