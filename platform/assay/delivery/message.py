"""What is sent, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Literal

Severity = Literal["info", "warning", "critical"]
Status = Literal["sent", "skipped", "failed"]
# A note stands alone; an episode is one fire, its updates, one resolve, and an escalation if nobody acknowledges it.
Kind = Literal["note", "fire", "update", "resolve", "escalation"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
KINDS: tuple[Kind, ...] = ("note", "fire", "update", "resolve", "escalation")  # in the order of an episode


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a message: plain text and at most one picture (`image` holds PNG bytes)."""

    title: str
    text: str
    image: bytes | None = None
    image_name: str = "image"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to say, in plain text; every channel escapes it for its own markup.

    `key` names what happened (`daily:2025-10-06`, an alert's episode): the same key is the same message, however often
    it is built. `labels` hold strings to match and to group by; `labels["route"]` names the route where it enters.
    `episode` is the key of the fire that an update or a resolve answers. `incidents`: what a reader may acknowledge,
    snooze or judge by buttons, where a channel has some. `created` has a time zone, or ValueError is raised.
    """

    key: str
    title: str
    text: str
    blocks: tuple[Block, ...] = ()
    severity: Severity = "info"
    created: datetime = field(kw_only=True)
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = "note"
    episode: str = ""
    incidents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.key or self.severity not in SEVERITIES:
            raise ValueError("a message needs a key and a severity of info, warning or critical")
        require_aware(self.created)

    @property
    def thread(self) -> str:
        """What it belongs to: its episode, or itself."""
        return self.episode or self.key

    @property
    def mark(self) -> str:
        """A short name of the thread, the same in each of its messages: `#a1b2c3`."""
        return mark(self.thread)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message: `reference` is where to find it, `detail` why it was skipped or failed."""

    channel: str
    recipient: str
    status: Status
    reference: str = ""
    detail: str = ""


def mark(thread: str) -> str:
    """The short name of a thread.

    >>> mark("feed:fc5de6cff1889ba4")
    '#d9c6fd'
    """
    return f"#{sha256(thread.encode(errors='replace')).hexdigest()[:6]}"


def require_aware(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is not a moment")
