"""Validity gates: may this experiment be believed? Each is a function of what was measured, named as in YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay import stats
from assay.compiler import experiment as compiled
from assay.compiler.experiment import Plan, Reading
from assay.jobs.context import Context
from assay.jobs.experiments.moments import columns, estimand, moments
from assay.stats import Gate, Histogram

ALPHA = 0.001  # a gate that cries wolf is soon ignored (Fabijan et al. 2019)
_LEAST_EVENTS = 30.0  # units with a smaller denominator say little about their own quotient
_BINS = 100
_WIDE = 1.25  # a spread that is wider by less is what any real effect does


@dataclass(frozen=True, slots=True)
class Evidence:
    """What gates look at: the plan of the primary metrics, and the units per variant, crossed ones apart."""

    context: Context
    plan: Plan
    units: Mapping[str, int]
    crossed: int

    @property
    def variants(self) -> list[str]:
        return list(self.plan.spec.assignment.variants)

    @property
    def treatments(self) -> list[str]:
        return self.variants[1:]


def srm(evidence: Evidence) -> Gate:
    """Did units arrive in the planned proportions?"""
    weights = evidence.plan.spec.assignment.weights or dict.fromkeys(evidence.variants, 1.0)
    result = stats.srm(evidence.units, weights)
    seen = ", ".join(f"{name} {count:,}" for name, count in evidence.units.items())
    if result.pvalue is None:
        return Gate("srm", "fail", None, f"{result.reason} ({seen})")
    failed = result.pvalue < ALPHA
    return Gate("srm", "fail" if failed else "pass", result.pvalue, f"units per variant: {seen}")


def crossovers(evidence: Evidence) -> Gate:
    """Did units stay in one variant? Crossed units are left out of every comparison."""
    result = stats.crossovers(evidence.crossed, sum(evidence.units.values()) + evidence.crossed)
    if result.share is None:
        return Gate("crossovers", "fail", None, result.reason or "")
    detail = f"{evidence.crossed:,} units were seen in more than one variant ({result.share:.2%})"
    return Gate("crossovers", "pass" if result.acceptable else "fail", None, detail)


def distribution(evidence: Evidence) -> Gate:
    """Did a variant act on all units alike? An average describes neither of two groups that moved apart."""
    gates = [gate for reading in evidence.plan.readings for gate in _distributions(evidence, reading)]
    if not gates:
        return Gate("distribution", "warn", None, "no primary metric is a quotient whose shape could be compared")
    return worst(gates)


def _distributions(evidence: Evidence, reading: Reading) -> Iterator[Gate]:
    if not compiled.is_quotient(reading.metric.series):
        return
    rows = list(evidence.context.engine.run(compiled.pairs(evidence.plan, reading, _LEAST_EVENTS)).dicts())
    control = _histogram(rows, evidence.variants[0])
    for variant in evidence.treatments:
        yield _shape(f"{reading.metric.name} of {variant}", control, _histogram(rows, variant))


def _shape(name: str, control: Histogram, treatment: Histogram) -> Gate:
    """Two peaks where the control has one, or a spread that is much wider."""
    peaks, spread = stats.bimodality(treatment, control), stats.spread(control, treatment)
    if peaks.pvalue is None or spread.pvalue is None or spread.ratio is None:
        return Gate("distribution", "warn", None, f"{name}: {peaks.reason or spread.reason}")
    around = f", around {peaks.modes[0]:.2f} and {peaks.modes[1]:.2f}" if peaks.modes else ""
    if peaks.pvalue < ALPHA:
        return Gate("distribution", "fail", peaks.pvalue, f"{name} is bimodal: users form two groups{around}")
    if spread.pvalue < ALPHA and spread.ratio > _WIDE:
        detail = f"{name} is spread {spread.ratio:.1f} times as wide as the control: users moved apart{around}"
        return Gate("distribution", "fail", spread.pvalue, detail)
    return Gate(
        "distribution", "pass", min(peaks.pvalue, spread.pvalue), f"{name} has one peak, as wide as the control"
    )


def worst(gates: Iterable[Gate]) -> Gate:
    """The gate that speaks for all: a failed one first, then the smallest p."""
    order = ("fail", "warn", "pass")
    return min(gates, key=lambda gate: (order.index(gate.status), 1.0 if gate.pvalue is None else gate.pvalue))


def _histogram(rows: Sequence[Mapping[str, Any]], variant: str) -> Histogram:
    mine = [row for row in rows if row["variant"] == variant]
    top, bottom, units = (
        np.array([row[name] for row in mine], float) for name in ("numerator", "denominator", "units")
    )
    return Histogram.of_ratios(np.linspace(0, 1, _BINS + 1), top, bottom, units, at_least=_LEAST_EVENTS)


def day_stability(evidence: Evidence) -> Gate:
    """Is the effect the same on every day?"""
    plan = evidence.plan
    home = [reading.metric for reading in plan.readings if reading.metric.sources == (plan.home,)]
    daily = Plan(evidence.context.catalog, plan.experiment, home, by_day=True)
    if not home:
        return Gate("day_stability", "warn", None, f"no primary metric is read from '{plan.home}' alone")
    rows = list(evidence.context.engine.run(compiled.moments(daily)).dicts())
    return worst(
        _stability(daily, reading, rows, variant) for reading in daily.readings for variant in evidence.treatments
    )


def _stability(plan: Plan, reading: Reading, rows: Sequence[Mapping[str, Any]], variant: str) -> Gate:
    by_day: dict[str, dict[str, stats.Moments]] = {}
    for row in rows:
        by_day.setdefault(str(row["day"]), {})[str(row["variant"])] = moments(row, columns(plan, reading))
    control = next(iter(plan.spec.assignment.variants))
    effects = []
    for day, arms in by_day.items():
        if control in arms and variant in arms:
            effect = stats.compare(estimand(plan, reading), arms[control], arms[variant])
            if effect.difference is not None and effect.se:
                effects.append((day, effect.difference, effect.se))
    found, name = stats.day_stability(effects), f"{reading.metric.name} of {variant}"
    if found.pvalue is None:
        return Gate("day_stability", "warn", None, f"{name}: {found.reason}")
    if found.pvalue >= ALPHA:
        return Gate("day_stability", "pass", found.pvalue, f"the effect on {name} is alike on all {len(effects)} days")
    odd = f", most of all on {found.odd}" if found.odd else ""
    return Gate("day_stability", "fail", found.pvalue, f"the effect on {name} changes from day to day{odd}")


GATES: dict[str, Callable[[Evidence], Gate]] = {
    "srm": srm,
    "crossovers": crossovers,
    "distribution": distribution,
    "day_stability": day_stability,
}
