"""`experiment analyze`: the units once, then the gates, the comparisons, and a verdict with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from assay import stats
from assay.catalog.catalog import Catalog, Metric
from assay.catalog.meaning import base_metric, meaning
from assay.compiler import experiment as compiled
from assay.compiler import unit_days
from assay.compiler.units import Plan, Pool
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.errors import WarehouseError
from assay.jobs.changes import pins
from assay.jobs.context import Context
from assay.jobs.experiments import explain
from assay.jobs.experiments.comparisons import Comparison, Data, capped, roles
from assay.jobs.experiments.gates import GATES, Evidence
from assay.jobs.experiments.readout import PATH, Found, Readout
from assay.jobs.experiments.units import Counts, Units, units
from assay.statement import Statement
from assay.stats import Progress, Result


def metrics_of(catalog: Catalog, spec: ExperimentSpec) -> list[Metric]:
    """The metrics of an experiment, primary ones first."""
    return [catalog.metric(name) for name, _, _ in roles(spec)]


def plan_of(catalog: Catalog, name: str, window: tuple[date, date] | None = None, pool: Pool | None = None) -> Plan:
    """The plan of every metric of an experiment, each once."""
    experiment = catalog.experiment(name)
    return Plan(catalog, experiment, metrics_of(catalog, experiment.spec), window, pool)


def analyze(context: Context, name: str, until: date | None = None) -> Readout:
    """The read-out of an experiment: of its whole window, or up to the last whole day while it runs.

    `until` reads it as it stood on the morning of an earlier day.

    Raises UsageError E201 for an unknown name or E603 when a metric has changed its meaning while the experiment runs,
    and WarehouseError E511 when it has not begun, or nobody was exposed in the window.
    """
    plan = plan_of(context.catalog, name, _window(context, context.catalog.experiment(name), until))
    pins.hold(context, plan.experiment)
    with units(context, plan) as table:
        counts = table.counts()
        if not any(counts.units.values()) and not counts.crossed:
            raise _nobody(plan)
        return _readout(table, counts)


def _window(context: Context, experiment: Definition[ExperimentSpec], day: date | None) -> tuple[date, date]:
    spec = experiment.spec
    today = min(day or context.today, context.today)
    until = min(spec.end, today)
    if until > spec.start:
        return spec.start, until
    raise WarehouseError.of(
        "E511",
        f"'{experiment.name}' starts on {spec.start} and has no whole day of data on {today}.",
        why="A comparison needs units, and days are read when they are over.",
        fix="Come back when the first day has passed, or correct 'start'.",
        location=experiment.location,
    )


def _nobody(plan: Plan) -> WarehouseError:
    return WarehouseError.of(
        "E511",
        f"Nobody was exposed to '{plan.experiment.name}' from {plan.start} to {plan.until}.",
        why="A comparison needs units.",
        fix="Check 'start', 'end', the exposure's 'where' and the variants' values, or load the events.",
        location=plan.experiment.location,
    )


def _readout(table: Units, counts: Counts) -> Readout:
    plan, spec = table.plan, table.plan.spec
    caps = _caps(table)
    data = Data(table, table.moments(caps), caps, table.context.seed)
    evidence = Evidence(data, counts)
    gates = tuple(GATES[name](evidence) for name in spec.validity)
    courses = explain.courses(evidence)
    found = explain.decided(list(_found(data)), courses)
    progress = _progress(plan, counts)
    rule, alpha = spec.decision, spec.design.alpha
    verdict = stats.decide(gates, [each.result for each in found], rule, alpha, progress)
    slices, interactions = explain.slices(data)
    return Readout(
        plan.experiment.name,
        str(plan.start),
        str(spec.end),
        str(plan.until),
        counts.units,
        gates,
        found,
        slices,
        verdict,
        progress,
        interactions,
        courses,
        tuple(explain.sensitivity(data)),
        tuple(explain.beliefs(data)),
        tuple(explain.shapes(data)),
        _settings(table),
        hashes(plan),
        tuple(statement.sql for statement in _statements(table)),
    )


def _progress(plan: Plan, counts: Counts) -> Progress:
    days, planned = plan.days, (plan.spec.end - plan.spec.start).days
    design = plan.spec.design
    return Progress(
        sum(counts.units.values()), days, planned, sequential=plan.spec.analysis.sequential, power=design.power
    )


def _settings(table: Units) -> dict[str, Any]:
    """How the numbers were made, for the appendix of a report."""
    spec = table.plan.spec
    own = spec.analysis.model_dump(mode="json")
    own |= {"alpha": spec.design.alpha, "decision": spec.decision, "seed": table.context.seed}
    declared = any(table.plan.catalog.source(name).spec.unit_days for name in table.plan.measures)
    return own | ({PATH: f"events: {table.why}" if table.why else "stored days"} if declared else {})


def _statements(table: Units) -> tuple[Statement, ...]:
    if table.why:
        return compiled.statements(table.plan)
    return unit_days.statements(table.plan, table.context.database)


def hashes(plan: Plan) -> dict[str, str]:
    """Metric: the hash of its meaning."""
    metrics = [reading.metric.name for reading in plan.readings]
    return {name: meaning(base_metric(plan.catalog, name)) for name in metrics}


def _caps(table: Units) -> dict[str, float]:
    share, names = table.plan.spec.analysis.winsorize, capped(table.plan)
    return table.caps(share, names) if share and names else {}


def _found(data: Data) -> Iterator[Found]:
    """Primary metrics × variants are the family that decides; secondary ones are a family of their own."""
    correction = data.spec.analysis.correction
    for role, own in (("primary", correction), ("secondary", correction), ("guardrail", "none")):
        yield from _family(data, [each for each in data.comparisons if each.role == role], own)


def _family(data: Data, members: Sequence[Comparison], correction: str) -> Iterator[Found]:
    """P-values are corrected over the family, and where that widens the intervals, they are made once more."""
    alpha = data.spec.design.alpha
    effects = [data.effect(each.reading, each.variant) for each in members]
    pvalues = [effect.pvalue for effect in effects]
    adjusted, levels = stats.adjust(pvalues, correction), stats.adjusted_alpha(pvalues, correction, alpha)
    for each, effect, pvalue, level in zip(members, effects, adjusted, levels, strict=True):
        wide = data.effect(each.reading, each.variant, alpha=level) if level != alpha else None
        name, good = each.reading.metric.name, each.reading.metric.spec.good
        mde = data.mde(each.reading) if each.role == "primary" else None
        yield Found(Result(name, each.role, each.variant, effect, pvalue, good, each.margin, wide, mde=mde), correction)
