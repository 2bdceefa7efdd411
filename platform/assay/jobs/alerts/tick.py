"""One tick of one alert: new slots are scored and read, the states move on, and what happened becomes notes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import NamedTuple

import numpy as np

from assay import detect
from assay.catalog.catalog import Metric
from assay.config.alert import AlertSpec
from assay.detect import NO_DATA, Event, Note, Policy, Reading, Readings, State
from assay.errors import CheckFailed, WarehouseError
from assay.jobs.alerts import events, memory, quiet, scores
from assay.jobs.alerts.histories import TOTAL, Slice
from assay.jobs.alerts.memory import Memory
from assay.jobs.alerts.quiet import Done, Silences
from assay.jobs.alerts.rule import Rule
from assay.jobs.alerts.scores import Scored

LOOKBACK = 12  # slots that a late start or late rows may reach back, the newest included


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric of a tick: its scores, and what they mean under the policy; rows of both are `names`."""

    scored: Scored
    readings: Readings

    @property
    def metric(self) -> Metric:
        return self.scored.metric

    @property
    def names(self) -> tuple[Slice, ...]:
        return self.scored.names


@dataclass(frozen=True, slots=True, eq=False)
class Ticked:
    """What one tick found. `newest`: the number of the judged slot. `quiet`: why nobody hears of a series now, by
    fingerprint. `error`: why nothing could be judged."""

    rule: Rule
    newest: int
    before: Memory
    after: Memory
    series: tuple[Series, ...] = ()
    events: tuple[Event, ...] = ()
    notes: tuple[Note, ...] = ()
    quiet: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    error: CheckFailed | WarehouseError | None = None

    @property
    def name(self) -> str:
        """Of the alert."""
        return self.rule.alert.name

    @property
    def evaluated(self) -> int:
        return sum(len(each.names) for each in self.series)


@dataclass(frozen=True, slots=True)
class Around:
    """What lies outside an alert: what people did and declared, and which alerts fire."""

    actions: Collection[Done]
    silences: Silences
    firing: Collection[str] = ()


def fingerprint(alert: str, metric: str, name: Slice) -> str:
    """The name of one series of one alert."""
    dimension, value = name
    return f"{alert}/{metric}" + (f"/{dimension}={value}" if dimension else "")


def parsed(name: str) -> tuple[str, Slice]:
    """The metric and slice of a fingerprint."""
    _, metric, *rest = name.split("/", 2)
    dimension, _, value = rest[0].partition("=") if rest else ("", "", "")
    return metric, (dimension, value)


def policy(spec: AlertSpec, slices: bool = False) -> Policy:
    """The conditions of a total, or of slices, of which more slots must confirm."""
    return Policy(
        confirm=spec.confirm or ((2, 2) if slices else (1, 1)),
        direction=spec.direction,
        min_volume=spec.min_volume,
        min_change=spec.min_change,
        resolve=spec.resolve,
        instant=spec.instant or inf,
        no_data=spec.no_data,
        no_data_critical=spec.severity == "critical",
        critical=0.0 if spec.severity == "critical" else spec.critical or inf,
    )


def tick(rule: Rule, at: datetime, around: Around) -> Ticked:
    """Judge what has ended since the last tick, and again what late rows may have changed. Nothing is kept or sent.

    Slots that cannot be judged, because their rows fail a check or cannot be read, are missing slots.
    """
    newest = rule.newest(at)
    before = memory.read(rule.context, rule.alert.name, newest).about(rule.spec.metrics)
    due = Due.of(rule, before, newest)
    error: CheckFailed | WarehouseError | None = None
    try:
        series = _series(rule, min([newest, *due.fresh, *due.late]), newest)
    except (CheckFailed, WarehouseError) as problem:
        series, error = (), problem
    steps = advance(rule, at, around, before, due, series)
    after, happened = steps.memory(newest), tuple(steps.events)
    return Ticked(rule, newest, before, after, series, happened, steps.notes, steps.quiet, error)


class Due(NamedTuple):
    """What a tick judges: `fresh` slots since the last one, and again those on which the `young` episodes rest."""

    fresh: range
    young: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, rule: Rule, before: Memory, newest: int) -> Due:
        first = newest - LOOKBACK + 1
        fresh = _begin(rule, newest) if before.judged is None else max(first, before.judged + 1)
        today = newest - newest % rule.timeline.per_day  # yesterday was judged by another season
        return cls(range(fresh, newest + 1), _young(before, max(first, today)))

    @property
    def late(self) -> list[int]:
        return sorted({slot for hits in self.young.values() for slot in hits})


def advance(rule: Rule, at: datetime, around: Around, before: Memory, due: Due, series: Sequence[Series]) -> Steps:
    """The states of an alert after a tick; without any series, its totals are missing."""
    steps = Steps(rule, around, before)
    for slot in due.late if series else ():
        steps.slot(slot, steps.again(series, slot, due.young))
    for slot in due.fresh:
        steps.slot(slot, steps.readings(series, slot) if series else _missing(rule, slot))
    steps.time(at)
    return steps


def _begin(rule: Rule, newest: int) -> int:
    """Where an alert begins that remembers nothing. A long window looks back by itself; each slot costs a season."""
    most = LOOKBACK if rule.stride == 1 else max(policy(rule.spec, slices).confirm[1] for slices in (False, True))
    return newest - most + 1


