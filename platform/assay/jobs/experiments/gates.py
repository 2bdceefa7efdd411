"""Validity gates: may this experiment be believed? Each is a function of what was measured, named as in YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Literal

import numpy as np

from assay import stats
from assay.compiler.units import Reading
from assay.errors import UsageError
from assay.jobs.experiments.comparisons import Data
from assay.jobs.experiments.moments import estimand
from assay.jobs.experiments.units import Counts, Row
from assay.report.format import show_signed
from assay.stats import Effect, Gate, Histogram

ALPHA = 0.001  # a gate that cries wolf is soon ignored (Fabijan et al. 2019)
IMBALANCE = 0.05  # before the start a smaller difference is worth a warning
DOUBT = 0.01  # what is worth a warning, and does not stop anything
_LEAST_EVENTS = 30.0  # units with a smaller denominator say little about their own quotient
_REPLAYS = 2_000
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

    @cached_property
    def parts(self) -> dict[str, dict[str, int]]:
        """Units per variant in every slice, and by the day of their first exposure."""
        return {**self._slices, **self._days}

    @property
    def _slices(self) -> dict[str, dict[str, int]]:
        names = list(self.counts.units)
        return {
            f"{dim} {value}": {name: int(rows[name]["n"]) if name in rows else 0 for name in names}
            for (dim, value), rows in self.data.rows.items()
            if dim
        }

    @property
    def _days(self) -> dict[str, dict[str, int]]:
        start, by_day = self.data.plan.start, self.counts.by_day
        found = {
            str(start + timedelta(days=day)): {name: days.get(day, 0) for name, days in by_day.items()}
            for day in range(self.data.plan.days)
        }
        return {day: units for day, units in found.items() if any(units.values())}

    def daily(self, reading: Reading, variant: str) -> list[tuple[str, Effect]]:
        """The effect of every day alone, without covariates: what a day adds does not depend on the past."""
        found = ((day, self.data.compared(estimand(reading), reading, variant, rows)) for day, rows in self.days)
        return [(day, effect) for day, effect in found if effect.difference is not None and effect.se]


def srm(evidence: Evidence) -> Gate:
    """Did units arrive in the planned proportions: all together, in every slice, and on every day?"""
    units, weights = evidence.counts.units, evidence.weights
    seen = ", ".join(f"{name} {count:,}" for name, count in units.items())
    overall = stats.srm(units, weights)
    if overall.pvalue is None:
        return Gate("srm", "fail", None, f"{overall.reason} ({seen})")
    if overall.pvalue < ALPHA:
        return Gate("srm", "fail", overall.pvalue, f"units per variant: {seen}")
    parts = stats.srm_slices(evidence.parts, weights)
    if parts.pvalue is not None and parts.worst is not None and parts.pvalue < ALPHA:
        seen = ", ".join(f"{name} {count:,}" for name, count in evidence.parts[parts.worst].items())
        return Gate("srm", "fail", parts.pvalue, f"{parts.worst}: units per variant: {seen}")
    return Gate("srm", "pass", overall.pvalue, f"units per variant: {seen}")


def crossovers(evidence: Evidence) -> Gate:
    """Did units stay in one variant? Crossed units are left out of every comparison."""
    crossed = evidence.counts.crossed
    result = stats.crossovers(crossed, sum(evidence.counts.units.values()) + crossed)
    if result.share is None:
        return Gate("crossovers", "fail", None, result.reason or "")
    detail = f"{crossed:,} units were seen in more than one variant ({result.share:.2%})"
    return Gate("crossovers", "pass" if result.acceptable else "fail", None, detail)


def exposure(evidence: Evidence) -> Gate:
    """Was the same share of the assigned units exposed in every variant?"""
    rows = evidence.data.units.assigned()
    assigned, exposed = (
        {name: int(rows[name][column]) if name in rows else 0 for name in evidence.counts.units}
        for column in ("assigned", "exposed")
    )
    found = stats.exposure(exposed, assigned)
    if found.pvalue is None:
        return Gate("exposure", "warn", None, found.reason or "")
    shares = ", ".join(f"{name} {share:.1%}" for name, share in found.shares.items())
    return Gate("exposure", _status(found.pvalue), found.pvalue, f"exposed of those assigned: {shares}")


def pre_period(evidence: Evidence) -> Gate:
    """Did the variants differ before the start, when nothing could have moved them?"""
    data = evidence.data
    before = {
        f"{reading.metric.name} of {variant}": data.before(reading, variant)
        for reading in data.plan.readings
        for variant in data.treatments
        if reading.has_past
    }
    found = stats.imbalance(before)
    if found.pvalue is None or found.metric is None:
        return Gate("pre_period", "warn", None, found.reason or "no metric has a past")
    if found.pvalue >= IMBALANCE:
        return Gate("pre_period", "pass", found.pvalue, "the variants were alike before the start")
    change = show_signed(before[found.metric].relative)
    detail = f"{found.metric} differed from the control by {change} before the start"
    return Gate("pre_period", _status(found.pvalue, "warn"), found.pvalue, detail)


def aa(evidence: Evidence) -> Gate:
    """Does the test keep its false positives on these units, split at random on the days before the start?"""
    readings = [reading for reading in evidence.data.of_primary() if reading.has_past]
    if not readings:
        return Gate("aa", "warn", None, "no primary metric has a past")
    return worst(_replayed(evidence.data, reading) for reading in readings)


def _replayed(data: Data, reading: Reading) -> Gate:
    past = data.units.buckets(data.plan.experiment.name, {}, past=True)[""]
    seed = stats.derive(data.seed, data.plan.experiment.name, reading.metric.name, "aa")
    metric, alphas = estimand(reading, past=True), (data.spec.design.alpha,)
    try:
        found = stats.aa(metric, past, replays=_REPLAYS, alphas=alphas, seed=seed)
    except UsageError as error:  # too little of a past to replay
        return Gate("aa", "warn", None, f"{reading.metric.name}: {error.diagnostics[0].message}")
    (level,) = found.levels
    detail = f"{reading.metric.name}: {level.rate:.1%} false positives at {level.alpha:g} in {found.replays:,} replays"
    causes = "".join(f"; {cause}" for cause in found.causes)
    return Gate("aa", "pass" if found.verdict == "healthy" else "fail", found.ks_pvalue, f"{detail}{causes}")


def twyman(evidence: Evidence) -> Gate:
    """Is the effect too large to be true?"""
    data = evidence.data
    return worst(_plausible(data, reading, variant) for reading in data.of_primary() for variant in data.treatments)


def _plausible(data: Data, reading: Reading, variant: str) -> Gate:
    effect, name = data.effect(reading, variant), f"{reading.metric.name} of {variant}"
    found = stats.twyman(effect, data.mde(reading))
    if found.pvalue is None:
        return Gate("twyman", "warn", None, f"{name}: {found.reason}")
    judged = "more than any plausible effect" if found.pvalue < ALPHA else "a plausible size"
    return Gate(
        "twyman", _status(found.pvalue), found.pvalue, f"{name} changed by {show_signed(effect.relative)}, {judged}"
    )


def covariates(evidence: Evidence) -> Gate:
    """Do enough units have a past, and the same share in every variant?"""
    units = evidence.counts.units
    missing = {name: count - evidence.counts.past[name] for name, count in units.items()}
    found = stats.missing_covariate(missing, units)
    if found.share is None:
        return Gate("covariates", "warn", None, found.reason or "")
    detail = f"{found.share:.1%} of the units have no events before the start"
    if found.pvalue is not None and found.pvalue < ALPHA:
        return Gate("covariates", "fail", found.pvalue, f"{detail}, and the share differs between the variants")
    return Gate("covariates", "pass" if found.acceptable else "warn", found.pvalue, detail)


def _status(pvalue: float, otherwise: Literal["pass", "warn"] = "pass") -> Literal["pass", "warn", "fail"]:
    return "fail" if pvalue < ALPHA else otherwise


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
        groups = f"looks bimodal: users moved apart into two groups{around}; it" if around else "moved users apart: it"
        detail = f"{name} {groups} is spread {spread.ratio:.1f} times as wide as the control"
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
    # one odd day is found sooner by the test of that day than by the one of all; either may speak, at half the level
    pvalue = min(1.0, 2 * min(found.pvalue, 1.0 if found.odd_pvalue is None else found.odd_pvalue))
    if pvalue >= DOUBT:
        return Gate("day_stability", "pass", pvalue, f"the effect on {name} is alike on all {len(effects)} days")
    odd = f", most of all on {found.odd}" if found.odd else ""
    return Gate("day_stability", _status(pvalue, "warn"), pvalue, f"the effect on {name} changes from day to day{odd}")


GATES: dict[str, Callable[[Evidence], Gate]] = {
    "srm": srm,
    "crossovers": crossovers,
    "exposure": exposure,
    "pre_period": pre_period,
    "aa": aa,
    "distribution": distribution,
    "day_stability": day_stability,
    "twyman": twyman,
    "covariates": covariates,
}
