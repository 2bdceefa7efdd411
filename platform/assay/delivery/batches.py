"""Letters that are due → what is sent now: groups, digests, limits. Pure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any

from assay.delivery.letters import Letter, Past, letter_key
from assay.delivery.message import KINDS, SEVERITIES, Message
from assay.delivery.routes import Limit, Routes
from assay.delivery.routing import urgency

# A step written this far in the future was written by a clock that has been put back since.
_JUMP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """One message for one route that says all of its letters."""

    route: str
    message: Message
    letters: tuple[Letter, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(each.key for each in self.letters)


@dataclass(frozen=True, slots=True)
class Round:
    """What to send now, in this order, and letters that a limit makes wait (with a new `due`)."""

    now: tuple[Batch, ...]
    waiting: tuple[Letter, ...] = ()


def due(past: Past, routes: Routes, clock: datetime) -> list[Letter]:
    """Letters whose time has come, unless their recipient told us to wait. The past of a wrong clock does not count."""
    open_ = [(each.at, each.letter) for each in past.open() if each.letter and each.state == "planned"]
    open_ = [(at, letter) for at, letter in open_ if letter.route in routes]
    blocked = {
        routes[each.route].address for at, each in open_ if each.blocks and each.due > clock and at <= clock + _JUMP
    }
    return [
        each
        for at, each in open_
        if (each.due <= clock or at > clock + _JUMP) and routes[each.route].address not in blocked
    ]


def batches(letters: Iterable[Letter], routes: Routes, past: Past, clock: datetime) -> Round:
    """Group the letters of each route, criticals and older ones first; what exceeds a limit becomes one digest."""
    found = [each for name, those in _by(letters, lambda each: each.route) for each in _grouped(name, those, routes)]
    now, waiting = list[Batch](), list[Letter]()
    for _, together in _by(found, lambda each: routes[each.route].address):
        ordered = sorted(together, key=_order)
        allowed = _limited(ordered, _room(ordered[0].route, past, routes, clock))
        now += allowed.now
        waiting += allowed.waiting
    now.sort(key=lambda each: urgency(each.message))  # stable: within a recipient, the order stays
    return Round(tuple(_said_again(each, past, clock) for each in now), tuple(waiting))


def _by(items: Iterable[Any], key: Callable[[Any], Any]) -> list[tuple[Any, list[Any]]]:
    return [(name, list(found)) for name, found in groupby(sorted(items, key=key), key=key)]


def _order(batch: Batch) -> tuple[int, datetime, int, str, str]:
    first = min(each.since for each in batch.letters)
    return urgency(batch.message), first, KINDS.index(batch.message.kind), batch.route, batch.message.key


def _grouped(name: str, letters: list[Letter], routes: Routes) -> list[Batch]:
    """What waited for the same reason is one digest; the rest is grouped by labels."""

    def group(letter: Letter) -> tuple[str, ...]:
        message = letter.message
        if letter.waits and not letter.parts:
            return "digest", letter.waits, str(letter.possible_repeat)
        thread = "" if message.kind in ("note", "fire") else message.thread
        by = [message.labels.get(label, "") for label in routes[name].group_by] or [letter.key]
        alone = (letter.key, *letter.parts) if letter.parts else ()
        return message.kind, thread, str(letter.possible_repeat), *by, *alone

    found = []
    for label, members in _by(letters, group):
        together = sorted(members, key=lambda each: (urgency(each.message), each.key))
        waited = label[0] == "digest" and len(together) > 1
        found.append(digest(name, together, label[1]) if waited else _one(name, together))
    return found


def _one(name: str, letters: list[Letter]) -> Batch:
    return Batch(name, merge([each.message for each in letters], name), tuple(letters))


def _limited(ordered: list[Batch], allowance: tuple[int, datetime, str]) -> Round:
    """The first of them one by one, and the rest of what the limits allow as one digest.

    With nothing left of a limit, criticals still come, as one digest, and the others wait.
    """
    unlimited = [each for each in ordered if any(letter.parts for letter in each.letters)]
    ordered = [each for each in ordered if each not in unlimited]
    room, until, rule = allowance
    if room >= len(ordered):
        return Round((*ordered, *unlimited))
    alone = ordered[: max(room - 1, 0)]
    rest = [letter for each in ordered[len(alone) :] for letter in each.letters]
    told = [each for each in rest if room or each.message.severity == "critical"]
    waiting = tuple(replace(each, due=until, waits=rule) for each in rest if each not in told)
    together = [digest(ordered[0].route, told, rule)] if len(told) > 1 else [_one(each.route, [each]) for each in told]
    return Round((*alone, *together, *unlimited), waiting)


def _room(name: str, past: Past, routes: Routes, clock: datetime) -> tuple[int, datetime, str]:
    """How many more messages a route's recipient may get now, when there is room again, and by which rule."""
    same = {each.name for each in routes.values() if each.address == routes[name].address}
    tightest: tuple[int, datetime, str] = (sys.maxsize, clock, "")
    for limit in {limit for each in same for limit in routes[each].limits}:
        sent = _sent(same, past, clock, limit)
        until = min(sent, default=clock) + limit.per
        tightest = min(tightest, (max(limit.count - len(sent), 0), until, str(limit)))
    return tightest


