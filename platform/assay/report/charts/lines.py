"""Lines over time: a sparkline, and a chart with axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assay.report.charts.frame import FAINT, GRID, LINES, MUTED, SHADE, Frame, area, rule, rungs, small, stroke, times
from assay.report.charts.key import key, key_height, look
from assay.report.charts.text import room_of
from assay.report.format import Style, present, show, show_date, show_ticks
from assay.report.svg import Scale, area_path, element, label, line_path, picture, position, span, ticks
from assay.report.views import BandPoint, Moment, Point

_DASHED = "4 4"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a line chart; dashed lines are comparisons."""

    label: str
    points: tuple[Point, ...]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """A marked moment, or a shaded span if it has an end."""

    label: str
    start: Moment
    end: Moment | None = None


def sparkline(
    series: Sequence[Point],
    earlier: Sequence[Point] = (),
    *,
    title: str,
    style: Style = "number",
    width: int = 240,
    height: int = 48,
) -> str:
    """A line without axes, its last point marked; `earlier` is dashed and light behind it."""
    frame = _frame([series, earlier], (4, width - 6), (height - 5, 5))
    behind = stroke(line_path(frame.points(earlier)), FAINT, 1.5, _DASHED)
    front = stroke(line_path(frame.points(series)), LINES[0], 1.75)
    return picture(width, height, title, _summary(series, style), behind, front, _last_dot(frame, series))


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    style: Style = "number",
    band: Sequence[BandPoint] = (),
    events: Sequence[Event] = (),
    width: int = 880,
    height: int = 260,
) -> str:
    """Lines over time with both axes; `band` is shaded behind them, events are marked. Hovering names each point."""
    bounds = [(at, value) for at, low, high in band for value in (low, high)]
    names = [line.label for line in lines] if len(lines) > 1 else []
    top = 8 + max(key_height(names, width), 18)
    frame = _frame([*(line.points for line in lines), bounds], (56, width - 16), (height - 28, top))
    marks = ticks(frame.y.low, frame.y.high)
    drawn = (
        *rungs(frame, marks, show_ticks(marks, style)),
        *times(frame),
        _band(frame, band),
        *_events(frame, events),
        *(_line(frame, line, index) for index, line in enumerate(lines)),
        *key(names, width, [line.dashed for line in lines]),
        *(_hover(frame, line, style) for line in lines[:1]),
    )
    return picture(width, height, title, _summary(lines[0].points if lines else (), style), *drawn)


def _frame(every: Sequence[Sequence[Point]], across: tuple[float, float], down: tuple[float, float]) -> Frame:
    moments = [position(at) for series in every for at, _ in series] or [0.0]
    low, high = span(value for series in every for _, value in series)
    return Frame(Scale(min(moments), max(moments), *across), Scale(low, high, *down))


def _summary(series: Sequence[Point], style: Style) -> str:
    known = [(at, value) for at, value in series if present(value)]
    if not known:
        return "no data"
    (first, start), (last, end) = known[0], known[-1]
    return f"from {show(start, style)} on {show_date(first)} to {show(end, style)} on {show_date(last)}"


def _last_dot(frame: Frame, series: Sequence[Point]) -> str:
    known = [(x, y) for x, y in frame.points(series) if y is not None]
    return element("circle", cx=known[-1][0], cy=known[-1][1], r=3, style=f"fill:{LINES[0]}") if known else ""


def _band(frame: Frame, band: Sequence[BandPoint]) -> str:
    def y(value: float | None) -> float | None:
        return frame.y(value) if present(value) else None

    return area(area_path([(frame.x(position(at)), y(low), y(high)) for at, low, high in band]), SHADE)


def _events(frame: Frame, events: Sequence[Event]) -> Iterator[str]:
    """Each with its name, which ends inside the frame, and stands lower where it would run into another one."""
    ends: list[float] = []
    for event in events:
        room = room_of(event.label)
        left = max(min(frame.x(position(event.start)) + 4, frame.x.end - room), frame.x.start)
        level = next((at for at, end in enumerate(ends) if end < left), len(ends))
        ends[level : level + 1] = [left + room]
        yield _span(frame, event) + label(event.label, left, frame.y.end + 9 + 13 * level, **small("start"))


def _span(frame: Frame, event: Event) -> str:
    start, top, bottom = frame.x(position(event.start)), frame.y.end, frame.y.start
    if event.end is None:
        return rule(start, top, start, bottom, MUTED, dashed=True)
    wide = max(frame.x(position(event.end)) - start, 1.0)
    return element("rect", x=start, y=top, width=wide, height=bottom - top, style=f"fill:{GRID};stroke:none")


def _line(frame: Frame, line: Line, index: int) -> str:
    return stroke(line_path(frame.points(line.points)), *look(index, line.dashed))


def _hover(frame: Frame, line: Line, style: Style) -> str:
    """A title for each point, on a column as wide as its share of the axis."""
    wide = (frame.x.end - frame.x.start) / max(len(line.points), 1)
    return "".join(_spot(frame, at, value, wide, style) for at, value in line.points if present(value))


def _spot(frame: Frame, at: Moment, value: float, wide: float, style: Style) -> str:
    x, height = frame.x(position(at)), frame.y.start - frame.y.end
    column = element("rect", x=x - wide / 2, y=frame.y.end, width=wide, height=height, fill="transparent")
    dot = element("circle", cx=x, cy=frame.y(value), r=4, style=f"fill:{LINES[0]}")
    title = element("title", f"{show_date(at)}: {show(value, style)}")
    return element("g", title, column, dot, class_="spot")
