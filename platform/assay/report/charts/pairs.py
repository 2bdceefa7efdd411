"""Horizontal bars in pairs: the value of a day, and that of an earlier one as a thin bar under it."""

from __future__ import annotations

from html import escape

from assay.report.charts.frame import FAINT, LINES, small
from assay.report.charts.text import room_of, shortened
from assay.report.format import MISSING, Style, arrow, change, present, show, show_signed
from assay.report.svg import Scale, element, label, picture, span
from assay.report.views import BarsFigure

_STEP, _TOP, _ROOM = 34, 6, 130  # _ROOM for the numbers on the right


def pairs(of: BarsFigure, width: int) -> str:
    """The value and its change beside each pair; a missing one is a dash, never a bar of zero."""
    low, high = span([0.0, *(value for _, *both in of.rows for value in both)], pad=0.0)
    left = min(max((room_of(name) for name, *_ in of.rows), default=0.0) + 20, width / 3)
    x = Scale(low, high, left, width - _ROOM)
    drawn = [_pair(x, row, _TOP + _STEP * at, of.format) for at, row in enumerate(of.rows)]
    return picture(
        width, 2 * _TOP + _STEP * len(of.rows), of.title, f"{len(of.rows)} values beside earlier ones", *drawn
    )


def _pair(x: Scale, row: tuple[str, float | None, float | None], y: float, style: Style) -> str:
    name, value, before = row
    head = label(shortened(name, x.start - 10), x.start - 10, y + 17, text_anchor="end", font_size=12)
    bars = _bar(x, value, y + 3, 14, LINES[0]) + _bar(x, before, y + 19, 6, FAINT)
    share = change(before, value)
    said = f"{show(value, style)} {arrow(share)} {show_signed(share)}" if present(share) else show(value, style)
    full = element("title", escape(f"{name}: {show(value, style)}, before {show(before, style)}"))
    return element("g", full, head, bars, label(said, x.end + 10, y + 17, font_size=12))


def _bar(x: Scale, value: float | None, y: float, height: float, colour: str) -> str:
    if not present(value):
        return label(MISSING, x(0.0) + 4, y + height, **small("start"))
    start, end = sorted((x(0.0), x(value)))
    return element("rect", x=start, y=y, width=max(end - start, 1.0), height=height, rx=2, style=f"fill:{colour}")
