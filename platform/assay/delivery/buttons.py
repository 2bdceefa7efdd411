"""The buttons under a message about incidents, and what pressing one of them means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Verb = Literal["ack", "snooze", "useful", "noise"]
_ROWS: tuple[tuple[tuple[Verb, str], ...], ...] = (
    (("ack", "Acknowledge"), ("snooze", "Snooze 1 h")),
    (("useful", "Useful"), ("noise", "Noise")),
)
_BYTES = 64  # of what a button carries: https://core.telegram.org/bots/api#inlinekeyboardbutton
_DIGITS = 8  # of an incident's id: enough to tell it from the others, and few enough for several
_LABEL = "-"


@dataclass(frozen=True, slots=True)
class Button:
    """What it says, and what it carries."""

    text: str
    data: str


Keyboard = tuple[tuple[Button, ...], ...]


def keyboard(incidents: Sequence[str]) -> Keyboard:
    """Two rows that act on all incidents of a message; none if there are no incidents, or more than a button carries.

    >>> [[button.data for button in row] for row in keyboard(["fc5de6cff1889ba4"])]
    [['ack:fc5de6cf', 'snooze:fc5de6cf'], ['useful:fc5de6cf', 'noise:fc5de6cf']]
    """
    names = ",".join(each[:_DIGITS] for each in incidents)
    rows = tuple(tuple(Button(text, f"{verb}:{names}") for verb, text in row) for row in _ROWS)
    fits = all(len(button.data.encode()) <= _BYTES for row in rows for button in row)
    return rows if names and fits else ()


def parse(data: str) -> tuple[Verb, tuple[str, ...]] | None:
    """What a pressed button asks for, and the beginnings of the ids of its incidents; None for a mere label.

    >>> parse("ack:fc5de6cf,0a1b2c3d")
    ('ack', ('fc5de6cf', '0a1b2c3d'))
    """
    word, _, names = data.partition(":")
    verb = next((each for each in get_args(Verb) if each == word), None)
    return (verb, tuple(names.split(","))) if verb and names else None


def answered(rows: Keyboard, pressed: str, said: str) -> Keyboard:
    """The buttons after one was pressed: its row says what was said. After a snooze one may still acknowledge."""
    return tuple(_row(row, pressed, said) if pressed in {each.data for each in row} else row for row in rows)


def _row(row: tuple[Button, ...], pressed: str, said: str) -> tuple[Button, ...]:
    left = [each for each in row if pressed.startswith("snooze:") and each.data.startswith("ack:")]
    return (*left, Button(said, _LABEL))
