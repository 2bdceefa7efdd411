"""Validity gates: may this experiment be believed? Each is a function of what was measured, named as in YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from assay import stats
from assay.compiler.units import Reading
from assay.jobs.experiments.comparisons import Data
from assay.jobs.experiments.moments import estimand
from assay.jobs.experiments.units import Counts, Row
from assay.stats import Effect, Gate, Histogram

ALPHA = 0.001  # a gate that cries wolf is soon ignored (Fabijan et al. 2019)
_LEAST_EVENTS = 30.0  # units with a smaller denominator say little about their own quotient
_BINS = 100
_WIDE = 1.25  # a spread that is wider by less is what any real effect does


@dataclass(frozen=True)
class Evidence:
    """What gates look at: the measured data, and who was there."""

    data: Data
    counts: Counts

    @property
    def weights(self) -> Mapping[str, float]:
        assignment = self.data.spec.assignment
        return assignment.weights or dict.fromkeys(assignment.variants, 1.0)

    @cached_property
    def days(self) -> list[tuple[str, Mapping[str, Row]]]:
        """Each day alone, with its date."""
        start = self.data.plan.start
        rows = self.data.units.daily("day", self.data.caps)
        return [(str(start + timedelta(days=at)), row) for at, row in enumerate(rows)]

    def daily(self, reading: Reading, variant: str) -> list[tuple[str, Effect]]:
        """The effect of every day alone, without covariates: what a day adds does not depend on the past."""
        found = ((day, self.data.compared(estimand(reading), reading, variant, rows)) for day, rows in self.days)
        return [(day, effect) for day, effect in found if effect.difference is not None and effect.se]


def srm(evidence: Evidence) -> Gate:
    """Did units arrive in the planned proportions?"""
    units = evidence.counts.units
    result = stats.srm(units, evidence.weights)
    seen = ", ".join(f"{name} {count:,}" for name, count in units.items())
    if result.pvalue is None:
        return Gate("srm", "fail", None, f"{result.reason} ({seen})")
    failed = result.pvalue < ALPHA
    return Gate("srm", "fail" if failed else "pass", result.pvalue, f"units per variant: {seen}")


def crossovers(evidence: Evidence) -> Gate:
    """Did units stay in one variant? Crossed units are left out of every comparison."""
    crossed = evidence.counts.crossed
    result = stats.crossovers(crossed, sum(evidence.counts.units.values()) + crossed)
    if result.share is None:
        return Gate("crossovers", "fail", None, result.reason or "")
    detail = f"{crossed:,} units were seen in more than one variant ({result.share:.2%})"
    return Gate("crossovers", "pass" if result.acceptable else "fail", None, detail)


def distribution(evidence: Evidence) -> Gate:
    """Did a variant act on all units alike? An average describes neither of two groups that moved apart."""
    gates = [gate for reading in evidence.data.of_primary() for gate in _distributions(evidence.data, reading)]
    if not gates:
        return Gate("distribution", "warn", None, "no primary metric is a quotient whose shape could be compared")
    return worst(gates)


def _distributions(data: Data, reading: Reading) -> Iterator[Gate]:
    if not reading.quotient or not reading.has_past:
        return
    rows = data.units.quotients(reading, _LEAST_EVENTS)
    control = histogram(rows, data.control)
    for variant in data.treatments:
        yield _shape(f"{reading.metric.name} of {variant}", control, histogram(rows, variant))


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


def histogram(rows: Sequence[Row], variant: str) -> Histogram:
    """How a quotient in 0..1 is spread over the units of a variant."""
    mine = [row for row in rows if row["variant"] == variant]
    top, bottom, units = (
        np.array([row[name] for row in mine], float) for name in ("numerator", "denominator", "units")
    )
    return Histogram.of_ratios(np.linspace(0, 1, _BINS + 1), top, bottom, units, at_least=_LEAST_EVENTS)


def day_stability(evidence: Evidence) -> Gate:
    """Is the effect the same on every day?"""
    readings = [reading for reading in evidence.data.of_primary() if reading.has_past]
    if not readings:
        return Gate("day_stability", "warn", None, "no primary metric has a value for one day alone")
    return worst(_stability(evidence, reading, name) for reading in readings for name in evidence.data.treatments)


def _stability(evidence: Evidence, reading: Reading, variant: str) -> Gate:
    effects = [(day, each.difference or 0.0, each.se or 0.0) for day, each in evidence.daily(reading, variant)]
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
