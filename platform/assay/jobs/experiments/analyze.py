"""`experiment analyze`: one statement, the gates, the comparisons, and a verdict with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from assay import stats
from assay.catalog.catalog import Catalog, Metric
from assay.compiler import experiment as compiled
from assay.compiler.experiment import CROSSED, Plan, Reading
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.errors import UsageError, WarehouseError, did_you_mean
from assay.jobs.changes import pins
from assay.jobs.context import Context
from assay.jobs.experiments.gates import GATES, Evidence
from assay.jobs.experiments.moments import columns, estimand, moments
from assay.stats import Gate, Moments, Result, Verdict


@dataclass(frozen=True, slots=True)
class Readout:
    """What an experiment says; `units` are per variant, without those seen in more than one."""

    experiment: str
    start: str
    end: str
    units: Mapping[str, int]
    gates: tuple[Gate, ...]
    results: tuple[Result, ...]
    verdict: Verdict
    correction: str
    alpha: float
    sql: str

    def as_dict(self) -> dict[str, Any]:
        """The contract of `experiment analyze`."""
        return {
            "schema": 1,
            "experiment": self.experiment,
            "window": {"from": self.start, "to": self.end},
            "units": dict(self.units),
            "gates": [asdict(gate) for gate in self.gates],
            "results": [self._result(result) for result in self.results],
            "verdict": self.verdict.verdict,
            "reasons": list(self.verdict.reasons),
        }

    def _result(self, result: Result) -> dict[str, Any]:
        found = {"metric": result.metric, "role": result.role, "variant": result.variant, "slice": None}
        found |= asdict(result.effect)
        decided = result.role == "primary"
        extra = {"pvalue_adjusted": result.pvalue_adjusted, "correction": self.correction if decided else "none"}
        return found | extra | {"margin": result.margin, "good": result.good}


def find(catalog: Catalog, name: str) -> Definition[ExperimentSpec]:
    """An experiment by name. Raises UsageError E201."""
    known = catalog.definitions.experiments
    if name not in known:
        raise UsageError.of(
            "E201",
            f"Unknown experiment '{name}'.{did_you_mean(name, known)}",
            why="It must name an experiment of this project.",
            fix="See 'platform list experiments'.",
        )
    return known[name]


def roles(catalog: Catalog, spec: ExperimentSpec) -> list[tuple[Metric, str, float | None]]:
    """Each metric with its role and, for guardrails, its margin."""
    found: list[tuple[Metric, str, float | None]] = []
    found += [(catalog.metric(name), "primary", None) for name in spec.metrics.primary]
    found += [(catalog.metric(name), "secondary", None) for name in spec.metrics.secondary]
    return found + [(catalog.metric(name), "guardrail", margin) for name, margin in spec.metrics.guardrail.items()]


def plan_of(catalog: Catalog, name: str) -> Plan:
    """The plan of every metric of an experiment, each once."""
    experiment = find(catalog, name)
    metrics = {metric.name: metric for metric, _, _ in roles(catalog, experiment.spec)}
    return Plan(catalog, experiment, metrics.values(), covariates=experiment.spec.analysis.cuped is not None)


def analyze(context: Context, name: str) -> Readout:
    """The read-out of an experiment over its whole window.

    Raises UsageError E201 for an unknown name or E603 when a metric has changed its meaning while the experiment runs,
    and WarehouseError E511 when nobody was exposed in the window.
    """
    plan = plan_of(context.catalog, name)
    pins.hold(context, plan.experiment)
    statement = compiled.moments(plan)
    rows = {row["variant"]: row for row in context.engine.run(statement).dicts()}
    if not set(rows) & set(plan.spec.assignment.variants):
        raise _nobody(plan)
    units = {variant: int(rows[variant]["n"]) if variant in rows else 0 for variant in plan.spec.assignment.variants}
    crossed = int(rows[CROSSED]["n"]) if CROSSED in rows else 0
    gates = tuple(_gates(context, plan, units, crossed))
    results = _adjusted(tuple(_results(context.catalog, plan, rows)), plan.spec)
    verdict = stats.decide(gates, results, plan.spec.decision, plan.spec.design.alpha)
    window = str(plan.spec.start), str(plan.spec.end)
    correction, alpha = plan.spec.analysis.correction, plan.spec.design.alpha
    return Readout(name, *window, units, gates, results, verdict, correction, alpha, statement.sql)


def _nobody(plan: Plan) -> WarehouseError:
    spec = plan.spec
    return WarehouseError.of(
        "E511",
        f"Nobody was exposed to '{plan.experiment.name}' from {spec.start} to {spec.end}.",
        why="A comparison needs units.",
        fix="Check 'start', 'end', the exposure's 'where' and the variants' values, or load the events.",
        location=plan.experiment.location,
    )


def _gates(context: Context, plan: Plan, units: Mapping[str, int], crossed: int) -> Iterator[Gate]:
    primary = [context.catalog.metric(name) for name in plan.spec.metrics.primary]
    evidence = Evidence(context, Plan(context.catalog, plan.experiment, primary), units, crossed)
    return (GATES[name](evidence) for name in plan.spec.validity)


def _results(catalog: Catalog, plan: Plan, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Result]:
    control, *treatments = plan.spec.assignment.variants
    readings = {reading.metric.name: reading for reading in plan.readings}
    for metric, role, margin in roles(catalog, plan.spec):
        for variant in treatments:
            reading = readings[metric.name]
            arms = [_arm(plan, reading, rows.get(arm)) for arm in (control, variant)]
            yield _result(plan, reading, arms, role, variant, margin)


def _arm(plan: Plan, reading: Reading, row: Mapping[str, Any] | None) -> Moments:
    names = columns(plan, reading)
    return Moments.empty(names) if row is None else moments(row, names)


def _result(plan: Plan, reading: Reading, arms: list[Moments], role: Any, variant: str, margin: float | None) -> Result:
    design, analysis = plan.spec.design, plan.spec.analysis
    control, treatment = arms
    effect = stats.compare(estimand(plan, reading), control, treatment, design.alpha, test=analysis.test)
    good = reading.metric.spec.good
    return Result(reading.metric.name, role, variant, effect, effect.pvalue, good, margin)


def _adjusted(results: tuple[Result, ...], spec: ExperimentSpec) -> tuple[Result, ...]:
    """Correct the family that decides: primary metrics × variants."""
    family = [at for at, result in enumerate(results) if result.role == "primary"]
    pvalues = stats.adjust([results[at].effect.pvalue for at in family], spec.analysis.correction)
    adjusted = dict(zip(family, pvalues, strict=True))
    return tuple(
        replace(result, pvalue_adjusted=adjusted[at]) if at in adjusted else result for at, result in enumerate(results)
    )