def _young(before: Memory, first: int) -> dict[str, tuple[int, ...]]:
    """The slots on which open episodes rest, where late rows may still take all of them away."""
    found = {name: state.anomaly.hits for name, state in before.states.items() if state.anomaly}
    return {name: hits for name, hits in found.items() if min(hits) >= first}


def _series(rule: Rule, first: int, newest: int) -> tuple[Series, ...]:
    found = scores.scored(rule, first, newest)
    return tuple(Series(each, read(rule.spec, each)) for each in found)


def read(spec: AlertSpec, scored: Scored) -> Readings:
    """Of many slices, no more are hits than chance allows."""
    found = detect.read(scored.scores, policy(spec), scored.first, scored.muted)
    slices = np.array([name != TOTAL for name in scored.names], dtype=bool)
    return detect.controlled(found, spec.fdr, slices)


def _missing(rule: Rule, slot: int) -> dict[str, dict[str, Reading]]:
    """The totals of an alert that cannot be judged."""
    names = [metric.name for metric in rule.metrics]
    return {name: {fingerprint(rule.alert.name, name, TOTAL): Reading(slot, "no_data")} for name in names}


class Steps:
    """The states of one alert on their way through slots."""

    def __init__(self, rule: Rule, around: Around, before: Memory) -> None:
        self._alert, self._around, self._incident = rule.alert, around, before.incident
        self._timeline, self._metrics = rule.timeline, rule.metrics
        self._states = quiet.acted(before.states, around.actions, before.incident.id if before.incident else "")
        self._notes: list[Note] = []
        self.events: list[Event] = []
        self.quiet: dict[str, tuple[str, ...]] = {}

    @property
    def notes(self) -> tuple[Note, ...]:
        return detect.worth_saying(self._notes)

    def memory(self, newest: int) -> Memory:
        return Memory(newest, self._states, self._incident)

    def slot(self, number: int, readings: Mapping[str, Mapping[str, Reading]]) -> None:
        """One slot of every metric; one that the change of the clock left out is passed over."""
        end = self._timeline.end(number)
        if end is not None:
            self._step(readings, end)

    def time(self, at: datetime) -> None:
        """Nothing new, but a silence or a snooze may be over."""
        self._step({}, at)
        for metric in self._metrics:
            reasons = self._reasons(metric, at)
            mine = {name: state for name, state in self._states.items() if parsed(name)[0] == metric.name}
            open_ = {name: state for name, state in mine.items() if state.anomaly or state.blind}
            self.quiet |= {name: reasons(name) + quiet.snoozed(state, at) for name, state in open_.items()}

    def readings(self, series: Sequence[Series], slot: int) -> dict[str, dict[str, Reading]]:
        """Metric: what a slot says of each series about which there is something to remember or to say."""
        return {each.metric.name: self._gone(each, slot) | dict(self._told(each, slot)) for each in series}

    def again(
        self, series: Sequence[Series], slot: int, young: Mapping[str, Collection[int]]
    ) -> dict[str, dict[str, Reading]]:
        """What an earlier slot says now of those whose episodes rest on it: the others had their say."""
        return {
            each.metric.name: {name: found for name, found in self._told(each, slot) if slot in young.get(name, ())}
            for each in series
        }

    def _told(self, series: Series, slot: int) -> Iterator[tuple[str, Reading]]:
        column = slot - series.scored.first
        state = series.readings.scores.state[:, column]
        busy = (series.readings.sides[:, column] != 0) | ((state == NO_DATA) & series.scored.learnt)
        names = [fingerprint(self._alert.name, series.metric.name, each) for each in series.names]
        for row, name in enumerate(names):
            if busy[row] or name in self._states:
                yield name, series.readings.at(row, column)

    def _gone(self, series: Series, slot: int) -> dict[str, Reading]:
        """Series that are judged no more, since others are larger now: nothing is left to wait for."""
        names = {fingerprint(self._alert.name, series.metric.name, each) for each in series.names}
        mine = [name for name in self._states if parsed(name)[0] == series.metric.name]
        return {name: Reading(slot, "ok") for name in mine if name not in names}

    def _step(self, readings: Mapping[str, Mapping[str, Reading]], at: datetime) -> None:
        happened = [event for metric in self._metrics for event in self._moved(metric, readings, at)]
        self._incident, notes = detect.gather(self._incident, happened)
        self._notes += notes
        self.events += happened

    def _moved(self, metric: Metric, readings: Mapping[str, Mapping[str, Reading]], at: datetime) -> Sequence[Event]:
        """The states of one metric, one step further."""
        spec, mine = self._alert.spec, readings.get(metric.name, {})
        begun = {name: self._states.get(name, State(name, learnt=True)) for name in mine}
        known = {name: state for name, state in self._states.items() if parsed(name)[0] == metric.name}
        parent = fingerprint(self._alert.name, metric.name, TOTAL)
        found = detect.together(
            known | begun,
            mine,
            at.timestamp(),
            policy(spec, slices=True),
            self._reasons(metric, at),
            parent,
            policy(spec),
        )
        self._states = {**self._states, **found.states}
        return found.events

    def _reasons(self, metric: Metric, at: datetime) -> Callable[[str], tuple[str, ...]]:
        """Why nobody hears of a series of the metric at a moment."""
        inhibited = quiet.inhibited(self._alert, self._around.firing)

        def reasons(name: str) -> tuple[str, ...]:
            labels = events.labels(self._alert, metric, parsed(name)[1])
            return (*inhibited, *self._around.silences.of(labels, at))

        return reasons
