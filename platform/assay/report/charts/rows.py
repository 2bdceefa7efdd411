"""What happened when, in one row per thing: bars over a shared axis of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from assay.report.charts.frame import GRID, MUTED, SHADE, TONES, Frame, rule, times
from assay.report.charts.text import shortened
from assay.report.svg import Scale, element, label, picture, position
from assay.report.views import Moment

_ROW, _THICK, _LEAST = 30, 14, 4  # pixels; a bar is never too short to be seen
_NAMES = 0.22  # of the width, for the names on the left


@dataclass(frozen=True, slots=True)
class Bar:
    """From `start` to `end`, and what it says when asked. `tone`: good, bad or flat."""

    start: Moment
    end: Moment
    text: str
    tone: str = "bad"


@dataclass(frozen=True, slots=True)
class Row:
    """A name, with a link where it has one, and its bars; those of a `calendar` row shade the rows above it."""

    name: str
    bars: tuple[Bar, ...] = ()
    href: str | None = None
    calendar: bool = False


def rows(every: Sequence[Row], first: Moment, last: Moment, *, title: str, width: int) -> str:
    """One row below the other, from `first` to `last`; what lies partly outside is cut there."""
    left, bottom = max(width * _NAMES, 96), 8 + _ROW * len(every)
    frame = Frame(Scale(position(first), position(last), left, width - 12), Scale(0, 1, bottom, 8))
    above = 8 + _ROW * sum(not row.calendar for row in every)
    drawn = (
        *(_shade(frame, bar, above) for row in every if row.calendar for bar in row.bars if _meets(frame, bar)),
        *(rule(0, 8 + _ROW * at, width, 8 + _ROW * at, GRID) for at in range(1, len(every) + 1)),
        *(part for at, row in enumerate(every) for part in _row(frame, row, 8 + _ROW * at, left)),
        *times(frame, count=max(3, int((width - left) / 110))),
    )
    return picture(width, bottom + 28, title, _summary(every), *drawn, role="group")


def _row(frame: Frame, row: Row, top: float, room: float) -> Iterator[str]:
    colour = "var(--accent,#3059d6)" if row.href else MUTED
    name = label(shortened(row.name, room - 8), 2, top + 19, font_size=12.5, style=f"fill:{colour}")
    whole = element("title", escape(row.name))
    yield element("a", whole, name, href=row.href) if row.href else element("g", whole, name)
    yield from (_bar(frame, bar, top + (_ROW - _THICK) / 2, row.calendar) for bar in row.bars if _meets(frame, bar))


def _bar(frame: Frame, bar: Bar, top: float, calendar: bool) -> str:
    start, end = _ends(frame, bar)
    fill = f"fill:{TONES[bar.tone]}" + (";fill-opacity:0.45" if calendar else "")
    box = element("rect", x=start, y=top, width=max(end - start, _LEAST), height=_THICK, rx=3, style=fill)
    return element("g", element("title", escape(bar.text)), box)


def _shade(frame: Frame, bar: Bar, bottom: float) -> str:
    start, end = _ends(frame, bar)
    return element("rect", x=start, y=8, width=max(end - start, 1.0), height=bottom - 8, style=f"fill:{SHADE}")


def _meets(frame: Frame, bar: Bar) -> bool:
    return position(bar.end) > frame.x.low and position(bar.start) < frame.x.high


def _ends(frame: Frame, bar: Bar) -> tuple[float, float]:
    start, end = (min(max(position(at), frame.x.low), frame.x.high) for at in (bar.start, bar.end))
    return frame.x(start), frame.x(end)


def _summary(every: Sequence[Row]) -> str:
    return "; ".join(f"{row.name}: {', '.join(bar.text for bar in row.bars) or 'nothing'}" for row in every)
