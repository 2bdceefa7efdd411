"""Validity gates: may this experiment be believed? Each is a function of what was measured, named as in YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay import stats
from assay.compiler import experiment as compiled
from assay.compiler.experiment import CROSSED, Plan
from assay.jobs.context import Context
from assay.jobs.moments import columns, estimand, moments
from assay.stats import Gate, Histogram

ALPHA = 0.001  # a gate that cries wolf is soon ignored (Fabijan et al. 2019)
_LEAST_EVENTS = 30.0  # units with a smaller denominator say little about their own quotient
_BINS = 100


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
    """Did a variant split its units into two groups? An average would describe neither."""
    checked = []
    for reading in evidence.plan.readings:
        if not compiled.is_quotient(reading.metric.series):
            continue
        table = evidence.context.engine.run(compiled.pairs(evidence.plan, reading, _LEAST_EVENTS))
        rows = list(table.dicts())
        control = _histogram(rows, evidence.variants[0])
        for variant in evidence.treatments:
            found = stats.bimodality(_histogram(rows, variant), control)
            if found.pvalue is not None and found.pvalue < ALPHA:
                return Gate("distribution", "fail", found.pvalue, _two_groups(reading.metric.name, variant, found))
            checked.append(found.pvalue)
    known = [pvalue for pvalue in checked if pvalue is not None]
    if not known:
        return Gate("distribution", "warn", None, "no primary metric is a quotient with enough units to see its shape")
    return Gate("distribution", "pass", min(known), "one group of units in every variant")


def _histogram(rows: Sequence[Mapping[str, Any]], variant: str) -> Histogram:
    mine = [row for row in rows if row["variant"] == variant]
    top, bottom, units = (
        np.array([row[name] for row in mine], float) for name in ("numerator", "denominator", "units")
    )
    return Histogram.of_ratios(np.linspace(0, 1, _BINS + 1), top, bottom, units, at_least=_LEAST_EVENTS)


def _two_groups(metric: str, variant: str, found: stats.Bimodality) -> str:
    peaks = " and ".join(f"{mode:.2f}" for mode in found.modes or ())
    return f"{metric} of {variant} is bimodal: users form two groups{f', around {peaks}' if peaks else ''}"


def day_stability(evidence: Evidence) -> Gate:
    """Is the effect the same on every day?"""
    plan = evidence.plan
    home = [reading.metric for reading in plan.readings if reading.metric.sources == (plan.home,)]
    daily = Plan(evidence.context.catalog, plan.experiment, home, by_day=True)
    if not home:
        return Gate("day_stability", "warn", None, f"no primary metric is read from '{plan.home}' alone")
    rows = list(evidence.context.engine.run(compiled.moments(daily)).dicts())
    gates = [_stability(daily, reading, rows, variant) for reading in daily.readings for variant in evidence.treatments]
    order = ("fail", "warn", "pass")
    return min(gates, key=lambda gate: (order.index(gate.status), 1.0 if gate.pvalue is None else gate.pvalue))


def _stability(plan: Plan, reading: compiled.Reading, rows: Sequence[Mapping[str, Any]], variant: str) -> Gate:
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

__all__ = ["CROSSED", "GATES", "Evidence"]
