"""Cron texts: which are right, and which interval has one. Five fields, as in crontab(5)."""

from __future__ import annotations

import re
from datetime import timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Field: its least and greatest value, and the names that stand for values.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: at for at, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: at for at, name in enumerate(_DAYS)}),
)
_PART = re.compile(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d+))?")


def problem(text: str) -> str | None:
    """What is wrong with a cron text, if anything is."""
    parts = text.lower().split()
    if len(parts) != len(_FIELDS):
        return f"'{text}' has {len(parts)} fields, and cron has five: minute, hour, day, month, day of the week."
    for part, (name, low, high, words) in zip(parts, _FIELDS, strict=True):
        if not all(_right(each, low, high, words) for each in part.split(",")):
            return f"'{part}' is not a {name}: {low} to {high}, *, */n, lists and ranges."
    return None


def _right(part: str, low: int, high: int, words: dict[str, int]) -> bool:
    match = _PART.fullmatch(part)
    if match is None or match[4] == "0":
        return False
    texts = [each for each in (match[2], match[3]) if each is not None]
    if not all(each in words or (each.isascii() and each.isdigit()) for each in texts):
        return False
    values = [words[each] if each in words else int(each) for each in texts]
    return all(low <= each <= high for each in values) and values == sorted(values)


def every(interval: timedelta) -> str | None:
    """`*/15 * * * *` for an interval that begins anew at each hour or day; None when cron cannot say it."""
    minutes, rest = divmod(int(interval.total_seconds()), 60)
    if rest or minutes < 1:
        return None
    if minutes < 60:
        return f"*/{minutes} * * * *" if 60 % minutes == 0 else None
    hours, rest = divmod(minutes, 60)
    if rest or hours > 24 or 24 % hours:
        return None
    return "0 0 * * *" if hours == 24 else f"0 */{hours} * * *"
