"""Messages × routes × clock × earlier sends → deliveries. Pure: nothing is sent here, and nothing vanishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any, Literal
from zoneinfo import ZoneInfo

from assay.delivery.message import SEVERITIES, Message, require_aware


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in a time zone, the end excluded; they may pass midnight, and equal ends mean none."""

    start: time
    end: time
    zone: str

    def covers(self, moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(self.zone)).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages go. `group_by`: labels whose equal values share one message; without any, each goes alone.

    `repeat`: say a key again after this long; None says it once. In `quiet` hours only criticals pass.
    """

    name: str
    channel: str
    options: Mapping[str, Any] = field(default_factory=dict)
    group_by: tuple[str, ...] = ()
    repeat: timedelta | None = None
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message for one route: to send, or held back (`skip`) or impossible (`fail`) for a `reason`.

    `members` are the ledger's keys of what it says: more than one for a group.
    """

    route: str
    message: Message
    members: tuple[str, ...]
    action: Literal["send", "skip", "fail"]
    reason: str = ""


def ledger_key(message: Message) -> str:
    """The same message on another route is another entry."""
    return f"{route_of(message)}:{message.key}"


def route_of(message: Message) -> str:
    return message.labels.get("route", "")


def route(
    messages: Iterable[Message], routes: Mapping[str, Route], clock: datetime, sent: Mapping[str, datetime]
) -> tuple[Delivery, ...]:
    """Decide about every message; the order of the input does not matter.

    `sent` maps ledger keys to the time of the last successful send. What is sent comes first, group by group with
    criticals ahead, then what is held back. Routing again after recording the sends sends nothing.
    """
    require_aware(clock)
    fresh: list[Message] = []
    held: list[Delivery] = []
    for message, twin in _with_twins(messages):
        verdict = _held_back(message, twin, routes, clock, sent)
        if verdict is None:
            fresh.append(message)
        else:
            held.append(verdict)
    return (*_grouped(fresh, routes, sent, clock), *held)


def _with_twins(messages: Iterable[Message]) -> Iterator[tuple[Message, bool]]:
    """Messages in a fixed order, equal ones once; True for one that differs from another of the same key."""
    earlier: list[Message] = []
    for message in sorted(messages, key=_order):
        if earlier and ledger_key(earlier[0]) != ledger_key(message):
            earlier = []
        if message not in earlier:
            yield message, bool(earlier)
            earlier.append(message)


def _order(message: Message) -> tuple[Any, ...]:
    blocks = [(each.title, each.text, each.image_name, each.image or b"") for each in message.blocks]
    content = (message.title, message.text, blocks, sorted(message.labels.items()))
    return ledger_key(message), _urgency(message), message.created, content


def _urgency(message: Message) -> int:
    return -SEVERITIES.index(message.severity)


def _held_back(
    message: Message, twin: bool, routes: Mapping[str, Route], clock: datetime, sent: Mapping[str, datetime]
) -> Delivery | None:
    name, key = route_of(message), ledger_key(message)
    held = Delivery(name, message, (key,), "skip")
    found = routes.get(name)
    if found is None:
        return replace(held, action="fail", reason=f"there is no route '{name}'")
    if twin:
        return replace(held, reason=f"another message has the key '{message.key}'")
    if key in sent and (found.repeat is None or clock - sent[key] < found.repeat):
        return replace(held, reason=f"sent at {sent[key].isoformat()}")
    if found.quiet and found.quiet.covers(clock) and message.severity != "critical":
        return replace(held, reason=f"quiet hours {found.quiet.start:%H:%M}-{found.quiet.end:%H:%M}")
    return None


def _grouped(
    messages: list[Message], routes: Mapping[str, Route], sent: Mapping[str, datetime], clock: datetime
) -> list[Delivery]:
    def group(message: Message) -> tuple[str, ...]:
        by = routes[route_of(message)].group_by
        return (route_of(message), *([message.labels.get(label, "") for label in by] or [message.key]))

    deliveries = []
    for _, members in groupby(sorted(messages, key=lambda each: (group(each), _urgency(each), each.key)), key=group):
        together = list(members)
        keys = tuple(ledger_key(each) for each in together)
        message = merge(together)
        if any(key in sent for key in keys):  # a repeat is a new message: channels keep one per key
            message = replace(message, key=f"{message.key}@{clock.isoformat()}")
        deliveries.append(Delivery(route_of(message), message, keys, "send"))
    return sorted(deliveries, key=lambda each: (_urgency(each.message), each.route, each.message.key))


def merge(messages: list[Message]) -> Message:
    """One message that says all of them, in their order; a single one stays as it is.

    Its key follows from theirs, so that the same group is the same message; its labels are those that they share.
    """
    first, *others = messages
    if not others:
        return first
    digest = sha256("\n".join(each.key for each in messages).encode()).hexdigest()[:12]
    shared = {name: value for name, value in first.labels.items() if all(o.labels.get(name) == value for o in others)}
    return Message(
        key=f"{route_of(first)}:group:{digest}",
        title=f"{first.title} (+{len(others)} more)",
        text="\n\n".join(f"{each.title}\n{each.text}" for each in messages),
        blocks=tuple(block for each in messages for block in each.blocks),
        severity=max((each.severity for each in messages), key=SEVERITIES.index),
        created=max(each.created for each in messages),
        labels=shared,
    )
