"""Cron texts: five fields, as in crontab(5)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from assay.config.base import FieldError

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
        return f"cron has five fields, and here are {len(parts)}: minute, hour, day, month, day of the week"
    for part, (name, low, high, words) in zip(parts, _FIELDS, strict=True):
        if not all(_right(each, low, high, words) for each in part.split(",")):
            return f"'{part}' is no {name}: {low} to {high}, *, */n, lists and ranges are"
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


def _cron(text: str) -> str:
    if wrong := problem(text):
        raise FieldError(wrong, "0 11 * * *")
    return text


Cron = Annotated[str, AfterValidator(_cron)]
