"""Episodes of one rule that are open together are one incident: one message, its updates, and one end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from assay.detect.lifecycle import Event

Word = Literal["fire", "update", "resolve", "correct"]
_ENDS = ("resolve", "correct")


@dataclass(frozen=True, slots=True)
class Incident:
    """What people were told of one rule and is not over. `id` is that of its first episode, `since` the first slot.

    `open`: episodes that they wait to hear the end of; `over`: those that have ended. `said`: updates so far.
    """

    id: str
    since: int
    open: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    corrected: bool = True
    said: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def without(self, gone: Collection[str]) -> Incident | None:
        """The same without some episodes of which nothing more will be said; None if no other is left."""
        left = tuple(name for name in self.open if name not in gone)
        return replace(self, open=left) if left else None

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Incident:
        """The inverse of `as_dict`, also after a journey through JSON."""
        return cls(**{**plain, "open": tuple(plain["open"]), "over": tuple(plain["over"])})


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say about an incident, as it was then: `events` are what happened."""

    word: Word
    incident: Incident
    events: tuple[Event, ...]


def gather(incident: Incident | None, events: Iterable[Event]) -> tuple[Incident | None, tuple[Note, ...]]:
    """The incident after the events of one slot, and what there is to say: at most an update or a fire, and an end.

    Only events that notify count. What begins while the incident is open is an update of it; its end is told once,
    when nothing of it is open any more, as a correction if nothing of it has stood.
    """
    told = [event for event in events if event.notify]
    begun = tuple(event for event in told if event.kind in ("fire", "update", "repeat"))
    ended = tuple(event for event in told if event.kind in ("resolve", "correct"))
    notes: list[Note] = []
    if begun:
        word: Word = "update" if incident else "fire"
        incident = _with(incident, begun)
        notes.append(Note(word, incident, begun))
    if ended and incident:
        incident = _without(incident, ended)
        if not incident.open:
            notes.append(Note("correct" if incident.corrected else "resolve", incident, ended))
            incident = None
    return incident, tuple(notes)


def worth_saying(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Of the notes of several slots: no beginning of what has ended meanwhile, and one update of each incident.

    The end stays: whoever heard of the beginning from a tick that was cut short hears of it, and others do not.
    """
    fired = {note.incident.id for note in notes if note.word == "fire"}
    ended = {note.incident.id for note in notes if note.word in _ENDS}
    left = [note for note in notes if note.word in _ENDS or note.incident.id not in fired & ended]
    found: list[Note] = []
    for note in left:
        if found and note.word == "update" and found[-1].incident.id == note.incident.id:
            last = found.pop()
            note = Note(last.word, note.incident, (*last.events, *note.events))
        found.append(note)
    return tuple(found)


def _with(incident: Incident | None, begun: Sequence[Event]) -> Incident:
    first = begun[0].episode
    found = incident or Incident(first.id, first.since)
    names = dict.fromkeys((*found.open, *(event.episode.id for event in begun)))
    since = min(found.since, *(event.episode.since for event in begun))
    return replace(found, open=tuple(names), since=since, said=found.said + (incident is not None))


def _without(incident: Incident, ended: Sequence[Event]) -> Incident:
    gone = {event.episode.id for event in ended}
    left = tuple(name for name in incident.open if name not in gone)
    over = (*incident.over, *(name for name in incident.open if name in gone))
    stood = any(event.kind == "resolve" for event in ended)
    return replace(incident, open=left, over=over, corrected=incident.corrected and not stood)
