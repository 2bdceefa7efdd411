"""From readings to messages: a pure function of (state, reading, clock, what is quiet) → (state, events).

    learning → ok → pending → firing → ok          anomaly: fire, update, repeat, escalate, resolve or correct
                 ↘ no_data → ok or firing          missing slots: an episode of their own, fire and resolve

Acknowledged, snoozed and quiet (silenced, inhibited, muted) lie over a state and never replace it: an episode that
begins in silence is told of once when the silence lifts and it is still open. Whoever was told of a beginning is told
of its end. The same step taken twice changes nothing the second time, because a slot is judged once, and afterwards
only corrected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from math import inf, isfinite
from typing import Any, Literal

from assay.detect.policy import Policy, Reading, Status

Kind = Literal["fire", "update", "repeat", "escalate", "resolve", "correct"]
About = Literal["anomaly", "no_data"]
Phase = Literal["learning", "ok", "pending", "firing", "no_data"]
_NEVER = -inf


@dataclass(frozen=True, slots=True)
class Episode:
    """An open incident. Times are seconds since 1970; `told` is None until somebody was sent its beginning.

    `hits`: slots that carry it. `peak`: the score largest in size. `lost`: Σ (expected - value) over its hits.
    """

    id: str
    about: About
    since: int
    opened: float
    side: int = 0
    hits: tuple[int, ...] = ()
    critical: bool = False
    peak: float = 0.0
    change: float | None = None
    lost: float = 0.0
    sequence: int = 0
    told: float | None = None
    told_critical: bool = False
    updated: float = _NEVER
    repeated: float = _NEVER
    escalated: bool = False
    acknowledged: str | None = None
    snoozed: float = _NEVER


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of one fingerprint (an alert, a metric and a slice) between ticks.

    `slot`: the newest one judged. `recent`: hits that may still be confirmed, as (slot, side). `clean` and `missing`:
    such slots in a row. `learnt`: was ever judged, so that silence means something.
    """

    fingerprint: str
    slot: int | None = None
    clock: float = _NEVER
    status: Status = "learning"
    learnt: bool = False
    recent: tuple[tuple[int, int], ...] = ()
    clean: int = 0
    missing: int = 0
    anomaly: Episode | None = None
    blind: Episode | None = None

    @property
    def phase(self) -> Phase:
        if self.blind:
            return "no_data"
        if self.anomaly:
            return "firing"
        if self.status == "ok" and self.recent:
            return "pending"
        return "ok" if self.learnt and self.status != "learning" else "learning"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; "never" is None."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> State:
        """The inverse of `as_dict`, also after a journey through JSON."""
        found = dict(plain)
        for name in ("anomaly", "blind"):
            found[name] = found[name] and _episode(found[name])
        found["recent"] = tuple((slot, side) for slot, side in found["recent"])
        return cls(**found | {"clock": _NEVER if found["clock"] is None else found["clock"]})


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an episode. `key` is the same whenever the same step is taken.

    `notify`: whether it is a message; if not, `quiet` says why.
    """

    fingerprint: str
    episode: Episode
    kind: Kind
    at: float
    slot: int
    notify: bool
    quiet: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        return self.episode.id, self.episode.sequence


@dataclass(frozen=True, slots=True)
class Action:
    """What a person does to an open episode: `ack`, or `snooze` until a time, which must be finite (ValueError)."""

    kind: Literal["ack", "snooze"]
    by: str
    until: float = 0.0

    def __post_init__(self) -> None:
        if not isfinite(self.until):
            raise ValueError("a snooze has an end")


@dataclass(frozen=True, slots=True)
class _Step:
    """The state so far and the events of one step."""

    state: State
    policy: Policy
    at: float
    quiet: tuple[str, ...]
    events: tuple[Event, ...] = field(default=())

    def having(self, **changes: Any) -> _Step:
        return replace(self, state=replace(self.state, **changes))

    def event(self, name: Literal["anomaly", "blind"], kind: Kind, notify: bool, **changes: Any) -> _Step:
        """Write an event about an open episode, and change the episode with it."""
        episode: Episode = getattr(self.state, name)
        episode = replace(episode, sequence=episode.sequence + 1, **changes)
        slot = self.state.slot if self.state.slot is not None else episode.since
        event = Event(self.state.fingerprint, episode, kind, self.at, slot, notify, () if notify else self.quiet)
        return replace(self.having(**{name: episode}), events=(*self.events, event))


def step(
    state: State, reading: Reading | None, at: float, policy: Policy, quiet: Sequence[str] = ()
) -> tuple[State, tuple[Event, ...]]:
    """The state and the events after one reading, or after time alone has passed (None).

    `at`: seconds since 1970; a clock that jumps back stands still here. `quiet`: names of the silences, inhibitions
    and quiet hours that hold now. A slot not newer than the last can only correct. Slots that were never read confirm
    nothing and clear nothing.

    >>> policy = Policy(confirm=(2, 2))
    >>> low = [Reading(slot, "ok", side=-1, clean=False, score=-5.0) for slot in (7, 8)]
    >>> state, events = step(State("views"), low[0], 0.0, policy)
    >>> state.phase, events
    ('pending', ())
    >>> state, (event,) = step(state, low[1], 900.0, policy)
    >>> state.phase, event.kind, event.episode.since
    ('firing', 'fire', 7)
    """
    now = max(at, state.clock)
    taken = _Step(replace(state, clock=now), policy, now, tuple(quiet))
    if reading is not None:
        late = state.slot is not None and reading.slot <= state.slot
        taken = _late(taken, reading) if late else _fresh(taken, reading)
    taken = _due(_due(taken, "blind"), "anomaly")
    return taken.state, taken.events


def act(state: State, action: Action) -> State:
    """An acknowledgement or a snooze of whatever is open; nothing where nothing is."""

    def upon(episode: Episode | None) -> Episode | None:
        if episode is None:
            return None
        return (
            replace(episode, acknowledged=action.by) if action.kind == "ack" else replace(episode, snoozed=action.until)
        )

    return replace(state, anomaly=upon(state.anomaly), blind=upon(state.blind))


def _fresh(taken: _Step, reading: Reading) -> _Step:
    before = taken.state
    taken = taken.having(slot=reading.slot, status=reading.status)
    if reading.status == "learning":
        return taken.having(recent=(), missing=0)
    if reading.status == "no_data":
        follows = before.status == "no_data" and before.slot == reading.slot - 1
        return _blind(taken.having(missing=before.missing + 1 if follows else 1), reading)
    if before.blind:
        taken = _close(taken, "blind", "resolve")
    oldest = reading.slot - taken.policy.confirm[1]
    recent = tuple(hit for hit in before.recent if hit[0] > oldest)
    recent += ((reading.slot, reading.side),) if reading.side else ()
    taken = taken.having(recent=recent, missing=0, learnt=True)
    return _go_on(taken, reading) if before.anomaly else _begin(taken, reading)


def _blind(taken: _Step, reading: Reading) -> _Step:
    state, needed = taken.state, taken.policy.no_data
    if state.blind or not needed or not state.learnt or state.missing < needed:
        return taken
    since = reading.slot - state.missing + 1
    episode = Episode(_identity(state, "no_data", since), "no_data", since, taken.at)
    return _open(taken, "blind", replace(episode, critical=taken.policy.no_data_critical))


def _begin(taken: _Step, reading: Reading) -> _Step:
    state = taken.state
    same = tuple(slot for slot, side in state.recent if side == reading.side)
    if not reading.side or (len(same) < taken.policy.confirm[0] and not reading.instant):
        return taken
    episode = Episode(_identity(state, "anomaly", same[0]), "anomaly", same[0], taken.at, reading.side, same[:-1])
    return _open(taken.having(clean=0), "anomaly", _worse(episode, reading))


def _go_on(taken: _Step, reading: Reading) -> _Step:
    episode, clean = taken.state.anomaly, taken.state.clean
    assert episode is not None, "an open episode goes on"
    if reading.side:
        worse = _worse(episode, reading) if reading.side == episode.side else episode
        return taken.having(anomaly=worse, clean=0)
    taken = taken.having(clean=clean + 1 if reading.clean else 0)
    return _close(taken, "anomaly", "resolve") if taken.state.clean >= taken.policy.resolve else taken


def _late(taken: _Step, reading: Reading) -> _Step:
    """A slot that turned out to be calm carries nothing any more; an episode without any is corrected."""
    episode = taken.state.anomaly
    if reading.status != "ok" or reading.side or not reading.clean:  # a score that wavers at its threshold stands
        return taken
    taken = taken.having(recent=tuple(hit for hit in taken.state.recent if hit[0] != reading.slot))
    if episode is None or reading.slot not in episode.hits:
        return taken
    left = tuple(slot for slot in episode.hits if slot != reading.slot)
    taken = taken.having(anomaly=replace(episode, hits=left))
    return taken if left else _close(taken, "anomaly", "correct")


def _open(taken: _Step, name: Literal["anomaly", "blind"], episode: Episode) -> _Step:
    taken = taken.having(**{name: episode})
    return taken.event(name, "fire", notify=False) if taken.quiet else taken


def _close(taken: _Step, name: Literal["anomaly", "blind"], kind: Kind) -> _Step:
    episode: Episode = getattr(taken.state, name)
    taken = taken.event(name, kind, notify=episode.told is not None)
    return taken.having(**{name: None, "recent": (), "clean": 0})


def _due(taken: _Step, name: Literal["anomaly", "blind"]) -> _Step:
    """What time and severity ask for, unless it is quiet."""
    episode: Episode | None = getattr(taken.state, name)
    if episode is None or taken.quiet or taken.at < episode.snoozed:
        return taken
    if episode.told is None:
        times = dict.fromkeys(("told", "updated", "repeated"), taken.at)
        return taken.event(name, "fire", notify=True, told_critical=episode.critical, **times)
    if episode.acknowledged:
        return taken
    return _reminders(taken, name, episode)


def _reminders(taken: _Step, name: Literal["anomaly", "blind"], episode: Episode) -> _Step:
    at, policy = taken.at, taken.policy
    assert episode.told is not None, "reminders follow the beginning"
    if episode.critical and (not episode.told_critical or at - episode.updated >= policy.update):
        taken = taken.event(name, "update", notify=True, updated=at, told_critical=True)
    if episode.critical and at - episode.repeated >= policy.repeat:
        taken = taken.event(name, "repeat", notify=True, repeated=at)
    if not episode.escalated and at - episode.told >= policy.escalate:
        taken = taken.event(name, "escalate", notify=True, escalated=True)
    return taken


def _worse(episode: Episode, reading: Reading) -> Episode:
    """An episode with one more hit."""
    lost = reading.expected - reading.value if reading.expected is not None and reading.value is not None else 0.0
    hits, critical = (*episode.hits, reading.slot), episode.critical or reading.critical
    worse = replace(episode, hits=hits, critical=critical, lost=episode.lost + lost)
    if reading.score is None or abs(reading.score) <= abs(episode.peak):
        return worse
    return replace(worse, peak=reading.score, change=reading.change)


def _identity(state: State, about: About, since: int) -> str:
    return blake2b(f"{state.fingerprint}\0{about}\0{since}".encode(), digest_size=8).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return None if value == _NEVER else value


def _episode(plain: Mapping[str, Any]) -> Episode:
    never = {name: _NEVER for name in ("updated", "repeated", "snoozed") if plain[name] is None}
    return Episode(**{**plain, **never, "hits": tuple(plain["hits"])})
