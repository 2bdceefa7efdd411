"""What a rule would have done: the whole lifecycle over a history, and how much it can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from assay.detect.lifecycle import Event, State, step
from assay.detect.policy import Policy, Readings, read
from assay.detect.power import visible_drop
from assay.detect.scores import LEARNING, NO_DATA, OK, Scores
from assay.detect.series import Bools
from assay.detect.silences import Silence, quiet

_WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Fire:
    """One episode of the past; slots are columns. `end` is None if it was still open."""

    series: int
    about: str
    start: int
    end: int | None
    peak: float
    change: float | None
    lost: float
    told: bool


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """What a rule would have done over the judged part of a history.

    `weeks`: judged weeks of all series together (series without history do not count). `messages`: after grouping, at
    most one a tick for all series. `visible_drop`: the share of the metric that must be lost to be seen in two slots
    in 80 % of cases, per series; NaN where no drop is seen.
    """

    fires: tuple[Fire, ...]
    events: tuple[Event, ...]
    messages: int
    weeks: float
    slots_per_week: float
    judged: int
    threshold: float
    visible_drop: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def per_week(self) -> float:
        """Fires per week of one series: the noise of a metric-week."""
        return len(self.fires) / self.weeks if self.weeks else 0.0

    @property
    def messages_per_week(self) -> float:
        """Messages of the whole rule in a week."""
        return self.messages / (self.judged / self.slots_per_week) if self.judged else 0.0


def backtest(
    scores: Scores,
    policy: Policy,
    per_day: int,
    silences: Sequence[Silence] = (),
    muted: Bools | None = None,
) -> Backtest:
    """Replay the lifecycle over scores, each series on its own and every slot once.

    The clock is the end of each slot, in seconds from the first column. `muted`, shape (series, slots): known events.

    >>> from assay.detect import History, score
    >>> views = np.random.default_rng(3).poisson(400.0, (1, 40 * 96))
    >>> views[0, 3_600:3_624] = 0
    >>> found = backtest(score("seasonal_level", History.counts(views)), Policy(), per_day=96)
    >>> [(fire.start, fire.end) for fire in found.fires], found.messages
    ([(3600, 3626)], 2)
    """
    readings = read(scores, policy, muted=muted)
    length = 86_400 / per_day
    events = [
        event for series in range(scores.shape[0]) for event in replay(readings, series, policy, length, silences)
    ]
    ticks = {event.at for event in events if event.notify}
    judged = scores.state != LEARNING
    return Backtest(
        _fires(events), tuple(events), len(ticks), float(judged.sum()) * length / _WEEK, _WEEK / length,
        int(judged.any(axis=0).sum()), scores.threshold, visible_drop(scores, policy, per_day),
    )  # fmt: skip


def replay(
    readings: Readings, series: int, policy: Policy, length: float, silences: Sequence[Silence] = ()
) -> list[Event]:
    """The events of one series; its fingerprint is its number, `length` the seconds of a slot.

    Slots in which nothing can happen (ordinary ones, with nothing open) are passed over, which changes no event.
    """
    state, events = State(str(series)), list[Event]()
    status = readings.scores.state[series]
    forgets = (status == LEARNING) & (np.roll(status, 1) != LEARNING)  # what came before confirms nothing any more
    busy = np.flatnonzero((readings.sides[series] != 0) | (status == NO_DATA) | forgets)
    born = int(np.argmax(status == OK)) if (status == OK).any() else len(status)
    column = 0
    while column < len(status):
        if state.phase != "firing" and state.phase != "no_data" and state.status != "no_data":
            column = _next(busy, column, len(status))
            state = replace(state, learnt=state.learnt or column > born)
        if column < len(status):
            at = (column + 1) * length
            state, happened = step(state, readings.at(series, column), at, policy, quiet(silences, str(series), at))
            events.extend(happened)
        column += 1
    return events


def _next(busy: NDArray[np.intp], column: int, end: int) -> int:
    """The next column in which something can happen, from `column` on."""
    at = int(np.searchsorted(busy, column))
    return int(busy[at]) if at < len(busy) else end


def _fires(events: Sequence[Event]) -> tuple[Fire, ...]:
    """Episodes from their events, by series and beginning; what was corrected never was."""
    episodes: dict[str, list[Event]] = {}
    for event in events:
        episodes.setdefault(event.episode.id, []).append(event)
    fires = [_fire(each) for each in episodes.values() if each[-1].kind != "correct"]
    return tuple(sorted(fires, key=lambda fire: (fire.series, fire.start, fire.about)))


def _fire(events: Sequence[Event]) -> Fire:
    last = events[-1].episode
    end = events[-1].slot if events[-1].kind == "resolve" else None
    told = any(event.notify for event in events)
    return Fire(int(events[0].fingerprint), last.about, last.since, end, last.peak, last.change, last.lost, told)
