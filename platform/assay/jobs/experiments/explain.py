"""What explains a verdict and does not make it: slices, days, other methods, beliefs and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from assay import stats
from assay.jobs.experiments.comparisons import Comparison, Data
from assay.jobs.experiments.gates import Evidence, histogram
from assay.jobs.experiments.moments import estimand
from assay.jobs.experiments.readout import Belief, Course, Found, Interaction, Point, Sensitivity, Shape
from assay.jobs.experiments.units import Cell
from assay.stats import Effect, Look, Novelty, Result
from assay.stats.sequential import Planned, interim, looks

BAND = "confidence_sequence"  # drawn around the daily course where no rule was declared; it then decides nothing
_LEAST_EVENTS = 30.0
_SLICE_CORRECTION = "bh"


def primary(data: Data) -> list[Comparison]:
    return [each for each in data.comparisons if each.role == "primary"]


def slices(data: Data) -> tuple[tuple[Found, ...], tuple[Interaction, ...]]:
    """Each primary effect in every slice, corrected over all slices, and whether the slices of a dimension differ."""
    found: list[Found] = []
    interactions: list[Interaction] = []
    for each in primary(data):
        name, good = each.reading.metric.name, each.reading.metric.spec.good
        for told in stats.heterogeneity(_dimensions(data, each), _SLICE_CORRECTION):
            interactions.append(Interaction(name, each.variant, told.dimension, told.pvalue, told.pvalue_adjusted,
                                            told.odd, told.reason))  # fmt: skip
            for one in told.slices:
                result = Result(name, each.role, each.variant, one.effect, one.pvalue_adjusted, good)
                found.append(Found(result, _SLICE_CORRECTION, {told.dimension: one.slice}))
    return tuple(found), tuple(interactions)


def _dimensions(data: Data, each: Comparison) -> dict[str, dict[str, Effect]]:
    cells: list[Cell] = [(dim, value) for dim, value in data.rows if dim in data.spec.analysis.by]
    found: dict[str, dict[str, Effect]] = {}
    for dim, value in cells:
        found.setdefault(dim, {})[value] = data.effect(each.reading, each.variant, (dim, value))
    return found


def courses(evidence: Evidence) -> tuple[Course, ...]:
    """The primary effects by day: cumulative with bands, and of each day alone."""
    data = evidence.data
    rows = data.units.daily("until", data.caps)
    return tuple(_course(evidence, each, [data.up_to(each.reading, each.variant, day) for day in rows])
                 for each in primary(data) if each.reading.has_days)  # fmt: skip


def _course(evidence: Evidence, each: Comparison, effects: Sequence[Effect]) -> Course:
    data = evidence.data
    rule = data.spec.analysis.sequential
    family = len(primary(data))
    planned = Planned(looks=(data.spec.end - data.spec.start).days, mde=data.mde(each.reading))
    bands = looks([interim(effect) for effect in effects], BAND if rule == "none" else rule,
                  data.spec.design.alpha / family, planned=planned)  # fmt: skip
    alone = dict(evidence.daily(each.reading, each.variant)) if each.reading.has_past else {}
    days = [str(data.plan.start + timedelta(days=at)) for at in range(len(effects))]
    points = tuple(_point(*row, alone.get(row[0])) for row in zip(days, effects, bands, strict=True))
    return Course(each.reading.metric.name, each.variant, rule, points, _novelty(days, alone))


def _point(day: str, effect: Effect, band: Look, alone: Effect | None) -> Point:
    own = (alone.difference, alone.low, alone.high) if alone else (None, None, None)
    units = effect.n_control + effect.n_treatment
    ends = effect.difference, effect.low, effect.high
    return Point(day, units, *ends, band.low, band.high, band.pvalue, band.stopped, *own)


def _novelty(days: Sequence[str], alone: dict[str, Effect]) -> Novelty:
    told = [(at, alone[day]) for at, day in enumerate(days) if day in alone]
    return stats.novelty([(at, effect.difference or 0.0, effect.se or 0.0) for at, effect in told])


def decided(found: Sequence[Found], told: Sequence[Course]) -> tuple[Found, ...]:
    """The results with the last look of their course, where a sequential rule was declared."""
    last = {(each.metric, each.variant): each for each in told if each.rule != "none"}
    return tuple(
        replace(each, result=_looked(each.result, last.get((each.result.metric, each.result.variant))))
        for each in found
    )


def _looked(result: Result, course: Course | None) -> Result:
    if course is None or result.role != "primary" or not course.points:
        return result
    point = course.points[-1]
    look = Look(len(course.points), None, point.difference, result.effect.se, point.band_low, point.band_high,
                point.pvalue, None, point.stopped)  # fmt: skip
    return replace(result, look=look)


def sensitivity(data: Data) -> Iterator[Sensitivity]:
    """What other methods say about the primary metrics, the declared one first, all without covariates."""
    declared = data.spec.analysis.sensitivity
    for each in primary(data) if declared else ():
        kind = estimand(each.reading).kind
        for test in (data.spec.analysis.test, *declared):
            if kind in stats.METHODS[test].estimands or stats.METHODS[test].otherwise:
                yield Sensitivity(each.reading.metric.name, each.variant, data.by(test, each.reading, each.variant))


def beliefs(data: Data) -> Iterator[Belief]:
    """The Bayesian view of the primary effects; a declared prior is relative to the control."""
    for each in primary(data):
        effect = data.effect(each.reading, each.variant)
        share = data.spec.analysis.prior
        prior = stats.Prior(share * abs(effect.control)) if share and effect.control else None
        good, alpha = each.reading.metric.spec.good, data.spec.design.alpha
        yield Belief(each.reading.metric.name, each.variant, stats.posterior(effect, prior, good=good, alpha=alpha))


def shapes(data: Data) -> Iterator[Shape]:
    """How the primary quotients are spread over units, by variant."""
    for reading in data.of_primary():
        if not reading.quotient or not reading.has_past:
            continue
        rows = data.units.quotients(reading, _LEAST_EVENTS)
        found = {variant: histogram(rows, variant) for variant in (data.control, *data.treatments)}
        edges = tuple(next(iter(found.values())).edges.tolist())
        shares = {name: tuple((each.counts / (each.n or 1)).tolist()) for name, each in found.items()}
        yield Shape(reading.metric.name, edges, shares)
