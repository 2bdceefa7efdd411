"""What people do about alerts: acknowledge, snooze or judge an incident, and silence labels for a while.

An action is a row; the next tick reads it (`quiet.py`). Written once more under the same name, it stays one row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from assay.catalog.rules import labels
from assay.config.definitions import Definition
from assay.config.events import SilenceSpec
from assay.errors import Location, UsageError, did_you_mean
from assay.jobs.alerts import events, quiet
from assay.jobs.alerts.incidents import Incident
from assay.jobs.alerts.quiet import Done
from assay.jobs.context import Context
from assay.jobs.storage import builds
from assay.statement import Insert

Match = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, and why. `press` names the press of a button, so that handed out twice it is one action."""

    who: str
    why: str = ""
    press: str = ""


def acknowledge(context: Context, incident: Incident, person: Person) -> Done:
    """Somebody takes care: no repeats and no escalation any more. Raises UsageError E601 for what is over."""
    _still_open(incident)
    return _write(context, "ack", incident.id, person)


def snooze(context: Context, incident: Incident, length: timedelta, person: Person) -> Done:
    """Quiet for `length`. Raises UsageError E601 for what is over."""
    _still_open(incident)
    return _write(context, "snooze", incident.id, person, until=context.now + length)


def feedback(context: Context, incident: Incident, useful: bool, person: Person) -> Done:
    """Whether it was worth a message; also of what is over."""
    return _write(context, "useful" if useful else "noise", incident.id, person)


def silence(context: Context, match: Match, length: timedelta, person: Person) -> Done:
    """Nobody is told of series with these labels for `length`. Raises UsageError E201 for an unknown label or name."""
    end = context.now + length
    spec = SilenceSpec.model_construct(match=dict(match), start=context.now, end=end, why=person.why)
    asked = Definition("silences", "", spec, Location(""))
    if wrong := [*labels.matched(asked, labels.OF_SERIES, context.catalog, ())]:
        raise UsageError(*(replace(each, location=None) for each in wrong))
    return _write(context, "silence", "", person, match, end)


def unsilence(context: Context, name: str, person: Person) -> Done:
    """End a silence by hand. Raises UsageError E201 for an unknown one, E601 for one that is declared or over."""
    known = {each.id: each for each in silences(context)}
    if name not in known:
        raise _unknown_silence(name, known)
    found = known[name]
    if found.declared or found.state in ("over", "lifted"):
        raise UsageError.of(
            "E601",
            f"The silence '{name}' is {'declared' if found.declared else 'over'}.",
            why="Only one that somebody set by hand, and that still holds, can be lifted.",
            fix=f"Delete it in {found.declared}." if found.declared else "Nothing: it silences nobody any more.",
        )
    return _write(context, "unsilence", name, person)


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence as of a moment. `declared`: its file and line; empty if somebody set it by hand. `state`: `pauses` is
    between the hours of a day in which it holds."""

    id: str
    match: Match
    start: datetime
    end: datetime
    state: Literal["holds", "pauses", "coming", "over", "lifted"]
    who: str
    why: str
    declared: str

    def as_dict(self) -> dict[str, Any]:
        """One entry of the contract of `alert silences`."""
        times = {"from": self.start.isoformat(), "to": self.end.isoformat()}
        match = {label: list(values) for label, values in self.match.items()}
        names = ("id", "state", "who", "why", "declared")
        return {name: getattr(self, name) for name in names} | times | {"match": match}


def silences(context: Context) -> list[Silence]:
    """Declared ones, then those by hand, each in the order of their beginning."""
    builds.prepare(context)
    actions = quiet.done(context, context.now)
    return [*sorted(_declared(context), key=_order), *sorted(_by_hand(context, actions), key=_order)]


def _order(silence: Silence) -> tuple[datetime, str]:
    return silence.start, silence.id


def _declared(context: Context) -> Iterator[Silence]:
    now = events.local(context, context.now)
    zone = quiet.zone(context)
    for each in context.catalog.definitions.silences.values():
        spec = each.spec
        inside = "holds" if spec.covers(now) else "pauses"
        state: Any = "coming" if now < spec.start else "over" if now >= spec.end else inside
        start, end = (moment.replace(tzinfo=zone) for moment in (spec.start, spec.end))
        place = f"{each.location.path}:{each.location.line}"
        yield Silence(each.name, spec.match, start, end, state, spec.owner or "", spec.why, place)


def _by_hand(context: Context, actions: Sequence[Done]) -> Iterator[Silence]:
    zone = quiet.zone(context)
    lifted = {each.target: each.at for each in actions if each.kind == "unsilence"}
    for each in (each for each in actions if each.kind == "silence"):
        end = min(each.until, lifted.get(each.id, each.until))
        holds = "holds" if context.now < end else "over"
        state: Any = "lifted" if each.id in lifted else holds
        times = (each.start.astimezone(zone), end.astimezone(zone))
        yield Silence(each.id, each.match, *times, state, each.who, each.why, "")


def _unknown_silence(name: str, known: Mapping[str, Silence]) -> UsageError:
    return UsageError.of(
        "E201",
        f"There is no silence '{name}'.{did_you_mean(name, known)}",
        why="A silence is known by the name that was printed when it was set.",
        fix="'platform alert silences' lists them.",
    )


def _still_open(incident: Incident) -> None:
    if not incident.open:
        raise UsageError.of(
            "E601",
            f"The incident {incident.mark} of '{incident.alert}' is over.",
            why="There is nothing left to be told of, so nothing to acknowledge or snooze.",
            fix=f"Say what it was worth: platform alert feedback '{incident.mark}' --useful yes",
        )


def _write(
    context: Context, kind: str, target: str, person: Person, match: Match | None = None, until: datetime | None = None
) -> Done:
    builds.prepare(context)
    at = context.now.astimezone(UTC)
    known = dict(match or {})
    name = _name(person.press, kind, target) if person.press else _name(kind, target, known, at, person.who)
    done = Done(name, at, kind, target, known, at, (until or at).astimezone(UTC), person.who, person.why)
    columns = {
        field: [getattr(done, field)] for field in ("id", "at", "kind", "target", "start", "until", "who", "why")
    }
    columns |= {"match": [json.dumps({label: list(values) for label, values in known.items()}, ensure_ascii=False)]}
    table = f"{context.database}.alert_actions"
    context.engine.run(Insert(table, columns, "remember an action", f"alert_actions:{name}"))
    return done


def _name(*parts: Any) -> str:
    return sha256(repr(parts).encode(errors="replace")).hexdigest()[:8]


def told(done: Done, zone: Any) -> str:
    """What was done, in a few words: what a button says afterwards."""
    match done.kind:
        case "ack":
            return f"Acknowledged by {done.who}"
        case "snooze":
            return f"Snoozed until {done.until.astimezone(zone):%H:%M} by {done.who}"
    return f"{done.kind.capitalize()}, says {done.who}"
