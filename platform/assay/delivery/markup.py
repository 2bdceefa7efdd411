"""Text with bold pieces, cut into parts before it is marked up, so that no tag and no escaped character is ever cut.

Lengths are in UTF-16 units, in which Telegram counts: https://core.telegram.org/bots/api#messageentity
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one style."""

    text: str
    bold: bool = False


Runs = tuple[Run, ...]


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(runs: Runs) -> str:
    """The text alone.

    >>> plain((Run("Views", bold=True), Run(": 5 < 9")))
    'Views: 5 < 9'
    """
    return "".join(run.text for run in runs)


def html(runs: Runs) -> str:
    """The text with tags, every value escaped.

    >>> html((Run("Views", bold=True), Run(": 5 < 9")))
    '<b>Views</b>: 5 &lt; 9'
    """
    return "".join(f"<b>{escape(run.text)}</b>" if run.bold else escape(run.text) for run in runs if run.text)


def split(runs: Runs, first: int, rest: int) -> Iterator[Runs]:
    """Parts of at most `first` units, then of at most `rest`; cut between paragraphs, lines or words where possible.

    White space at a cut is left out. Nothing else is.

    >>> [plain(part) for part in split((Run("one two"), Run(" three")), 8, 20)]
    ['one two', 'three']
    """
    runs, limit = _strip(runs), first
    while units(plain(runs)) > limit:
        at = _cut(plain(runs), limit)
        yield _strip(_slice(runs, 0, at))
        runs, limit = _strip(_slice(runs, at, len(plain(runs)))), rest
    if runs:
        yield runs


def _cut(text: str, limit: int) -> int:
    """Where to cut: after as much as fits, at a natural place in its second half if there is one."""
    fits = _fitting(text, limit)
    for border in ("\n\n", "\n", " "):
        at = text.rfind(border, 0, fits + 1)
        if at >= fits // 2 and text[:at].strip():
            return at
    return fits


def _fitting(text: str, limit: int) -> int:
    """How many characters fit into `limit` units."""
    encoded = text.encode("utf-16-le", "surrogatepass")[: 2 * limit]
    return len(encoded.decode("utf-16-le", "ignore"))


def _slice(runs: Runs, start: int, end: int) -> Runs:
    found, at = [], 0
    for run in runs:
        piece = run.text[max(start - at, 0) : max(end - at, 0)]
        found.append(replace(run, text=piece))
        at += len(run.text)
    return tuple(run for run in found if run.text)


def _strip(runs: Runs) -> Runs:
    """Without white space at the ends."""
    text = plain(runs)
    left = len(text) - len(text.lstrip())
    return _slice(runs, left, len(text.rstrip()))
