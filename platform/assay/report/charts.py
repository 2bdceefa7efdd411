"""Charts as SVG text: no script, no fonts, no requests.

Colours are CSS variables with a fallback that reads on light and on dark paper: a chart follows the theme of its
page, and still works as a file of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.report.format import Style, Tone, present, show, show_date, show_ticks
from assay.report.svg import Scale, area_path, element, label, line_path, picture, position, span, ticks, time_ticks
from assay.report.views import BandPoint, Moment, Point

_LINES = ("var(--line-1,#4f7cf3)", "var(--line-2,#d97b29)", "var(--line-3,#2f9e79)", "var(--line-4,#a66bd4)")
_TONES = {"good": "var(--good,#2e9e6b)", "bad": "var(--bad,#dc5656)", "flat": "var(--muted,#8a93a3)"}
_MUTED, _GRID, _SHADE = "var(--muted,#8a93a3)", "var(--grid,#8884)", "var(--shade,#4f7cf322)"
_FAINT = "var(--faint,#aab3c1)"
_SMALL = 11


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


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence bounds: one row of a forest plot. Without a value only its label is drawn."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    tone: Tone = "flat"


@dataclass(frozen=True, slots=True)
class _Frame:
    x: Scale
    y: Scale

    def points(self, series: Sequence[Point]) -> list[tuple[float, float | None]]:
        return [(self.x(position(at)), self.y(value) if present(value) else None) for at, value in series]


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
    behind = _stroke(line_path(frame.points(earlier)), _FAINT, 1.5, dashed=True)
    front = _stroke(line_path(frame.points(series)), _LINES[0], 1.75)
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
    frame = _frame([*(line.points for line in lines), bounds], (56, width - 16), (height - 28, 26))
    drawn = (
        *_axes(frame, style),
        _band(frame, band),
        *(_event(frame, event) for event in events),
        *(_line(frame, line, index) for index, line in enumerate(lines)),
        *_legend(lines, width - 16),
        *(_hover(frame, line, style) for line in lines[:1]),
    )
    return picture(width, height, title, _summary(lines[0].points if lines else (), style), *drawn)


def forest(rows: Sequence[Interval], *, title: str, style: Style = "percent", width: int = 880) -> str:
    """Estimates with their intervals on one axis, and the line of no effect."""
    step, top = 34, 12
    height = top + step * len(rows) + 34
    low, high = span([0.0, *(each for row in rows for each in (row.value, row.low, row.high))], pad=0.06)
    # The line of no effect always stays inside the frame, also when every interval lies on one side of it.
    x = Scale(min(low, -0.06 * high), max(high, -0.06 * low), 230, width - 190)
    drawn = (_interval(x, row, top + step * (index + 0.5), style) for index, row in enumerate(rows))
    return picture(width, height, title, f"{len(rows)} estimates", *_forest_axis(x, top, height - 30, style), *drawn)


def bars(rows: Sequence[tuple[str, float | None]], *, title: str, style: Style = "number", width: int = 880) -> str:
    """Horizontal bars with their values; negative ones point left."""
    step, top = 26, 6
    low, high = span([0.0, *(value for _, value in rows)], pad=0.0)
    x = Scale(low, high, 180, width - 90)
    drawn = (_bar(x, name, value, top + step * index, style) for index, (name, value) in enumerate(rows))
    return picture(width, top * 2 + step * len(rows), title, f"{len(rows)} bars", *drawn)


def _frame(every: Sequence[Sequence[Point]], across: tuple[float, float], down: tuple[float, float]) -> _Frame:
    moments = [position(at) for series in every for at, _ in series] or [0.0]
    low, high = span(value for series in every for _, value in series)
    return _Frame(Scale(min(moments), max(moments), *across), Scale(low, high, *down))


def _summary(series: Sequence[Point], style: Style) -> str:
    known = [(at, value) for at, value in series if present(value)]
    if not known:
        return "no data"
    (first, start), (last, end) = known[0], known[-1]
    return f"from {show(start, style)} on {show_date(first)} to {show(end, style)} on {show_date(last)}"


def _stroke(path: str, colour: str, width: float, *, dashed: bool = False) -> str:
    if not path:
        return ""
    pattern = "4 4" if dashed else None
    look = f"fill:none;stroke:{colour};stroke-width:{width};stroke-linejoin:round;stroke-linecap:round"
    return element("path", d=path, style=look, stroke_dasharray=pattern)


def _last_dot(frame: _Frame, series: Sequence[Point]) -> str:
    known = [(x, y) for x, y in frame.points(series) if y is not None]
    return element("circle", cx=known[-1][0], cy=known[-1][1], r=3, style=f"fill:{_LINES[0]}") if known else ""


def _axes(frame: _Frame, style: Style) -> list[str]:
    left, right, bottom = frame.x.start, frame.x.end, frame.y.start
    marks = ticks(frame.y.low, frame.y.high)
    across = [_rule(left, frame.y(each), right, frame.y(each)) for each in marks]
    values = [
        label(name, left - 8, frame.y(each) + 4, **_small("end"))
        for each, name in zip(marks, show_ticks(marks, style), strict=True)
    ]
    times = [
        label(name, frame.x(at), bottom + 18, **_small("middle"))
        for at, name in time_ticks(frame.x.low, frame.x.high)
        if left <= frame.x(at) <= right - 12
    ]
    return [*across, *values, *times]


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str = _GRID, dashed: bool = False) -> str:
    pattern = "3 3" if dashed else None
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, style=f"stroke:{colour}", stroke_dasharray=pattern)


def _small(anchor: str, colour: str = _MUTED) -> dict[str, object]:
    return {"text_anchor": anchor, "font_size": _SMALL, "style": f"fill:{colour}"}


def _band(frame: _Frame, band: Sequence[BandPoint]) -> str:
    def y(value: float | None) -> float | None:
        return frame.y(value) if present(value) else None

    path = area_path([(frame.x(position(at)), y(low), y(high)) for at, low, high in band])
    return element("path", d=path, style=f"fill:{_SHADE};stroke:none") if path else ""


def _event(frame: _Frame, event: Event) -> str:
    start = frame.x(position(event.start))
    top, bottom = frame.y.end, frame.y.start
    name = label(event.label, start + 4, top + 9, **_small("start"))
    if event.end is None:
        return _rule(start, top, start, bottom, _MUTED, dashed=True) + name
    wide = max(frame.x(position(event.end)) - start, 1.0)
    box = element("rect", x=start, y=top, width=wide, height=bottom - top, style=f"fill:{_GRID};stroke:none")
    return box + name


def _line(frame: _Frame, line: Line, index: int) -> str:
    colour = _MUTED if line.dashed else _LINES[index % len(_LINES)]
    return _stroke(line_path(frame.points(line.points)), colour, 1.5 if line.dashed else 2, dashed=line.dashed)


def _legend(lines: Sequence[Line], right: float) -> list[str]:
    if len(lines) < 2:
        return []
    starts = [right - 140 * (len(lines) - index) for index in range(len(lines))]
    return [_legend_entry(line, index, x) for index, (line, x) in enumerate(zip(lines, starts, strict=True))]


def _legend_entry(line: Line, index: int, x: float) -> str:
    colour = _MUTED if line.dashed else _LINES[index % len(_LINES)]
    return _stroke(f"M{x:.0f} 10 h18", colour, 2, dashed=line.dashed) + label(line.label, x + 24, 14, **_small("start"))


def _hover(frame: _Frame, line: Line, style: Style) -> str:
    """A title for each point, on a column as wide as its share of the axis."""
    wide = (frame.x.end - frame.x.start) / max(len(line.points), 1)
    return "".join(_spot(frame, at, value, wide, style) for at, value in line.points if present(value))


def _spot(frame: _Frame, at: Moment, value: float, wide: float, style: Style) -> str:
    x, height = frame.x(position(at)), frame.y.start - frame.y.end
    column = element("rect", x=x - wide / 2, y=frame.y.end, width=wide, height=height, fill="transparent")
    dot = element("circle", cx=x, cy=frame.y(value), r=4, style=f"fill:{_LINES[0]}")
    title = element("title", f"{show_date(at)}: {show(value, style)}")
    return element("g", title, column, dot, class_="spot")


def _forest_axis(x: Scale, top: float, bottom: float, style: Style) -> list[str]:
    marks = ticks(x.low, x.high, 7)
    rules = [_rule(x(each), top, x(each), bottom) for each in marks]
    names = [
        label(name, x(each), bottom + 18, **_small("middle"))
        for each, name in zip(marks, show_ticks(marks, style), strict=True)
    ]
    return [*rules, _rule(x(0.0), top, x(0.0), bottom, _MUTED, dashed=True), *names]


def _interval(x: Scale, row: Interval, y: float, style: Style) -> str:
    name = label(row.label, 0, y + 4, font_size=13)
    if row.value is None or row.low is None or row.high is None:
        return name + label("no estimate", x.end + 16, y + 4, **_small("start"))
    colour = _TONES[row.tone]
    whisker = _stroke(f"M{x(row.low):.1f} {y:.1f} H{x(row.high):.1f}", colour, 3)
    dot = element("circle", cx=x(row.value), cy=y, r=5.5, style=f"fill:{colour};stroke:var(--card,#fff);stroke-width:2")
    told = f"{show(row.value, style)}  [{show(row.low, style)}, {show(row.high, style)}]"
    return name + whisker + dot + label(told, x.end + 16, y + 4, font_size=12)


def _bar(x: Scale, name: str, value: float | None, y: float, style: Style) -> str:
    left = label(name, x.start - 10, y + 16, text_anchor="end", font_size=12)
    if not present(value):
        return left + label(show(None), x(0.0) + 6, y + 16, **_small("start"))
    start, end = sorted((x(0.0), x(value)))
    bar = element("rect", x=start, y=y + 4, width=max(end - start, 1.0), height=17, rx=3, style=f"fill:{_LINES[0]}")
    return left + bar + label(show(value, style), x(max(value, 0.0)) + 6, y + 16, font_size=12)
