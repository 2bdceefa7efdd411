"""How an effect goes on from day to day: cumulative with its interval and its band, and each day alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from assay.report.charts.frame import (
    FAINT,
    LINES,
    MUTED,
    Frame,
    area,
    difference_ticks,
    dot,
    rule,
    rungs,
    small,
    stroke,
    times,
)
from assay.report.format import Style, present, show_date, show_difference
from assay.report.svg import Scale, area_path, element, label, line_path, picture, position, span, ticks

_ALONE = LINES[1]
_Ends = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """One day, in the metric's unit: `total` and its ends up to the end of the day, `alone` of that day only."""

    day: date
    total: float | None
    plain: _Ends = (None, None)
    band: _Ends = (None, None)
    alone: float | None = None
    alone_ends: _Ends = (None, None)


def course(
    points: Sequence[CoursePoint],
    *,
    title: str,
    style: Style = "number",
    end: date | None = None,
    stopped: date | None = None,
    width: int = 600,
    height: int = 300,
) -> str:
    """The cumulative effect over its plain interval over its band, and the effects of single days as dots.

    `end` is the last planned day, `stopped` the day on which a declared rule stopped. What reaches out of the frame is
    cut at its edge: the band of the first days is wide.
    """
    frame = _frame(points, end, width, height)
    marks = ticks(frame.y.low, frame.y.high, 5)
    drawn = (
        *rungs(frame, marks, difference_ticks(marks, style)),
        *times(frame, 8 if width >= 500 else 4, room=0),
        _inside(frame, _areas(frame, points), _zero(frame), *(_alone(frame, each) for each in points)),
        _total(frame, points),
        *(_mark(frame, day, name) for day, name in ((end, "planned end"), (stopped, "stopped")) if day),
        *(_spot(frame, each, style, len(points)) for each in points),
    )
    return picture(width, height, title, _told(points, style), *drawn)


def _frame(points: Sequence[CoursePoint], end: date | None, width: int, height: int) -> Frame:
    days = [position(each.day) for each in points] + ([position(end)] if end else []) or [0.0]
    low, high = span([0.0, *(value for each in points for value in (*each.plain, each.alone)), *_last_band(points)])
    # Differences lie on both sides of zero, so the margin below it is meant.
    return Frame(Scale(min(days), max(days), 66, width - 22), Scale(low - 0.05 * (high - low), high, height - 28, 22))


def _last_band(points: Sequence[CoursePoint]) -> _Ends:
    return points[-1].band if points else (None, None)


def _inside(frame: Frame, *children: str) -> str:
    """What is drawn here ends at the frame: a nested drawing cuts what reaches beyond it."""
    left, top = frame.x.start - 8, frame.y.end
    wide, high = frame.x.end - left + 8, frame.y.start - top
    box = {"viewBox": f"{left:g} {top:g} {wide:g} {high:g}", "overflow": "hidden"}
    return element("svg", *children, x=left, y=top, width=wide, height=high, **box)


def _areas(frame: Frame, points: Sequence[CoursePoint]) -> str:
    band, plain = (_area(frame, points, ends) for ends in (lambda each: each.band, lambda each: each.plain))
    edges = "".join(stroke(_edge(frame, points, at), MUTED, 1, "5 3") for at in (0, 1))
    return area(band, FAINT, 0.3) + edges + area(plain, LINES[0], 0.25)


def _area(frame: Frame, points: Sequence[CoursePoint], ends: Callable[[CoursePoint], _Ends]) -> str:
    found = ((_x(frame, each), ends(each)) for each in points)
    return area_path([(x, _y(frame, low), _y(frame, high)) for x, (low, high) in found])


def _edge(frame: Frame, points: Sequence[CoursePoint], at: int) -> str:
    return line_path([(_x(frame, each), _y(frame, each.band[at])) for each in points])


def _x(frame: Frame, point: CoursePoint) -> float:
    return frame.x(position(point.day))


def _y(frame: Frame, value: float | None) -> float | None:
    return frame.y(value) if present(value) else None


def _zero(frame: Frame) -> str:
    return rule(frame.x.start - 8, frame.y(0.0), frame.x.end + 8, frame.y(0.0), MUTED, dashed=True)


def _alone(frame: Frame, point: CoursePoint) -> str:
    x, y = _x(frame, point), _y(frame, point.alone)
    if y is None:
        return ""
    low, high = (_y(frame, end) for end in point.alone_ends)
    whisker = stroke(f"M{x:.1f} {low:.1f} V{high:.1f}", _ALONE, 1) if low is not None and high is not None else ""
    return whisker + dot(x, y, 3.5, _ALONE, filled=False)


def _total(frame: Frame, points: Sequence[CoursePoint]) -> str:
    return stroke(line_path([(_x(frame, each), _y(frame, each.total)) for each in points]), LINES[0], 2.5)


def _mark(frame: Frame, day: date, name: str) -> str:
    x, top = frame.x(position(day)), frame.y.end
    right = x > (frame.x.start + frame.x.end) / 2
    said = label(name, x if right else x + 4, top - 8, **small("end" if right else "start"))
    return rule(x, top - 4, x, frame.y.start, MUTED, dashed=True) + said


def _spot(frame: Frame, point: CoursePoint, style: Style, days: int) -> str:
    wide = (frame.x.end - frame.x.start) / max(days - 1, 1)
    box = {"x": _x(frame, point) - wide / 2, "y": frame.y.end, "width": wide, "height": frame.y.start - frame.y.end}
    return element("g", element("title", _day(point, style)), element("rect", fill="transparent", **box))


def _day(point: CoursePoint, style: Style) -> str:
    total, alone = show_difference(point.total, style), show_difference(point.alone, style)
    low, high = (show_difference(end, style) for end in point.plain)
    return f"{show_date(point.day)}: {total} [{low}, {high}] so far, {alone} on the day"


def _told(points: Sequence[CoursePoint], style: Style) -> str:
    return "; ".join(_day(each, style) for each in points) or "no days"
