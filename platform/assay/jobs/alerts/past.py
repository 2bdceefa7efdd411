"""What an alert's ticks would have read over many days: each metric is scored once, and given out day by day.

The same numbers as those of the ticks, because every day of a detector depends on the days before it only. A day of
long spans is the one in which they begin: for each of their phases, as a tick reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np

from assay import detect
from assay.catalog.catalog import Metric
from assay.detect import History, Scores
from assay.detect.scores import joined, side_by_side
from assay.jobs.alerts import events, expected, scores, seasons, slots
from assay.jobs.alerts.events import Bools
from assay.jobs.alerts.histories import Matrix, Slice, Windows
from assay.jobs.alerts.rule import CALIBRATION, Rule
from assay.jobs.alerts.seasons import LEARNT, Day
from assay.jobs.alerts.slots import Stored
from assay.jobs.alerts.tick import LOOKBACK, Series, read


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """One metric in spans of one phase; rows are slices, and the last columns of `windows` are scored.

    `scores` are not calibrated and know every event; `live`, as a tick sees the day of an event that nobody knew ahead:
    it is still part of the baseline. `known`: which spans have a value. `stored`: shape (spans,).
    """

    windows: Windows
    stored: Bools
    known: Bools
    scores: Scores
    live: Scores

    def at(self, threshold: float) -> Phase:
        """Under another threshold."""
        return replace(self, scores=self.scores.at(threshold), live=self.live.at(threshold))


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """One metric on consecutive days, the first of which is the number `first`; `names` are its slices, `chosen` those
    that the ticks of each day judge."""

    rule: Rule
    metric: Metric
    first: int
    names: tuple[Slice, ...]
    chosen: tuple[tuple[Slice, ...], ...]
    phases: tuple[Phase, ...]

    def at(self, threshold: float) -> Past:
        """Under another threshold."""
        return replace(self, phases=tuple(each.at(threshold) for each in self.phases))

    def day(self, number: int) -> Series:
        """The slots of a day, and of short spans those before it that its ticks may judge again."""
        place = number - self.first
        parts = [self._scored(phase, place) for phase in self.phases]
        found = [each.scores for each in parts]
        muted = np.stack([each.muted for each in parts], axis=2).reshape(len(parts[0].names), -1)
        scored = replace(parts[-1], first=parts[0].first, scores=_in_turn(found), muted=muted)
        return Series(scored, read(self.rule.spec, scored))

    def _scored(self, phase: Phase, place: int) -> scores.Scored:
        names, windows = self.chosen[place], phase.windows
        at = {name: row for row, name in enumerate(self.names)}
        rows = [at[name] for name in names]
        begin = (self.rule.days + place) * windows.per_day
        lead, end = begin - _lead(self.rule), begin + windows.per_day
        skipped = windows.count - phase.scores.shape[1]
        earlier, today = (
            phase.scores.slots(slice(lead - skipped, begin - skipped)),
            slice(begin - skipped, end - skipped),
        )
        found = side_by_side([each.series(rows) for each in (earlier, phase.live.slots(today))])
        own = replace(windows, start=windows.start + lead * windows.stride, count=end - lead)
        matrix = Matrix(self.metric, names, phase.stored[lead:end], *[np.empty((0, 0))] * 3)
        return scores.finished(self.rule, matrix, self._day(phase, names, rows, begin, skipped), own, found)

    def _day(self, phase: Phase, names: tuple[Slice, ...], rows: Sequence[int], begin: int, skipped: int) -> Day:
        """What is known at the beginning of a day."""
        per_day, factor = phase.windows.per_day, np.ones(len(rows))
        if self.rule.calibrates:
            past = phase.scores.slots(slice(begin - CALIBRATION * per_day - skipped, begin - skipped))
            factor = detect.factors(past.series(rows), per_day, CALIBRATION)
        recent = phase.known[rows, begin - LEARNT * per_day : begin]
        return Day(names, False, factor, recent.sum(axis=1) >= LEARNT * per_day / 2)


def pasts(rule: Rule, first: int, last: int) -> list[Past]:
    """What the ticks of the slots from the number `first` to `last` read; what is missing is built first.

    A metric without any slice is left out. Raises CheckFailed E510 when the events of the newest day fail a check.
    """
    own, end = rule.timeline, rule.timeline.end(last)
    assert end is not None, "the last slot exists"
    days = range(_day(rule, first - LOOKBACK + 1) if rule.stride > 1 else _day(rule, first), _day(rule, last) + 1)
    stored = _stored(rule, (days[0] - rule.days) * own.per_day, end)
    found = [_past(rule, metric, days, stored) for metric in rule.metrics]
    rule.context.progress(1, 1, f"{rule.alert.name}: all is read")
    return [each for each in found if each.names]


def _day(rule: Rule, slot: int) -> int:
    """The number of the day to which the span that ends with a slot belongs."""
    return (slot + 1 - rule.stride) // rule.timeline.per_day


def _lead(rule: Rule) -> int:
    """Spans before a day that its first ticks may judge again."""
    return LOOKBACK - 1 if rule.stride == 1 else 0


def _stored(rule: Rule, first: int, end: datetime) -> Stored:
    return slots.bring_up_to_date(rule.context, rule.spec.every, rule.metrics, rule.timeline.day(first), end)


def _past(rule: Rule, metric: Metric, days: range, stored: Stored) -> Past:
    own, spans = rule.timeline, rule.timeline.per_day // rule.stride
    start = (days[0] - rule.days) * own.per_day
    whole = Windows(own, start, (rule.days + len(days)) * spans, rule.stride)
    chosen = _chosen(rule, metric, whole, len(days))
    names = tuple(sorted({name for each in chosen for name in each}))
    read = []
    for phase in range(rule.stride if names else 0):
        rule.context.progress(phase, rule.stride, f"{rule.alert.name}: {metric.name}, {len(names)} series")
        read.append(_phase(rule, metric, names, replace(whole, start=start + phase), stored))
    return Past(rule, metric, days[0], names, chosen, tuple(read))


def _chosen(rule: Rule, metric: Metric, whole: Windows, days: int) -> tuple[tuple[Slice, ...], ...]:
    """The slices that the ticks of each day judge: the same where all fit, since a new one only learns at first."""
    every = tuple(seasons.slices(rule, metric, whole))
    if all(sum(dimension == name for name, _ in every) < rule.spec.top for dimension in rule.spec.by):
        return (every,) * days
    spans, own = whole.per_day, whole.timeline.per_day
    pasts = (replace(whole, start=whole.start + day * own, count=rule.days * spans) for day in range(days))
    return tuple(tuple(seasons.slices(rule, metric, each)) for each in pasts)


def _phase(rule: Rule, metric: Metric, names: Sequence[Slice], windows: Windows, stored: Stored) -> Phase:
    batches = list(seasons.read(rule, metric, windows, names, stored))
    signed = any(each.signed for each in batches)
    found = [_scores(rule, each, expected.history(rule, each, windows, signed), windows) for each in batches]
    known = np.concatenate([np.isfinite(each.value) for each in batches])
    every, live = (joined(each) for each in zip(*found, strict=True))
    return Phase(windows, batches[0].stored, known, every, live)


def _scores(rule: Rule, matrix: Matrix, data: History, windows: Windows) -> tuple[Scores, Scores]:
    """Scores that know every event, and those of a tick on the day of one that nobody knew ahead."""
    per_day = windows.per_day
    before = max(CALIBRATION if rule.calibrates else 0, -(-_lead(rule) // per_day))
    first = rule.days - before
    known = events.left_out(rule, matrix, data, windows, windows.stop)
    found = rule.score(known, windows.count - first * per_day)
    live = [found.slots(slice((day - first) * per_day, (day + 1 - first) * per_day)) for day in _days(windows, first)]
    for day in sorted(_surprised(rule, matrix, data, known, windows)):
        if day >= rule.days:
            today = windows.start + day * windows.timeline.per_day
            seen = events.left_out(rule, matrix, data, windows, today).until((day + 1) * per_day)
            live[day - first] = rule.score(seen, per_day)
    return found, side_by_side(live)


def _days(windows: Windows, first: int) -> range:
    return range(first, windows.count // windows.per_day)


def _surprised(rule: Rule, matrix: Matrix, data: History, known: History, windows: Windows) -> set[int]:
    """The days with events that nobody knew ahead, counted from the beginning of the windows."""
    ahead = events.left_out(rule, matrix, data, windows, windows.start)
    if known.weights is None:
        return set()
    kept = np.ones(data.shape) if ahead.weights is None else ahead.weights
    return set(np.flatnonzero((kept != known.weights).any(axis=0)) // windows.per_day)


def _in_turn(parts: Sequence[Scores]) -> Scores:
    """Phases of the same series, one span of each after the other."""
    if len(parts) == 1:
        return parts[0]
    names = [each.name for each in fields(parts[0]) if each.name not in ("threshold", "kind")]
    matrices: dict[str, Any] = {
        name: np.stack([getattr(each, name) for each in parts], axis=2).reshape(parts[0].shape[0], -1) for name in names
    }
    return replace(parts[0], **matrices)
