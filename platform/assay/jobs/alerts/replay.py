"""The whole rule replayed on stored history: what it would have told of, and how little it can see.

A tick for each slot, by the same steps as `alert check`: scores, conditions, false discoveries, inhibitions, silences,
incidents. What only happens to a running system is not replayed: rows that come late, failed reads, acknowledgements
and snoozes, and what a route repeats, digests or holds back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from assay import detect
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.detect import LEARNING, NO_DATA, OK, Event, Note, Policy
from assay.detect.power import visible_drop
from assay.detect.scores import side_by_side
from assay.errors import UsageError, WarehouseError
from assay.jobs.alerts import alerting, memory, past, quiet
from assay.jobs.alerts.events import Bools
from assay.jobs.alerts.histories import TOTAL, Slice
from assay.jobs.alerts.memory import Memory
from assay.jobs.alerts.past import Past
from assay.jobs.alerts.quiet import Silences
from assay.jobs.alerts.rule import Rule
from assay.jobs.alerts.tick import Around, Due, Series, advance, parsed, policy
from assay.jobs.context import Context
from assay.jobs.storage import builds, source_states

WEEK = timedelta(days=7)
USUAL = timedelta(days=28)  # what is replayed when nothing is said
POWER = 0.6  # a rule that cannot see a drop of this size in its total is none
_UNMEASURED = frozenset(("static", "freshness"))  # detectors whose sigma is no noise
_SHOWN = 7  # days behind what can be seen


class Range(NamedTuple):
    """Local days [start, end), and the numbers of their first and last slot that is over."""

    start: date
    end: date
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Happened:
    """One episode of one series. `since`: the beginning of its first slot; `until`: the end of the slot in which it was
    over, None if it still is open. `peak`: the largest score. `quiet`: why nobody was told."""

    metric: str
    slice: Slice
    about: str
    since: datetime
    until: datetime | None
    peak: float | None
    change: float | None
    told: bool
    quiet: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen of one series: the smallest drop for two slots, as a share; None when not even a total loss is,
    or when `learning`: it has too little history."""

    metric: str
    slice: Slice
    drop: float | None
    learning: bool


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """What a rule would have done. `said`: the word of every message. `weeks`: with something to judge; `series_weeks`:
    of all series together. `points`: judged slots of all series. `firing`: slots after which an episode was open."""

    rule: Rule
    range: Range
    threshold: float
    episodes: tuple[Happened, ...]
    said: Counter[str]
    points: int
    weeks: float
    series_weeks: float
    seen: tuple[Seen, ...]
    firing: frozenset[int]

    @property
    def name(self) -> str:
        return self.rule.alert.name

    @property
    def alerts_per_week(self) -> float:
        """Incidents that are told of."""
        return self.said["fire"] / self.weeks if self.weeks else 0.0

    @property
    def messages_per_week(self) -> float:
        """Beginnings, updates and ends."""
        return self.said.total() / self.weeks if self.weeks else 0.0

    @property
    def noise(self) -> float:
        """Episodes a week of one series."""
        anomalies = sum(each.about == "anomaly" for each in self.episodes)
        return anomalies / self.series_weeks if self.series_weeks else 0.0

    @property
    def over_budget(self) -> bool:
        budget = self.rule.spec.budget
        return budget is not None and self.messages_per_week > budget

    @property
    def visible_in(self) -> timedelta:
        """How long a drop must last to be seen as `seen` says."""
        return 2 * self.rule.stride * self.rule.spec.every

    @property
    def powerless(self) -> tuple[str, ...]:
        """Metrics whose total, or whose best slice without one, must lose more than 60 % to be noticed."""
        if self.rule.detector in _UNMEASURED:
            return ()
        known = [each for each in self.seen if not each.learning and (each.slice == TOTAL or not self.rule.spec.total)]
        seen = {each.metric for each in known if each.drop is not None and each.drop <= POWER}
        return tuple(dict.fromkeys(each.metric for each in known if each.metric not in seen))


def replay(
    context: Context, names: Collection[str] = (), start: date | None = None, end: date | None = None
) -> list[Replayed]:
    """Replay alerts, all when no names are given, over the local days [start, end); the last four weeks of the data
    when left out.

    Raises UsageError E201 and E602, WarehouseError E511 when there are no events in the range, and CheckFailed E510
    when the newest day of it fails a check.
    """
    found = replays(context, context.catalog.definitions.alerts, _chosen(context, names), start, end)
    return [found[name] for name in _chosen(context, names)]


