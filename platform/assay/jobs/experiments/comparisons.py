"""From moments to results: every metric × variant × cell, corrected for how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from assay import stats
from assay.catalog.series import Total
from assay.compiler.units import Plan, Reading
from assay.config.experiment import ExperimentSpec
from assay.jobs.experiments.moments import estimand
from assay.jobs.experiments.units import EVERYONE, Cell, Row, Units
from assay.stats import Arm, Buckets, Effect, Estimand, Moments

Role = Literal["primary", "secondary", "guardrail"]
Rows = Mapping[Cell, Mapping[str, Row]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric in its role, read in one treatment against the control."""

    reading: Reading
    role: Role
    variant: str
    margin: float | None = None


@dataclass(frozen=True)
class Data:
    """What every comparison needs: the units, their moments by cell, the thresholds of winsorizing, and a seed."""

    units: Units
    rows: Rows
    caps: Mapping[str, float]
    seed: int

    @property
    def plan(self) -> Plan:
        return self.units.plan

    @property
    def spec(self) -> ExperimentSpec:
        return self.plan.spec

    @property
    def control(self) -> str:
        return next(iter(self.spec.assignment.variants))

    @property
    def treatments(self) -> list[str]:
        return list(self.spec.assignment.variants)[1:]

    @property
    def comparisons(self) -> list[Comparison]:
        """Primary metrics first, then secondary ones and guardrails; each against every treatment."""
        readings = {reading.metric.name: reading for reading in self.plan.readings}
        return [
            Comparison(readings[name], role, variant, margin)
            for name, role, margin in roles(self.spec)
            for variant in self.treatments
        ]

    def of_primary(self) -> list[Reading]:
        named = self.spec.metrics.primary
        return [reading for reading in self.plan.readings if reading.metric.name in named]

    def effect(self, reading: Reading, variant: str, cell: Cell = EVERYONE, alpha: float | None = None) -> Effect:
        """Treatment against control in one cell with the declared test, and with CUPED if it was asked for.

        In slices, a test that needs more than moments gives way to Welch's; so does any test to post-stratification.
        """
        test, covariates = self.spec.analysis.test, self.spec.analysis.cuped is not None and reading.has_past
        metric = estimand(reading, covariates)
        if cell == EVERYONE and stats.choose(test, metric.kind).needs != "moments":
            return self.by(test, reading, variant, alpha)
        if cell == EVERYONE and self.spec.analysis.stratify:
            return self._stratified(metric, reading, variant, alpha)
        return self.compared(metric, reading, variant, self.rows.get(cell, {}), alpha)

    def _stratified(self, metric: Estimand, reading: Reading, variant: str, alpha: float | None) -> Effect:
        """Weighted to the same mix of the values of a dimension."""
        (dimension,) = self.spec.analysis.stratify
        names = (self.control, variant)
        strata = [
            (self.units.arm(reading, rows, names[0]), self.units.arm(reading, rows, names[1]))
            for (dim, _), rows in self.rows.items()
            if dim == dimension
        ]
        level, relative = alpha or self.spec.design.alpha, self.spec.analysis.relative
        return stats.poststratify(metric, strata, level, relative=relative)

    def compared(
        self, metric: Estimand, reading: Reading, variant: str, rows: Mapping[str, Row], alpha: float | None = None
    ) -> Effect:
        """From rows of moments; with Welch's test where the declared one needs more."""
        control, treatment = (self.units.arm(reading, rows, name) for name in (self.control, variant))
        test = self.spec.analysis.test
        test = test if stats.choose(test, metric.kind).needs == "moments" else "welch"
        level = alpha or self.spec.design.alpha
        relative = self.spec.analysis.relative
        return stats.compare(metric, control, treatment, level, test=test, relative=relative, seed=self.seed)

    def up_to(self, reading: Reading, variant: str, rows: Mapping[str, Row]) -> Effect:
        """The effect of everything up to the end of a day; on the last day it is `effect`."""
        covariates = self.spec.analysis.cuped is not None and reading.has_past
        return self.compared(estimand(reading, covariates), reading, variant, rows)

    def before(self, reading: Reading, variant: str) -> Effect:
        """The same comparison before the start, when there was no treatment."""
        return self.compared(estimand(reading, past=True), reading, variant, self.rows[EVERYONE])

    def mde(self, reading: Reading) -> float | None:
        """The smallest effect worth finding, which is declared for the first primary metric."""
        return self.spec.design.mde if reading.metric.name == self.spec.metrics.primary[0] else None

    def by(self, test: str, reading: Reading, variant: str, alpha: float | None = None) -> Effect:
        """By any other method, without covariates, from what it needs: moments, hash buckets or single units."""
        metric = estimand(reading)
        arms = self._arms(stats.choose(test, metric.kind).needs, reading)
        empty = Moments.empty(reading.names)
        control, treatment = (arms.get(name, empty) for name in (self.control, variant))
        seed = stats.derive(self.seed, self.plan.experiment.name, reading.metric.name, variant, test)
        level, relative = alpha or self.spec.design.alpha, self.spec.analysis.relative
        return stats.compare(metric, control, treatment, level, test=test, relative=relative, seed=seed)

    def _arms(self, needs: str, reading: Reading) -> Mapping[str, Arm]:
        if needs == "buckets":
            return self.buckets
        if needs == "samples":
            return self.units.samples(reading.names, self.caps)
        return {name: self.units.arm(reading, self.rows[EVERYONE], name) for name in self.rows[EVERYONE]}

    @cached_property
    def buckets(self) -> Mapping[str, Buckets]:
        return self.units.buckets(self.plan.experiment.name, self.caps)


def roles(spec: ExperimentSpec) -> Iterator[tuple[str, Role, float | None]]:
    """Each metric with its role and, for guardrails, its margin."""
    yield from ((name, "primary", None) for name in spec.metrics.primary)
    yield from ((name, "secondary", None) for name in spec.metrics.secondary)
    yield from ((name, "guardrail", margin) for name, margin in spec.metrics.guardrail.items())


def capped(plan: Plan) -> list[str]:
    """The columns that winsorizing cuts: sums that are a metric of their own. Parts of a quotient must stay whole."""
    return [reading.columns[formula] for reading in plan.readings if isinstance(formula := reading.formula, Total)]
