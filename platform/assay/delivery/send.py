"""Plan, then send what is due: every message ends as a receipt, and every step is in the ledger before it is taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from assay.delivery.batches import Batch, batches, due, reply_to
from assay.delivery.channels import Channel, Hints, open_channel
from assay.delivery.faults import SECOND, Fault, Later, Moved, Uncertain
from assay.delivery.ledger import Ledger
from assay.delivery.letters import Entry, Letter, State
from assay.delivery.message import Message, Receipt, Status
from assay.delivery.routes import Route, Routes, Silence
from assay.delivery.routing import Decision, route
from assay.errors import AssayError, DeliveryError

_PLANNING = timedelta(seconds=30)  # deciding takes milliseconds: more means that something hangs
_GIVE_UP = timedelta(days=1)  # after that, a message is no news, and a failed attempt the last one
_CRASH = "it may have arrived: a crash interrupted its sending"
_LONGEST = timedelta(minutes=15)  # between two attempts, unless the service asks for more


class Acknowledgements(Protocol):
    """The port through which people say that they have seen an episode."""

    def by(self, episode: str) -> str:
        """Who acknowledged it; empty if nobody has."""


class NobodyAcknowledges:
    """Without a place where people could say it."""

    def by(self, episode: str) -> str:  # noqa: ARG002 - the port
        return ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may wait: in all for services that ask to come back, and for another process that sends."""

    pauses: timedelta = 20 * SECOND
    others: timedelta = 20 * SECOND
    pause: Callable[[float], None] = time.sleep


class Channels:
    """Channels by the name of their route, each opened when it is first needed."""

    def __init__(self, routes: Routes, opened: Callable[[Route], Channel] | None = None) -> None:
        self._routes = routes
        self._open = opened or (lambda each: open_channel(each.channel, each.options))
        self._channels: dict[str, Channel] = {}

    def __getitem__(self, name: str) -> Channel:
        if name not in self._channels:
            self._channels[name] = self._open(self._routes[name])
        return self._channels[name]

    def close(self) -> None:
        for each in self._channels.values():
            each.close()


def deliver(
    messages: Iterable[Message],
    routes: Routes,
    channels: Channels,
    ledger: Ledger,
    clock: datetime,
    *,
    silences: Iterable[Silence] = (),
    acknowledgements: Acknowledgements | None = None,
    patience: Patience | None = None,
) -> tuple[Receipt, ...]:
    """Plan what the messages need, and send whatever is due: one receipt for each send and each message held back.

    What was planned by an earlier call and could not be sent then is sent now. A failed send does not stop the others.
    Raises DeliveryError (E701) only for a ledger that cannot be used.
    """
    sender = Sender(routes, channels, ledger, acknowledgements or NobodyAcknowledges(), patience or Patience(), clock)
    decisions = plan(messages, routes, ledger, clock, silences)
    sent = sender.flush()
    held = (_held(each, routes) for each in decisions if each.letter is None)
    return (*sent, *held)


def plan(
    messages: Iterable[Message], routes: Routes, ledger: Ledger, clock: datetime, silences: Iterable[Silence] = ()
) -> tuple[Decision, ...]:
    """Decide, and keep the letters; after that no crash loses them. Raises DeliveryError (E701)."""
    messages = tuple(messages)
    with ledger.alone("planning", _PLANNING) as ours:
        if not ours:
            raise _hangs()
        past = ledger.read()
        decisions = route(messages, routes, clock, past, silences)
        planned = (Entry((each.letter.key,), "planned", clock, letter=each.letter) for each in decisions if each.letter)
        ended = {each.thread for each in messages if each.kind == "resolve"}
        pointless = (each.key for each in past.open() if each.kind == "escalation" and each.thread in ended)
        over = (Entry((key,), "cancelled", clock, reason="the episode is over") for key in pointless)
        if entries := (*over, *planned):
            ledger.record(*entries)
    return decisions


def _hangs() -> AssayError:
    return DeliveryError.of(
        "E701",
        f"Another process has been planning messages for {_PLANNING.total_seconds():.0f} seconds.",
        why="Two that decide at once would send everything twice.",
        fix="Look for a process that hangs, end it, and run this again.",
    )


def _held(decision: Decision, routes: Routes) -> Receipt:
    channel = routes[decision.route].channel if decision.route in routes else ""
    status: Status = "skipped" if decision.action == "skip" else "failed"
    return Receipt(channel, decision.route, status, detail=f"{decision.message.key}: {decision.reason}")


