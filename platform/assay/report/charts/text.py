"""Names that have to fit."""

from __future__ import annotations

_LETTER = 6.6  # pixels of a letter, about


def room_of(name: str) -> float:
    """The pixels that a name takes, about."""
    return _LETTER * len(name)


def shortened(name: str, room: float) -> str:
    """A name as far as it fits into some pixels, with an ellipsis where it does not."""
    letters = max(int(room / _LETTER), 2)
    return name if len(name) <= letters else f"{name[: letters - 1]}…"
