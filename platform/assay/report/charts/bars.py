"""Horizontal bars."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.charts.frame import LINES, small
from assay.report.format import Style, present, show
from assay.report.svg import Scale, element, label, picture, span


def bars(rows: Sequence[tuple[str, float | None]], *, title: str, style: Style = "number", width: int = 880) -> str:
    """Horizontal bars with their values; negative ones point left."""
    step, top = 26, 6
    low, high = span([0.0, *(value for _, value in rows)], pad=0.0)
    x = Scale(low, high, 180, width - 90)
    drawn = (_bar(x, name, value, top + step * index, style) for index, (name, value) in enumerate(rows))
    return picture(width, top * 2 + step * len(rows), title, f"{len(rows)} bars", *drawn)


def _bar(x: Scale, name: str, value: float | None, y: float, style: Style) -> str:
    left = label(name, x.start - 10, y + 16, text_anchor="end", font_size=12)
    if not present(value):
        return left + label(show(None), x(0.0) + 6, y + 16, **small("start"))
    start, end = sorted((x(0.0), x(value)))
    bar = element("rect", x=start, y=y + 4, width=max(end - start, 1.0), height=17, rx=3, style=f"fill:{LINES[0]}")
    return left + bar + label(show(value, style), x(max(value, 0.0)) + 6, y + 16, font_size=12)
