"""Messages × routes × clock × the past → letters. Pure: nothing is sent here, and nothing vanishes without a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from assay.delivery.letters import Letter, Past, Record, letter_key
from assay.delivery.message import SEVERITIES, Message, require_aware
from assay.delivery.routes import Reached, Routes, Silence, fallbacks, reached


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one message on one route: a letter to `send`, now or later, or none (`skip`, `fail`).

    `reason` says why in each case.
    """

    route: str
    message: Message
    action: Literal["send", "skip", "fail"]
    reason: str
    letter: Letter | None = None


def route(
    messages: Iterable[Message], routes: Routes, clock: datetime, past: Past, silences: Iterable[Silence] = ()
) -> tuple[Decision, ...]:
    """Decide about every message; the order of the input does not matter, nor does that of `routes`.

    Deciding again after the letters were recorded gives no letter.
    """
    require_aware(clock)
    silences, found = tuple(silences), list[Decision]()
    for message, twin in _with_twins(messages):
        found += _decided(message, twin, routes, clock, past, silences)
    return tuple(sorted(_once(found), key=lambda each: each.action != "send"))


def _once(decisions: Iterable[Decision]) -> Iterator[Decision]:
    """Each letter once: the fire and an update of one episode, in one tick, may both ask for its escalation."""
    seen: set[str] = set()
    for each in decisions:
        if each.letter is None or each.letter.key not in seen:
            yield each
        else:
            yield replace(each, action="skip", reason="the same is sent in this tick", letter=None)
        seen |= {each.letter.key} if each.letter else set()


def _with_twins(messages: Iterable[Message]) -> Iterator[tuple[Message, bool]]:
    """Messages in a fixed order, equal ones once; True for one that differs from another of the same key."""
    earlier: list[Message] = []
    for message in sorted(messages, key=_order):
        if earlier and _name(earlier[0]) != _name(message):
            earlier = []
        if message not in earlier:
            yield message, bool(earlier)
            earlier.append(message)


def _name(message: Message) -> tuple[str, str, str]:
    return message.key, message.kind, entry_of(message)


def _order(message: Message) -> tuple[Any, ...]:
    blocks = [(each.title, each.text, each.image_name, each.image or b"") for each in message.blocks]
    content = (message.title, message.text, blocks, sorted(message.labels.items()), message.episode)
    return *_name(message), urgency(message), message.created, content


def urgency(message: Message) -> int:
    """Smaller for what matters more."""
    return -SEVERITIES.index(message.severity)


def entry_of(message: Message) -> str:
    return message.labels.get("route", "")


def _decided(
    message: Message, twin: bool, routes: Routes, clock: datetime, past: Past, silences: tuple[Silence, ...]
) -> list[Decision]:
    held = Decision(entry_of(message), message, "skip", "")
    if twin:
        return [replace(held, reason=f"another message has the key '{message.key}'")]
    silence = next((each for each in silences if each.covers(message.labels, clock)), None)
    if silence:
        return [replace(held, reason=f"silenced until {silence.end.isoformat()}: {silence.why}")]
    receivers = [*_receivers(message, routes, past)]
    if not receivers:
        return [_nobody(held, routes)]
    return [*_letters(message, receivers, routes, clock, past)]


def _nobody(held: Decision, routes: Routes) -> Decision:
    if held.message.kind == "resolve":
        return replace(held, reason="nobody was told of its episode")
    if held.route not in routes:
        return replace(held, action="fail", reason=f"there is no route '{held.route}'")
    return replace(held, action="fail", reason=f"no route at or below '{held.route}' takes it")


def _receivers(message: Message, routes: Routes, past: Past) -> Iterator[Reached]:
    """By the tree; and what answers a fire goes where that went. A resolve goes nowhere else."""
    found = reached(entry_of(message), message.labels, routes) if message.kind != "resolve" else ()
    yield from found
    if message.kind in ("update", "resolve"):
        heard = sorted({each.route for each in past.thread(message.thread) if _heard(each, routes)})
        names = {each.route for each in found}
        yield from (Reached((name,), "its episode was told here") for name in heard if name not in names)


def _heard(record: Record, routes: Routes) -> bool:
    """Whether a route knows the episode, or will: an escalation that is still to come does not count."""
    if record.route not in routes or record.kind == "resolve":
        return False
    coming = record.letter is not None and record.kind != "escalation"
    return coming or record.state == "unknown" or record.sent_at is not None


def _letters(
    message: Message, receivers: list[Reached], routes: Routes, clock: datetime, past: Past
) -> Iterator[Decision]:
    addresses: dict[str, str] = {}
    for found in receivers:
        name = found.route
        first = addresses.setdefault(routes[name].address, name)
        if first != name:
            yield Decision(name, message, "skip", f"route '{first}' goes to the same recipient")
            continue
        letter = _letter(message, found.path, routes, clock)
        said = _said(past.records.get(letter.key), routes, clock)
        if said:
            yield Decision(name, message, "skip", said)
            continue
        waits = f"; {letter.waits}: waits until {letter.due.isoformat()}" if letter.waits else ""
        yield Decision(name, message, "send", found.reason + waits, letter)
        yield from _escalation(letter, routes, past)


def _letter(
    message: Message, path: tuple[str, ...], routes: Routes, clock: datetime, due: datetime | None = None
) -> Letter:
    """For the last route of a path; in its quiet hours, for their end."""
    quiet, due = routes[path[-1]].quiet, due or clock
    letter = Letter(message, path[-1], clock, due, fallbacks=fallbacks(path, routes))
    if quiet and quiet.covers(due) and message.severity != "critical":
        return replace(letter, due=quiet.end_after(due), waits=str(quiet))
    return letter


def _said(record: Record | None, routes: Routes, clock: datetime) -> str:
    """Why a message is not said again; empty if it is to be said."""
    if record is None:
        return ""
    if record.letter:
        return f"planned for {record.letter.due.isoformat()}"
    told = record.told
    repeat = routes[record.route].repeat
    if told is None or (repeat is not None and clock - told >= repeat):
        return ""
    return f"sent at {told.isoformat()}" if record.state != "unknown" else f"may have arrived at {told.isoformat()}"


def _escalation(letter: Letter, routes: Routes, past: Past) -> Iterator[Decision]:
    rule, message = routes[letter.route].escalate, letter.message
    if rule is None or message.kind not in ("fire", "update"):
        return
    key = letter_key(message.thread, "escalation", rule.to)
    if rule.to not in routes or past.records.get(key):
        return
    minutes = int(rule.after.total_seconds() // 60)
    told = replace(
        message,
        key=message.thread,
        title=f"Not acknowledged for {minutes} min: {message.title}",
        kind="escalation",
        episode=message.thread,
    )
    reason = f"escalation of '{letter.route}', unless acknowledged or over"
    later = _letter(told, (rule.to,), routes, letter.since, letter.due + rule.after)
    yield Decision(rule.to, told, "send", reason, later)