def _chosen(context: Context, names: Collection[str]) -> list[str]:
    return [each.name for each in alerting.select(context.catalog, names)]


def replays(
    context: Context,
    alerts: Mapping[str, Definition[AlertSpec]],
    names: Sequence[str],
    start: date | None = None,
    end: date | None = None,
) -> dict[str, Replayed]:
    """Some alerts by name, and those that speak for them."""
    builds.prepare(context)
    found: dict[str, Replayed] = {}
    for name in names:
        _replay(context, alerts, name, (start, end), found)
    return found


def _replay(
    context: Context,
    alerts: Mapping[str, Definition[AlertSpec]],
    name: str,
    days: tuple[date | None, date | None],
    found: dict[str, Replayed],
) -> None:
    """One alert into `found`, after those that speak for it."""
    if name in found or name not in alerts:
        return
    rule = Rule(context, alerts[name])
    for other in rule.spec.inhibited_by:
        _replay(context, alerts, other, days, found)
    span = range_of(rule, *days)
    found[name] = replayed(span, read(rule, span), found)


def range_of(rule: Rule, start: date | None, end: date | None) -> Range:
    """The days to replay. Raises UsageError E602 and WarehouseError E511."""
    sources = sorted({source for metric in rule.metrics for source in metric.sources})
    extents = [source_states.extent(rule.context, source) for source in sources]
    begins, ends = max(each.first for each in extents), min(each.last for each in extents)
    end = end or min(ends, rule.context.today) + timedelta(days=1)
    start = start or max(begins, end - USUAL)
    if end <= start:
        raise UsageError.of(
            "E602", f"There is no day from {start} to {end}.", why="--to is the day after the last one.",
            fix=f"Take a later day than {start} for --to.",
        )  # fmt: skip
    last = min(rule.timeline.first(end) - 1, rule.newest(rule.context.now))
    first = rule.timeline.first(start)
    if end <= begins or ends < start or last < first:
        raise WarehouseError.of(
            "E511", f"There is nothing to replay '{rule.alert.name}' on from {start} to {end}.",
            why=f"The events of {' and '.join(sources)} are from {begins} to {ends}.",
            fix=f"Try --from {max(begins, ends - USUAL)} --to {ends + timedelta(days=1)}.",
        )  # fmt: skip
    return Range(start, end, first, last)


def read(rule: Rule, span: Range) -> list[Past]:
    """Everything that the ticks of a range read. Raises CheckFailed E510."""
    last = span.last
    while rule.timeline.end(last) is None:
        last -= 1
    return past.pasts(rule, span.first, last)


def replayed(span: Range, pasts: Sequence[Past], others: Mapping[str, Replayed]) -> Replayed:
    """The ticks of a range, in order. `others`: the alerts that speak for this one."""
    if not pasts:
        raise WarehouseError.of(
            "E511", f"No slice has events from {span.start} to {span.end}.", why="There is nothing to judge.",
            fix="Choose other days, or correct 'by:'.",
        )  # fmt: skip
    walk = _Walk(pasts[0].rule, others)
    points, series_slots, judged_slots = 0, 0, 0
    newest: list[list[Series]] = []
    for number, numbers in _days(pasts[0], span):
        series = [each.day(number) for each in pasts]
        walk.day(numbers, series)
        states = [_states(each, numbers) for each in series]
        points += sum(int((each == OK).sum()) for each in states)
        series_slots += sum(int((each != LEARNING).sum()) for each in states)
        judged_slots += int(np.any([(each == OK).any(axis=0) for each in states], axis=0).sum())
        newest = [*newest, series][-_SHOWN:]
    rule, slot = pasts[0].rule, pasts[0].rule.spec.every / WEEK
    return Replayed(
        rule, span, series[0].scored.scores.threshold, tuple(walk.episodes()),
        Counter(note.word for note in walk.notes), points, judged_slots * slot, series_slots * slot,
        tuple(_seen(rule, newest)), frozenset(walk.firing),
    )  # fmt: skip


def _days(first: Past, span: Range) -> Iterator[tuple[int, range]]:
    """Each day with its slots inside the range."""
    own = first.rule.timeline.per_day
    shift = first.rule.stride - 1
    for place in range(len(first.chosen)):
        begin = (first.first + place) * own + shift
        numbers = range(max(begin, span.first), min(begin + own, span.last + 1))
        yield first.first + place, numbers


def _states(series: Series, numbers: range) -> np.ndarray:
    begin = numbers.start - series.scored.first
    return series.scored.scores.state[:, begin : begin + len(numbers)]


