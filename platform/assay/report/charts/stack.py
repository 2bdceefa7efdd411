"""Stacked columns: the parts of a whole per period; who left stands below the axis."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from html import escape

from assay.report.charts.frame import LINES, MUTED, Frame, rule, rungs, small
from assay.report.charts.key import key, key_height
from assay.report.format import present, show, show_date, show_ticks
from assay.report.svg import Scale, element, label, picture, span, ticks
from assay.report.views import StackFigure

_HEIGHT, _LEFT, _RIGHT, _BOTTOM = 300, 56, 16, 28
_GAP = 0.24  # between columns, of a period
_ROOM = 52  # pixels of a date


def stack(of: StackFigure, width: int) -> str:
    """A column per period; a period without any value is left empty. Hovering names each part."""
    names = [name for name, _ in of.parts]
    top = 10 + key_height(names, width)
    low, high = span([0.0, *(total for at in range(len(of.periods)) for total in _ends(of, at))], pad=0.04)
    frame = Frame(Scale(0, max(len(of.periods), 1), _LEFT, width - _RIGHT), Scale(low, high, _HEIGHT - _BOTTOM, top))
    marks = ticks(low, high)
    columns = [box for at, period in enumerate(of.periods) for box in _column(of, frame, at, period)]
    zero = rule(frame.x.start, frame.y(0.0), frame.x.end, frame.y(0.0), MUTED)
    drawn = (
        *key(names, width, boxes=True),
        *rungs(frame, marks, show_ticks(marks, of.format)),
        *columns,
        zero,
        *_dates(of, frame),
    )
    return picture(width, _HEIGHT, of.title, f"{', '.join(names)} in {len(of.periods)} periods", *drawn)


def _ends(of: StackFigure, at: int) -> tuple[float, float]:
    """Where the column ends below and above the axis."""
    values = [part[at] or 0.0 for _, part in of.parts]
    return sum(value for value in values if value < 0), sum(value for value in values if value > 0)


def _column(of: StackFigure, frame: Frame, at: int, period: date) -> Iterator[str]:
    ends = {True: 0.0, False: 0.0}
    for index, (name, values) in enumerate(of.parts):
        value = values[at]
        if not present(value) or value == 0:
            continue
        start = ends[value > 0]
        ends[value > 0] = start + value
        said = f"{show_date(period)}, {name}: {show(abs(value), of.format)}"
        yield _box(frame, at, start, start + value, LINES[index % len(LINES)], said)


def _box(frame: Frame, at: int, start: float, end: float, colour: str, said: str) -> str:
    top, bottom = sorted((frame.y(start), frame.y(end)))
    wide = frame.x(1) - frame.x(0)
    return element(
        *("rect", element("title", escape(said))),
        x=frame.x(at) + wide * _GAP / 2,
        y=top,
        width=wide * (1 - _GAP),
        height=bottom - top,
        style=f"fill:{colour};stroke:var(--card,#fff);stroke-width:1",
    )


def _dates(of: StackFigure, frame: Frame) -> list[str]:
    """As many as fit."""
    every = max(1, -(-_ROOM // max(int(frame.x(1) - frame.x(0)), 1)))
    return [
        label(show_date(period), frame.x(at + 0.5), frame.y.start + 18, **small("middle"))
        for at, period in enumerate(of.periods)
        if at % every == 0
    ]