@dataclass(slots=True)
class Sender:
    """Sends what is due, one batch after the other. `clock` moves by the pauses made."""

    routes: Routes
    channels: Channels
    ledger: Ledger
    acknowledgements: Acknowledgements
    patience: Patience
    clock: datetime
    receipts: dict[tuple[str, ...], Receipt] = field(default_factory=dict)

    def flush(self) -> tuple[Receipt, ...]:
        """Send until nothing is due, with pauses as long as patience lasts; one receipt for each batch."""
        with self.ledger.alone("sending", self.patience.others) as ours, closing(self.channels):
            if not ours:
                return self._left_to_another()
            began = self.clock
            self._take_up()
            while self._round() or self._paused(began):
                pass
            self._waiting()
        return tuple(self.receipts.values())

    def _left_to_another(self) -> tuple[Receipt, ...]:
        letters = due(self.ledger.read(), self.routes, self.clock)
        return tuple(self._skipped(each, "another process is sending") for each in letters)

    def _take_up(self) -> None:
        """What a crash interrupted, and escalations that somebody has acknowledged."""
        for record in self.ledger.read().open():
            if record.state == "sending" and record.letter and record.route in self.routes:
                self._record(self._interrupted(record.letter))
            elif record.kind == "escalation" and (who := self.acknowledgements.by(record.thread)):
                self._record(self._step((record.key,), "cancelled", reason=f"acknowledged by {who}"))

    def _interrupted(self, letter: Letter) -> Entry:
        if self._is_idempotent(letter.route):
            return self._plan(replace(letter, due=self.clock))
        self.receipts[(letter.key,)] = self._receipt(letter.route, "failed", f"{letter.message.key}: {_CRASH}")
        return self._unknown(letter, _CRASH)

    def _is_idempotent(self, name: str) -> bool:
        with suppress(AssayError):
            return self.channels[name].idempotent
        return False

    def _round(self) -> bool:
        """Send what is due now; whether there was anything."""
        past = self.ledger.read()
        found = batches(due(past, self.routes, self.clock), self.routes, past, self.clock)
        if found.waiting:
            self._record(*map(self._plan, found.waiting))
        blocked: set[str] = set()
        for batch in found.now:
            address = self.routes[batch.route].address
            if address not in blocked and self._send(batch):
                blocked.add(address)
        return bool(found.now)

    def _paused(self, began: datetime) -> bool:
        """Wait for the next attempt of something that failed, if it comes soon."""
        ours = [each for each in self.ledger.read().open() if each.letter and each.letter.attempts]
        times = [each.letter.due for each in ours if each.letter and each.state == "planned"]
        soon = min((each for each in times if each > self.clock), default=None)
        if soon is None or soon - began > self.patience.pauses:
            return False
        self.patience.pause((soon - self.clock).total_seconds())
        self.clock = soon
        return True

    def _send(self, batch: Batch) -> bool:
        """One attempt; True if its recipient must be left alone for a while."""
        past = self.ledger.read()
        hints = Hints(reply_to(batch, past), batch.letters[0].parts, past.moved)
        self._record(self._step(batch.keys, "sending"))
        try:
            receipt = self.channels[batch.route].send(batch.message, hints)
        except Moved as fault:
            self.ledger.move(fault.old, fault.new, self.clock)
            self._again(batch, fault, self._backoff(batch) if batch.letters[0].attempts else timedelta(0))
        except Later as fault:
            self._again(batch, fault, self._backoff(batch) if fault.after is None else fault.after)
            return fault.everybody
        except Uncertain as fault:
            self._uncertain(batch, fault)
        except AssayError as error:
            self._refused(batch, error)
        else:
            self._record(self._step(batch.keys, "sent", receipt.reference))
            self.receipts[batch.keys] = receipt
        return False

    def _backoff(self, batch: Batch) -> timedelta:
        doubled: int = 2 ** min(batch.letters[0].attempts, 12)
        return min(SECOND * doubled, _LONGEST)

    def _again(self, batch: Batch, fault: Fault, after: timedelta) -> None:
        """Plan another attempt, unless the message is no news any more."""
        until = self.clock + after
        if rest := self._rest(batch, fault):
            self._record(self._step(batch.keys, "sent", fault.parts[0]), self._plan(replace(rest, due=until)))
            return
        blocks = isinstance(fault, Later) and fault.everybody
        self._record(*(self._next(each, until, blocks, fault) for each in batch.letters))
        self._failed(batch, f"{_short(fault)} Tried again from {until.isoformat()}.")

    def _next(self, letter: Letter, until: datetime, blocks: bool, fault: Fault) -> Entry:
        if self.clock - letter.since > _GIVE_UP:
            return self._step((letter.key,), "failed", reason=f"given up: {_short(fault)}")
        return self._plan(replace(letter, due=until, attempts=letter.attempts + 1, blocks=blocks))

    def _rest(self, batch: Batch, fault: Fault) -> Letter | None:
        """Once the first part of a long message has arrived, it is told; its rest is a letter of its own."""
        first = batch.letters[0]
        if len(fault.parts) <= len(first.parts):
            return None
        self.receipts[batch.keys] = self._receipt(batch.route, "sent", reference=fault.parts[0])
        message = batch.message if first.parts else replace(batch.message, key=f"{batch.message.key}:rest")
        return Letter(message, batch.route, first.since, self.clock, attempts=1, parts=fault.parts)

    def _uncertain(self, batch: Batch, fault: Fault) -> None:
        """Of a long message, the part that nobody knows about is given up: what matters stands in the first one."""
        if rest := self._rest(batch, fault):
            reason = f"the rest may be lost: {_short(fault)}"
            lost = (self._plan(rest), self._step((rest.key,), "unknown", reason=reason))
            self._record(self._step(batch.keys, "sent", fault.parts[0]), *lost)
        else:
            self._record(*(self._unknown(each, _short(fault)) for each in batch.letters))
            self._failed(batch, f"nobody knows whether it arrived: {_short(fault)}")

    def _unknown(self, letter: Letter, reason: str) -> Entry:
        """Nobody knows whether it arrived: a critical is said once more and marked, others are not."""
        if letter.message.severity == "critical" and not letter.possible_repeat:
            return self._plan(replace(letter, due=self.clock, possible_repeat=True))
        return self._step((letter.key,), "unknown", reason=reason)

    def _refused(self, batch: Batch, error: AssayError) -> None:
        """The next route takes over, with a note that this one does not work."""
        known = self.ledger.read().records
        turned = [moved for each in batch.letters if (moved := self._turned(each))]
        notes = [self._note(batch.route, name, error) for name in sorted({each.route for each in turned})]
        planned = (self._plan(each) for each in (*turned, *notes) if each.key not in known)
        self._record(self._step(batch.keys, "failed", reason=_short(error)), *planned)
        self._failed(batch, str(error))

    def _turned(self, letter: Letter) -> Letter | None:
        next_, *others = letter.fallbacks or ("",)
        if not next_ or next_ not in self.routes:
            return None
        return replace(letter, route=next_, due=self.clock, fallbacks=tuple(others), attempts=0, parts=())

    def _note(self, broken: str, name: str, error: AssayError) -> Letter:
        """`delivery_failed`, once a day for each pair of routes."""
        note = Message(
            key=f"delivery_failed:{broken}:{self.clock:%Y-%m-%d}",
            title=f"Messages to the route '{broken}' do not arrive",
            text=f"{_short(error)} They come here instead.",
            severity="warning",
            created=self.clock,
            labels={"alert": "delivery_failed", "severity": "warning", "route": name},
        )
        return Letter(note, name, self.clock, self.clock)

    def _failed(self, batch: Batch, detail: str) -> None:
        self.receipts[batch.keys] = self._receipt(batch.route, "failed", f"{batch.message.key}: {detail}")

    def _waiting(self) -> None:
        """A receipt for each letter that still waits for a rule."""
        for letter in (each.letter for each in self.ledger.read().open() if each.letter):
            if letter.waits and not letter.attempts and letter.route in self.routes:
                self.receipts[(letter.key,)] = self._skipped(letter, f"{letter.waits}, until {letter.due.isoformat()}")

    def _skipped(self, letter: Letter, why: str) -> Receipt:
        return self._receipt(letter.route, "skipped", f"{letter.message.key}: {why}")

    def _receipt(self, name: str, status: Status, detail: str = "", reference: str = "") -> Receipt:
        return Receipt(self.routes[name].channel, name, status, reference, detail)

    def _plan(self, letter: Letter) -> Entry:
        return Entry((letter.key,), "planned", self.clock, letter=letter)

    def _step(self, keys: tuple[str, ...], state: State, reference: str = "", reason: str = "") -> Entry:
        return Entry(keys, state, self.clock, reference, reason)

    def _record(self, *entries: Entry) -> None:
        self.ledger.record(*entries)


def _short(error: AssayError) -> str:
    return error.diagnostics[0].message if error.diagnostics else str(error)
