"""A forest plot: estimates with their intervals on one axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from assay.report.charts.frame import GRID, MUTED, TONES, dot, rule, small, stroke
from assay.report.format import Tone, present, show_signed, show_ticks
from assay.report.svg import Scale, element, label, picture, span, ticks

NARROW = 600  # below this width, labels stand above their rows
_JUDGED = {"good": "better", "bad": "worse", "flat": ""}
_FAR = 5  # times the usual distance from zero: what reaches further is cut, so that one slice of few hides no other
_LETTER = 6.6  # the width of a letter of a label, about
_SIZES = 180  # the width of an estimate with its interval, about


@dataclass(frozen=True, slots=True)
class Interval:
    """A relative change with its bounds: one row of a forest plot. Without a value only its label is drawn.

    `sure`: it is clearly not zero, as the test that decides says. `margin` is the change that a guardrail may show.
    """

    label: str
    value: float | None
    low: float | None
    high: float | None
    tone: Tone = "flat"
    sure: bool = False
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the rows of a plot stand: beside their labels, or on narrow paper below one or two `lines` of text."""

    x: Scale
    width: float
    step: float
    lines: int = 0
    top: float = 8

    @property
    def narrow(self) -> bool:
        return self.lines > 0

    def y(self, index: int) -> float:
        """The height of a whisker."""
        return self.top + self.step * index + (self.step - 14 if self.narrow else self.step / 2)

    def bottom(self, rows: int) -> float:
        return self.top + self.step * rows + 4


def forest(
    rows: Sequence[Interval], *, title: str, reference: Interval | None = None, width: int = 880, step: int = 34
) -> str:
    """Relative changes with their intervals, the line of no effect, and the margins of guardrails.

    A filled point is clearly not zero. `reference` shades an interval behind all rows, to compare them with.
    """
    layout = _layout([*rows, reference] if reference else rows, width, step)
    bottom = layout.bottom(len(rows))
    drawn = (
        _shade(layout.x, reference, layout.top, bottom) if reference else "",
        *_axis(layout, bottom),
        *(_row(layout, row, layout.y(index)) for index, row in enumerate(rows)),
    )
    return picture(width, bottom + 26, title, _told(rows), *drawn)


def _layout(rows: Sequence[Interval], width: int, step: int) -> _Layout:
    low, high = span([0.0, *_ends(rows)], pad=0.06)
    # The line of no effect always stays inside the frame, also when every interval lies on one side of it.
    low, high = min(low, -0.06 * high), max(high, -0.06 * low)
    if width >= NARROW:
        return _Layout(Scale(low, high, 250, width - _SIZES - 70), width, step)
    long = any(len(row.label) * _LETTER > width - _SIZES for row in rows)
    return _Layout(Scale(low, high, 6, width - 6), width, step + 14 * (1 + long), 1 + long)


def _ends(rows: Sequence[Interval]) -> Iterator[float]:
    """Everything that the axis should reach, up to what is far outside the usual."""
    ends = [each for row in rows for each in (row.value, row.low, row.high, row.margin) if present(each)]
    reach = _FAR * median(map(abs, ends)) if ends else 0.0
    return (max(-reach, min(reach, each)) for each in ends)


def _told(rows: Sequence[Interval]) -> str:
    return "; ".join(f"{row.label}: {_sizes(row)}" for row in rows) or "no estimates"


def _axis(layout: _Layout, bottom: float) -> list[str]:
    x, top = layout.x, layout.top
    marks = ticks(x.low, x.high, 4 if layout.narrow else 7)
    rules = [rule(x(each), top, x(each), bottom) for each in marks]
    names = [
        label(name, x(each), bottom + 18, **small("middle"))
        for each, name in zip(marks, show_ticks(marks, "percent"), strict=True)
        if x.start + 14 <= x(each) <= x.end - 14 or not layout.narrow
    ]
    return [*rules, rule(x(0.0), top, x(0.0), bottom, MUTED, dashed=True), *names]


def _shade(x: Scale, of: Interval, top: float, bottom: float) -> str:
    if not (present(of.low) and present(of.high)):
        return ""
    left, right = (min(max(x(each), x.start), x.end) for each in (of.low, of.high))
    return element("rect", x=left, y=top, width=right - left, height=bottom - top, style=f"fill:{GRID};stroke:none")


def _row(layout: _Layout, row: Interval, y: float) -> str:
    drawn = _names(layout, row, y) + _whisker(layout.x, row, y)
    return element("g", element("title", escape(f"{row.label}: {_sizes(row)}")), drawn) + _margin(layout.x, row, y)


def _names(layout: _Layout, row: Interval, y: float) -> str:
    room = layout.width if layout.narrow else layout.x.start - 12
    name = _clip(row.label, int(room / _LETTER))
    if layout.narrow:
        sizes = label(_sizes(row), layout.width, y - 14, class_="halo", **small("end"))
        return label(name, 0, y - 14 * layout.lines, font_size=12, class_="halo") + sizes
    return label(name, 0, y + 4, font_size=13) + label(_sizes(row), layout.x.end + 16, y + 4, font_size=12)


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _sizes(row: Interval) -> str:
    if not present(row.value):
        return "no estimate"
    if not (present(row.low) and present(row.high)):
        return f"{show_signed(row.value)}, no interval"
    return f"{show_signed(row.value)}  [{show_signed(row.low)}, {show_signed(row.high)}] {_JUDGED[row.tone]}".rstrip()


def _whisker(x: Scale, row: Interval, y: float) -> str:
    if not present(row.value):
        return ""
    colour = TONES[row.tone]
    line = _line(x, row.low, row.high, y, colour) if present(row.low) and present(row.high) else ""
    inside = x.low <= row.value <= x.high
    return line + (dot(x(row.value), y, 5.5, colour, filled=row.sure) if inside else "")


def _line(x: Scale, low: float, high: float, y: float, colour: str) -> str:
    """The interval; an end that is cut at the edge of the frame becomes an arrow."""
    start, end = (min(max(x(each), x.start), x.end) for each in (low, high))
    left = f"M{start + 6:.1f} {y - 5:.1f} L{start:.1f} {y:.1f} L{start + 6:.1f} {y + 5:.1f}" if low < x.low else ""
    right = f"M{end - 6:.1f} {y - 5:.1f} L{end:.1f} {y:.1f} L{end - 6:.1f} {y + 5:.1f}" if high > x.high else ""
    return stroke(f"M{start:.1f} {y:.1f} H{end:.1f} {left} {right}".rstrip(), colour, 3)


def _margin(x: Scale, row: Interval, y: float) -> str:
    if not present(row.margin) or not x.low <= row.margin <= x.high:
        return ""
    return stroke(f"M{x(row.margin):.1f} {y - 11:.1f} v22", TONES["bad"], 2.5, "4 3")
