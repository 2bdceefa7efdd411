"""What the outbox keeps: a message on its way to one route, and the steps of that way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from assay.delivery.message import Kind, Message, require_aware

# A letter found in `sending` by the next process was interrupted: it may have arrived, which is `unknown`.
State = Literal["planned", "sending", "sent", "unknown", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for one route, kept until its fate is known.

    `since`: when it was planned; `due`: not to be sent before; `waits`: the rule that held it back, if one did;
    `attempts`: calls that failed; `blocks`: all that goes to the same recipient waits with it; `possible_repeat`: an
    earlier attempt may have arrived; `parts`: references of what has arrived of it; `fallbacks`: routes to turn to, one
    after the other, when the channel refuses it.
    """

    message: Message
    route: str
    since: datetime
    due: datetime
    waits: str = ""
    attempts: int = 0
    blocks: bool = False
    possible_repeat: bool = False
    parts: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_aware(self.since)
        require_aware(self.due)

    @property
    def key(self) -> str:
        return letter_key(self.message.key, self.message.kind, self.route)


def letter_key(key: str, kind: Kind, route: str) -> str:
    """The same message of another kind, or on another route, is another letter."""
    return f"{key}:{kind}:{route}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of letters that travel together. `letter` comes with `planned`, `reference` with `sent`."""

    keys: tuple[str, ...]
    state: State
    at: datetime
    reference: str = ""
    reason: str = ""
    letter: Letter | None = None

    def __post_init__(self) -> None:
        require_aware(self.at)


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one letter: its last state since `at`, and its last successful send.

    `letter` is None when its way has ended.
    """

    key: str
    state: State
    at: datetime
    route: str
    thread: str
    kind: Kind
    sent_at: datetime | None = None
    reference: str = ""
    letter: Letter | None = None

    @property
    def told(self) -> datetime | None:
        """When it was said, or may have been."""
        return self.at if self.state in ("unknown", "sending") else self.sent_at


@dataclass(frozen=True, slots=True)
class Past:
    """Everything remembered: records by key, and recipients that have moved."""

    records: Mapping[str, Record] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> list[Record]:
        """Records whose letter is still on its way."""
        return [each for each in self.records.values() if each.letter]

    def thread(self, name: str) -> list[Record]:
        return [each for each in self.records.values() if each.thread == name]
