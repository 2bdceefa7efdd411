"""The numbers behind an alert: every metric and slice, scored in the newest slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from assay import detect
from assay.catalog.catalog import Metric
from assay.config.base import show_duration
from assay.detect import LEARNING, NO_DATA, Prepared, Scores
from assay.detect.scores import side_by_side
from assay.jobs.alerts import events, expected, histories, seasons, slots
from assay.jobs.alerts.events import Bools
from assay.jobs.alerts.histories import Matrix, Slice, Windows
from assay.jobs.alerts.rule import Rule
from assay.jobs.alerts.seasons import Day
from assay.jobs.alerts.slots import Stored
from assay.jobs.storage import builds

_MANY = 2_000  # values of a dimension, from which on all are read: so many cannot be listed in a statement


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One metric: `names` are its slices, the rows of the scores; column j is the slot number `first` + j.

    `muted`, shape (slices, slots): what a known event explains. `learnt`, shape (slices,): which have a history.
    """

    metric: Metric
    names: tuple[Slice, ...]
    first: int
    scores: Scores
    muted: Bools
    learnt: Bools


def scored(rule: Rule, first: int, last: int) -> list[Scored]:
    """Score the slots from the number `first` to `last`; what is missing of their history is built first.

    Raises CheckFailed E510 when the events of the newest day fail a check.
    """
    reach = Reach.of(rule, last)
    end = reach.past.timeline.end(last)
    assert end is not None, "a judged slot exists"
    stored = slots.bring_up_to_date(rule.context, rule.spec.every, rule.metrics, reach.past.days[0], end)
    if reach.past.stride == 1:
        return _scored(rule, reach, stored, last - first + 1)
    reaches = [Reach.of(rule, number) for number in range(first, last + 1)]
    each = [_scored(rule, own, stored, 1) for own in reaches]
    return [_in_order(columns) for columns in zip(*each, strict=True)]


class Reach(NamedTuple):
    """What a judgement reads. `past`: whole days before the one of the judged span; `recent`: from some days before it
    to that span. Days of long spans begin where spans do."""

    past: Windows
    recent: Windows

    @classmethod
    def of(cls, rule: Rule, last: int) -> Reach:
        """Of the span that ends with the slot `last`."""
        own, stride = rule.timeline, rule.stride
        begin = last + 1 - stride
        today = begin - (begin - begin % stride) % own.per_day
        past = Windows(own, today - rule.days * own.per_day, rule.days * (own.per_day // stride), stride)
        warm = detect.warm_up_days(past.per_day, rule.setting) if rule.prepares else rule.days
        start = today - warm * own.per_day
        return cls(past, Windows(own, start, (last + 1 - start) // stride, stride))

    @property
    def whole(self) -> Windows:
        """Past and judged spans together."""
        return replace(self.past, count=(self.recent.stop - self.past.start) // self.past.stride)

    def holds(self, count: int) -> bool:
        """Whether the last `count` spans lie within the judged day."""
        return count * self.past.stride <= self.recent.stop - self.past.stop


def _scored(rule: Rule, reach: Reach, stored: Stored, count: int) -> list[Scored]:
    """The last `count` spans: from the prepared day where they lie within it, otherwise from the whole history."""
    days = [seasons.of_day(rule, metric, reach.past, stored) for metric in rule.metrics]
    if rule.prepares and reach.holds(count):
        found = _matrices(rule, days, reach.recent, stored)
        if not any(matrix.signed and not day.signed for matrix, day in zip(found, days, strict=True)):
            return [_quick(rule, *each, reach, count) for each in zip(found, days, strict=True)]
    found = _matrices(rule, days, reach.whole, stored)
    return [_slow(rule, *each, reach, count) for each in zip(found, days, strict=True)]


def _matrices(rule: Rule, days: Sequence[Day], windows: Windows, stored: Stored) -> list[Matrix]:
    """All metrics in one statement, each with the slices of its day."""
    dimensions = ([""] if rule.spec.total else []) + list(rule.spec.by)
    values = sorted({value for day in days for _, value in day.names})
    chosen = values if len(values) < _MANY else None
    found = histories.read(rule.context, rule.metrics, dimensions, windows, stored, chosen)
    return [matrix.chosen(day.names) for matrix, day in zip(found, days, strict=True)]


def _quick(rule: Rule, matrix: Matrix, day: Day, reach: Reach, count: int) -> Scored:
    assert day.season is not None, "a prepared day has a season"
    windows = reach.recent
    data = events.left_out(rule, matrix, expected.history(rule, matrix, windows, day.signed), windows, reach.past.stop)
    prepared = Prepared(day.season, windows.timeline.weekday(reach.past.stop), windows.per_day)
    return finished(rule, matrix, day, windows, rule.tick(prepared, data, count))


def _slow(rule: Rule, matrix: Matrix, day: Day, reach: Reach, count: int) -> Scored:
    windows = reach.whole
    data = events.left_out(
        rule, matrix, expected.history(rule, matrix, windows, day.signed or matrix.signed), windows, reach.past.stop
    )
    return finished(rule, matrix, day, windows, rule.score(data, count))


def finished(rule: Rule, matrix: Matrix, day: Day, windows: Windows, scores: Scores) -> Scored:
    """Calibrated, and with what is known of the calendar."""
    count = scores.shape[1]
    scores = scores.scaled(np.broadcast_to(day.factor[:, None], scores.shape))
    scores = events.expecting(rule, matrix, windows, scores)
    muted = events.muted(rule, matrix, windows)[:, windows.count - count :]
    scores = _of_nothing(scores, matrix.stored[windows.count - count :])
    return Scored(matrix.metric, day.names, windows.last(windows.count - count), scores, muted, day.learnt)


def _of_nothing(scores: Scores, stored: Bools) -> Scores:
    """A ratio of nothing in a slot that is stored is no missing slot: there is nothing to judge."""
    return replace(scores, state=np.where((scores.state == NO_DATA) & stored, LEARNING, scores.state).astype(np.int8))


def _in_order(columns: Sequence[Scored]) -> Scored:
    """Slots of long spans, each judged by itself, side by side: for the slices that the newest one has."""
    names = columns[-1].names
    rows = [[each.names.index(name) if name in each.names else -1 for name in names] for each in columns]
    scores = side_by_side([each.scores.series(chosen) for each, chosen in zip(columns, rows, strict=True)])
    muted = [np.pad(each.muted, ((0, 1), (0, 0)))[chosen] for each, chosen in zip(columns, rows, strict=True)]
    return replace(columns[-1], first=columns[0].first, scores=scores, muted=np.concatenate(muted, axis=1))


def course(rule: Rule, metric: Metric, name: Slice, last: int, count: int) -> tuple[Scores, Windows]:
    """The newest scores of one series up to a slot, from its whole history: what a chart shows."""
    reach = Reach.of(rule, last)
    stored = builds.read(rule.context, show_duration(rule.spec.every))
    day = seasons.of_day(rule, metric, reach.past, stored)
    matrix = histories.read(rule.context, [metric], [name[0]], reach.whole, stored, [name[1]])[0].chosen([name])
    data = events.left_out(
        rule, matrix, expected.history(rule, matrix, reach.whole, day.signed), reach.whole, reach.past.stop
    )
    scores = rule.score(data, min(count, reach.whole.count))
    factor = day.factor[day.names.index(name)] if name in day.names else 1.0
    return scores.scaled(np.full(scores.shape, factor)), reach.whole