class _Walk:
    """One alert on its way through the slots of a range."""

    def __init__(self, rule: Rule, others: Mapping[str, Replayed]) -> None:
        self._rule, self._others = rule, others
        self._silences = Silences(rule.context, quiet.done(rule.context, rule.context.now))
        self._memory = Memory()
        self._events: list[Event] = []
        self.notes: list[Note] = []
        self.firing: set[int] = set()

    def day(self, numbers: range, series: Sequence[Series]) -> None:
        """The ticks of some slots; those at which nothing can happen are passed over, which changes nothing."""
        busy = np.logical_or.reduce([_busy(each) for each in series])
        for number in numbers:
            known = self._memory
            calm = known.judged is not None and not known.states and not busy[number - series[0].scored.first]
            if calm:
                self._memory = replace(known, judged=number)
            else:
                self._tick(number, series)

    def _tick(self, number: int, series: Sequence[Series]) -> None:
        end = self._rule.timeline.end(number)
        if end is None:  # the change of the clock left it out
            return
        at = end + (self._rule.spec.delay or timedelta(0))
        around = Around((), self._silences, _firing(self._rule, self._others, at))
        due = Due.of(self._rule, self._memory, number)._replace(young={})  # no rows come late
        steps = advance(self._rule, at, around, self._memory, due, series)
        after = steps.memory(number)
        self._memory = replace(
            after, states={name: each for name, each in after.states.items() if memory.matters(each)}
        )
        self._events += steps.events
        self.notes += steps.notes
        if after.fires:
            self.firing.add(number)

    def episodes(self) -> Iterator[Happened]:
        """By their beginning; what was corrected never was."""
        found: dict[str, list[Event]] = {}
        for event in self._events:
            found.setdefault(event.episode.id, []).append(event)
        still = [each for state in self._memory.states.values() for each in (state.anomaly, state.blind) if each]
        last = {episode.id: episode for episode in still}
        told = [_happened(self._rule, events, last) for events in found.values() if events[-1].kind != "correct"]
        yield from sorted(told, key=lambda each: (each.since, each.metric, each.slice))


def _busy(series: Series) -> Bools:
    missing = (series.scored.scores.state == NO_DATA) & series.scored.learnt[:, None]
    busy: Bools = ((series.readings.sides != 0) | missing).any(axis=0)
    return busy


def _firing(rule: Rule, others: Mapping[str, Replayed], at: datetime) -> set[str]:
    """As `alerting` asks: which alerts that speak for this one fire, or did within its window."""
    reach = (rule.spec.window or timedelta(0)) + rule.spec.resolve * rule.spec.every
    known = [others[name] for name in rule.spec.inhibited_by if name in others]
    return {each.name for each in known if {each.rule.newest(at), each.rule.newest(at - reach)} & each.firing}


def _happened(rule: Rule, events: Sequence[Event], still: Mapping[str, detect.Episode]) -> Happened:
    first, last = events[0], events[-1]
    episode = still.get(last.episode.id, last.episode)
    since = rule.timeline.start(episode.since)
    assert since is not None, "an episode begins with a slot"
    until = rule.timeline.end(last.slot) if last.kind == "resolve" else None
    told = any(event.notify for event in events)
    peak = episode.peak if episode.about == "anomaly" else None
    metric, where = parsed(first.fingerprint)
    return Happened(metric, where, episode.about, since, until, peak, episode.change, told, () if told else first.quiet)


def _seen(rule: Rule, days: Sequence[Sequence[Series]]) -> Iterator[Seen]:
    """What the newest days say of the slices of the last one."""
    for place, newest in enumerate(days[-1]):
        names = newest.names
        parts = []
        for series in (each[place] for each in days):
            rows = [series.names.index(name) if name in series.names else -1 for name in names]
            parts.append(series.scored.scores.newest(rule.timeline.per_day).series(rows))
        scores = side_by_side(parts)
        drops = [visible_drop(scores, each, rule.timeline.per_day) for each in _policies(rule)]
        learning = ~(scores.state == OK).any(axis=1)
        for row, name in enumerate(names):
            drop = float(drops[name != TOTAL][row])
            unknown = np.isnan(drop) or bool(learning[row]) or rule.detector in _UNMEASURED
            yield Seen(newest.metric.name, name, None if unknown else drop, bool(learning[row]))


def _policies(rule: Rule) -> tuple[Policy, Policy]:
    """Of totals, and of slices."""
    return policy(rule.spec), policy(rule.spec, slices=True)
