"""What charts share: colours, the frame that places values, axes, and strokes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.report.format import Style, present, show_ticks
from assay.report.svg import Scale, element, label, position, time_ticks
from assay.report.views import Point

LINES = ("var(--line-1,#4f7cf3)", "var(--line-2,#d97b29)", "var(--line-3,#2f9e79)", "var(--line-4,#a66bd4)")
TONES = {"good": "var(--good,#2e9e6b)", "bad": "var(--bad,#dc5656)", "flat": "var(--muted,#8a93a3)"}
MUTED, GRID, SHADE = "var(--muted,#8a93a3)", "var(--grid,#8884)", "var(--shade,#4f7cf322)"
FAINT = "var(--faint,#aab3c1)"
DASHES = (None, "7 4", "2 3", "9 3 2 3")  # lines are told apart without their colours, too
_SMALL = 11
_DOT = "stroke:var(--card,#fff);stroke-width:2"


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values stand: `x` in seconds or in the unit of the axis, `y` upwards."""

    x: Scale
    y: Scale

    def points(self, series: Sequence[Point]) -> list[tuple[float, float | None]]:
        return [(self.x(position(at)), self.y(value) if present(value) else None) for at, value in series]


def small(anchor: str, colour: str = MUTED) -> dict[str, object]:
    """The look of a small text."""
    return {"text_anchor": anchor, "font_size": _SMALL, "style": f"fill:{colour}"}


def rule(x1: float, y1: float, x2: float, y2: float, colour: str = GRID, dashed: bool = False) -> str:
    """A thin straight line."""
    pattern = "3 3" if dashed else None
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, style=f"stroke:{colour}", stroke_dasharray=pattern)


def stroke(path: str, colour: str, width: float, pattern: str | None = None) -> str:
    """A path without a fill; nothing for an empty one."""
    look = f"fill:none;stroke:{colour};stroke-width:{width};stroke-linejoin:round;stroke-linecap:round"
    return element("path", d=path, style=look, stroke_dasharray=pattern) if path else ""


def area(path: str, colour: str, opacity: float = 1.0) -> str:
    """A filled path without an outline; nothing for an empty one."""
    return element("path", d=path, style=f"fill:{colour};fill-opacity:{opacity:g};stroke:none") if path else ""


def dot(x: float, y: float, r: float, colour: str, filled: bool = True) -> str:
    """A point that stands out from what it covers; a hollow one has the colour of the paper inside."""
    look = f"fill:{colour};{_DOT}" if filled else f"fill:var(--card,#fff);stroke:{colour};stroke-width:2"
    return element("circle", cx=x, cy=y, r=r, style=look)


def rungs(frame: Frame, marks: Sequence[float], names: Sequence[str]) -> list[str]:
    """The horizontal lines of a frame, each with its name on the left."""
    left, right = frame.x.start, frame.x.end
    lines = [rule(left, frame.y(each), right, frame.y(each)) for each in marks]
    return lines + [
        label(name, left - 8, frame.y(each) + 4, **small("end")) for each, name in zip(marks, names, strict=True)
    ]


def times(frame: Frame, count: int = 7, room: float = 12) -> list[str]:
    """The moments of a time axis under a frame; a name needs `room` to its right, or is left out."""
    return [
        label(name, frame.x(at), frame.y.start + 18, **small("middle"))
        for at, name in time_ticks(frame.x.low, frame.x.high, count)
        if frame.x.start <= frame.x(at) <= frame.x.end - room
    ]


def difference_ticks(marks: Sequence[float], style: Style) -> list[str]:
    """Names of differences on an axis: shares differ by percentage points."""
    if style == "percent":
        return [f"{name} pp" for name in show_ticks([100 * each for each in marks])]
    return show_ticks(marks, style)