def _sent(routes: Collection[str], past: Past, clock: datetime, limit: Limit) -> list[datetime]:
    """When the recipient was sent a message lately; letters that travelled together share time and reference."""
    found = {(each.told, each.reference) for each in past.records.values() if each.route in routes}
    return [told for told, _ in found if told is not None and clock - limit.per < told <= clock]


def _said_again(batch: Batch, past: Past, clock: datetime) -> Batch:
    """A repeat is a new message: channels keep one per key. What may have arrived before says so."""
    message = batch.message
    if any(letter.possible_repeat for letter in batch.letters):
        marks = " ".join(dict.fromkeys(letter.message.mark for letter in batch.letters))
        message = replace(message, text=f"possible repeat · {marks}\n\n{message.text}".rstrip())
    if any(past.records[key].sent_at for key in batch.keys if key in past.records):
        message = replace(message, key=f"{message.key}@{clock.isoformat()}")
    return replace(batch, message=message)


def merge(messages: list[Message], name: str) -> Message:
    """One message that says all of them, in their order; a single one stays as it is.

    Its key follows from theirs, so that the same group is the same message; its labels are those that they share.
    """
    first, *others = messages
    if not others:
        return first
    return Message(
        key=f"{name}:group:{_hash(messages)}",
        title=f"{first.title} (+{len(others)} more)",
        text="\n\n".join(f"{each.title}\n{each.text}" for each in messages),
        blocks=tuple(block for each in messages for block in each.blocks),
        severity=max((each.severity for each in messages), key=SEVERITIES.index),
        created=max(each.created for each in messages),
        labels=_shared(messages),
        kind=first.kind,
        episode=first.episode if all(each.episode == first.episode for each in others) else "",
        incidents=tuple(dict.fromkeys(name for each in messages for name in each.incidents)),
    )


def digest(name: str, letters: list[Letter], why: str) -> Batch:
    """One message with a line for each of several; their pictures stay behind."""
    letters = sorted(letters, key=lambda each: (urgency(each.message), each.message.created, each.key))
    messages = [each.message for each in letters]
    message = Message(
        key=f"{name}:digest:{_hash(messages)}",
        title=f"{len(messages)} messages together ({why})",
        text="\n".join(f"• {each.created:%d %b %H:%M} {_first_line(each)}" for each in messages),
        severity=max((each.severity for each in messages), key=SEVERITIES.index),
        created=max(each.created for each in messages),
        labels=_shared(messages),
    )
    return Batch(name, message, tuple(letters))


def _first_line(message: Message) -> str:
    head = message.text.strip().splitlines()
    return f"{message.title}: {head[0].removeprefix('• ')}" if head else message.title


def _hash(messages: list[Message]) -> str:
    keys = "\n".join(f"{each.key}:{each.kind}" for each in messages)
    return sha256(keys.encode(errors="replace")).hexdigest()[:12]


def _shared(messages: list[Message]) -> Mapping[str, str]:
    first, *others = messages
    return {name: value for name, value in first.labels.items() if all(o.labels.get(name) == value for o in others)}


def reply_to(batch: Batch, past: Past) -> str:
    """The reference of the message that a batch answers: the fire of its episode on the same route."""
    message = batch.message
    if message.kind not in ("update", "resolve") or not message.episode:
        return ""
    keys = (letter_key(message.episode, kind, batch.route) for kind in ("fire", "escalation"))
    return next((past.records[key].reference for key in keys if key in past.records), "")
