"""Charts as PNG bytes for messages: one function per figure of a block, and one for alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from string import ascii_uppercase
from typing import Any

from assay.report import views
from assay.report.canvas import (
    ALARM,
    AXIS,
    BAND,
    GRID,
    INK,
    LIGHT,
    PHONE,
    Canvas,
    Plot,
    blank,
    clipped,
    plot,
    width,
)
from assay.report.format import Style, present, show, show_date
from assay.report.svg import Scale, position, rings, span
from assay.report.views import AlertChart, Panel

_WIDTH, _HEIGHT = 500, 300  # one panel, in pixels
_PAGE = 900  # the width of every other picture
_LEFT, _RIGHT = 120, 850  # of a plot
_HEAD, _LEGEND, _ROW = 80, 34, 40  # heights: above a plot, of a line of the legend, of a row
_COLOURS = ("#2b6cb0", "#dd6b20", "#2f855a", "#b83280", "#6b46c1", "#b7791f", "#0987a0", "#c53030", "#4a5568")
_STACK = {"Retained": "#2b6cb0", "New": "#2f855a", "Resurrected": "#b7791f", "Churned": "#d64545"}
_GOOD, _BAD, _EVENT = "#3f9c6b", "#d64545", "#fdf3d7"
_STRONGEST = 0.7  # of a cell's colour, on which dark text stays readable


def figure_png(figure: views.Figure) -> bytes:
    """The picture of a block's figure."""
    return _DRAWN[type(figure)](figure)


def lines_png(panels: Sequence[Panel]) -> bytes:
    """Up to four small line charts in a grid: current solid and dark, the earlier period dashed and light, the first
    and last point labelled. Raises ValueError without panels or with more than four."""
    if not 1 <= len(panels) <= 4:
        raise ValueError(f"a chart has one to four panels, not {len(panels)}")
    columns, rows = min(len(panels), 2), (len(panels) + 1) // 2
    figure = Canvas(blank(_WIDTH * columns, _HEIGHT * rows))
    for index, panel in enumerate(panels):
        _panel(figure, panel, index % columns * _WIDTH, (rows - 1 - index // columns) * _HEIGHT)
    return figure.png()


def alert_png(view: AlertChart) -> bytes:
    """A judged series with the band that was expected and a cross at the anomaly."""
    place = _banded(view.title, view.format, [view.series], view.band)
    place.series(view.series, color=INK, linewidth=1.6)
    _anomaly(place, view)
    return place.png()


def _panel(figure: Canvas, panel: Panel, left: int, bottom: int) -> None:
    across, up = (left + 100, left + _WIDTH - 45), (bottom + 45, bottom + _HEIGHT - 55)
    place = plot(figure.figure, [panel.series, panel.earlier], across, up)
    place.axes(clipped(panel.title, 44), panel.format)
    place.series(panel.earlier, color=LIGHT, linewidth=1.4, linestyle=(0, (3, 2.5)))
    place.series(panel.series, color=INK, linewidth=1.9, marker="o", markersize=3)
    if not any(present(value) for _, value in panel.series):
        place.text(sum(across) / 2, sum(up) / 2, "no data", ha="center", va="center", color=LIGHT, fontsize=11)
    _ends(place, panel.series, panel.format, (0, -1))


def _ends(place: Plot, points: Sequence[views.Point], style: Style, ends: Sequence[int], side: str = "center") -> None:
    """The values at the ends (0, -1) of a line, above or below it where the line is not."""
    known = [(at, value) for at, value in points if present(value)]
    for end in ends if len(known) > 1 else (0,) * len(known):
        at, value = known[end]
        inward = known[1 if end == 0 else -2][1] if len(known) > 1 else value
        place.label(at, value, show(value, style), side, below=value < inward)


def _banded(title: str, style: Style, every: Sequence[Sequence[views.Point]], band: Sequence[views.BandPoint]) -> Plot:
    """A plot of series with a band behind them."""
    bounds = [(at, each) for at, low, high in band for each in (low, high)]
    place = plot(blank(_PAGE, 460, PHONE), [*every, bounds], (110, 850), (60, 385))
    for ring in rings([(place.at(at), place.up(low), place.up(high)) for at, low, high in band]):
        place.area(ring, BAND)
    place.axes(title, style)
    return place


def _anomaly(place: Plot, view: AlertChart) -> None:
    value, x = dict(view.series).get(view.at), place.at(view.at)
    # An alert is usually about the last point, where a centred label would leave the figure.
    side = "right" if x > (place.x.start + place.x.end) / 2 else "left"
    if not present(value):  # silence: nothing was measured at that time
        place.line([(x, place.y.start), (x, place.y.end)], color=ALARM, linewidth=1.5)
        place.text(x, place.y.end + 5, f"no data · {show_date(view.at)}", ha=side, fontsize=8.5, color=ALARM)
        return
    place.line([(x, place.y(value))], color=ALARM, marker="x", markersize=10, markeredgewidth=2.5)
    place.label(view.at, value, f"{show(value, view.format)} · {show_date(view.at)}", side)


def _lines(figure: views.LinesFigure) -> bytes:
    """Lines in colours; dated events shaded, with a letter that the legend explains."""
    events = [(letter, *mark) for letter, mark in zip(ascii_uppercase, figure.marks, strict=False)]
    names = [(name, colour) for (name, _), colour in zip(figure.lines, _colours(len(figure.lines)), strict=True)]
    names += [(f"{letter}: {label}, {show_date(start)}", "") for letter, label, start, _ in events]
    rows = _legend_rows(names)
    bottom = 60 + _LEGEND * len(rows)
    page = blank(_PAGE, 400 + bottom, PHONE)
    place = plot(page, [points for _, points in figure.lines], (_LEFT, _RIGHT), (bottom, bottom + 320))
    for letter, _, start, end in events:
        _event(place, letter, position(start), position(end))
    place.axes(clipped(figure.title, 48), figure.format)
    for (_, points), colour in zip(figure.lines, _colours(len(figure.lines)), strict=True):
        place.series(points, color=colour, linewidth=1.8)
    _legend(place, rows)
    return place.png()


def _event(place: Plot, letter: str, start: float, end: float) -> None:
    """An event's days, from the half of a day before its first one to that after its last, within the plot."""
    half = 43_200
    left, right = (place.x(min(max(each - half, place.x.low), place.x.high)) for each in (start, end))
    place.box(left, right, place.y.start, place.y.end, _EVENT, zorder=0.2)
    place.text((left + right) / 2, place.y.end - 20, letter, ha="center", fontsize=7.5, color=AXIS)


def _colours(count: int) -> list[str]:
    return [_COLOURS[at % len(_COLOURS)] for at in range(count)]


_Entry = tuple[str, str]  # a name and its colour, which is empty for a text without a swatch


def _legend_rows(names: Sequence[_Entry]) -> list[list[_Entry]]:
    """Names in as many lines as they need."""
    rows: list[list[_Entry]] = [[]]
    for name, colour in names:
        entry = clipped(name, 48), colour
        if rows[-1] and sum(map(_entry_width, [*rows[-1], entry])) > _PAGE - 40:
            rows.append([])
        rows[-1].append(entry)
    return rows


def _entry_width(entry: _Entry) -> float:
    return width(entry[0], 8) + (60 if entry[1] else 24)


def _legend(canvas: Canvas, rows: Sequence[Sequence[_Entry]]) -> None:
    for at, row in enumerate(rows):
        y = 14 + _LEGEND * (len(rows) - 1 - at)
        starts = accumulate((_entry_width(each) for each in row), initial=30.0)
        for (name, colour), x in zip(row, starts, strict=False):
            if colour:
                canvas.box(x, x + 26, y + 3, y + 11, colour)
            canvas.text(x + (34 if colour else 0), y, name, fontsize=8, color=AXIS)


def _bars(figure: views.BarsFigure) -> bytes:
    """A dark bar per name, the earlier value light below it, from zero on."""
    tall = _ROW + 16
    height = _HEAD + tall * len(figure.rows) + 50
    canvas = Canvas(blank(_PAGE, height, PHONE))
    canvas.text(24, height - 45, clipped(figure.title, 52), fontsize=11, color=INK)
    values = [value for _, now, before in figure.rows for value in (now, before) if present(value)]
    scale = Scale(min([0.0, *values]), max([0.0, *values]) or 1.0, 300, _PAGE - 130)
    for at, (name, now, before) in enumerate(figure.rows):
        y = height - _HEAD - tall * (at + 1)
        canvas.text(285, y + 27, clipped(name, 22), ha="right", va="center", fontsize=8, color=INK)
        _bar(canvas, scale, now, (y + 20, y + 44), INK)
        _bar(canvas, scale, before, (y + 9, y + 18), LIGHT)
        end = max(scale(0.0), scale(now)) if present(now) else scale(0.0)
        shown = show(now, figure.format) if present(now) else "no data"
        canvas.text(end + 8, y + 31, shown, va="center", fontsize=8, fontweight="bold", color=INK)
    _legend(canvas, [[("the day", INK), ("the day compared with", LIGHT)]])
    return canvas.png()


def _bar(canvas: Canvas, scale: Scale, value: float | None, up: tuple[float, float], colour: str) -> None:
    if present(value):
        left, right = sorted((scale(0.0), scale(value)))
        canvas.box(left, right, *up, colour)


def _stack(figure: views.StackFigure) -> bytes:
    """A column per period, parts above the axis and below it."""
    colours = [_STACK.get(name, colour) for (name, _), colour in zip(figure.parts, _colours(99), strict=False)]
    columns = list(zip(*(values for _, values in figure.parts), strict=True))
    ends = [sum(each for each in column if present(each) and sign * each > 0) for column in columns for sign in (1, -1)]
    low, high = span([0.0, *ends], pad=0.08)
    wide = (_RIGHT - _LEFT) / max(len(figure.periods), 1)
    place = Plot(blank(_PAGE, 520, PHONE), Scale(0, len(figure.periods), _LEFT, _RIGHT), Scale(low, high, 100, 440))
    place.scale(clipped(figure.title, 48), figure.format)
    every = -(-len(figure.periods) // 7)
    for at, (period, column) in enumerate(zip(figure.periods, columns, strict=True)):
        left, right = place.x(at) + 0.12 * wide, place.x(at) + 0.88 * wide
        _column(place, column, colours, left, right)
        if (len(columns) - 1 - at) % every == 0:
            place.text((left + right) / 2, 74, show_date(period), ha="center", fontsize=8, color=AXIS)
    place.line([(_LEFT - 28, place.y(0)), (_RIGHT + 28, place.y(0))], color=AXIS, linewidth=1.0)
    _legend(place, _legend_rows([(name, colour) for (name, _), colour in zip(figure.parts, colours, strict=True)]))
    return place.png()


def _column(place: Plot, values: Sequence[float | None], colours: Sequence[str], left: float, right: float) -> None:
    ends = {True: 0.0, False: 0.0}  # how far the column goes up, and down
    for value, colour in zip(values, colours, strict=True):
        if present(value) and value:
            start = ends[value > 0]
            ends[value > 0] = start + value
            low, high = sorted((place.y(start), place.y(start + value)))
            place.box(left, right, low, high, colour)
    if not any(present(value) for value in values):
        place.text((left + right) / 2, place.y(0) + 8, "no data", ha="center", fontsize=7, color=LIGHT)


def _matrix(figure: views.MatrixFigure) -> bytes:
    """Cells by row and column with their values as far as they fit; a flagged row is named and framed in red."""
    height = _HEAD + 30 + _ROW * len(figure.rows) + 20
    canvas = Canvas(blank(_PAGE, height, PHONE))
    canvas.text(24, height - 45, clipped(figure.title, 52), fontsize=11, color=INK)
    left, top = 220, height - _HEAD - 30
    wide = min((_PAGE - left - 20) / max(len(figure.columns), 1), 150)
    every = -(-int(max(width(name, 7) for name in figure.columns) + 8) // int(wide)) if figure.columns else 1
    for at, name in enumerate(figure.columns):
        if (len(figure.columns) - 1 - at) % every == 0:
            canvas.text(left + (at + 0.5) * wide, top + 12, name, ha="center", fontsize=7, color=AXIS)
    flagged = {name for name, _ in figure.flagged}
    for at, ((name, values), tones) in enumerate(zip(figure.rows, figure.tones, strict=True)):
        y = top - _ROW * (at + 1)
        colour = ALARM if name in flagged else INK
        canvas.text(left - 12, y + _ROW / 2, clipped(name, 20), ha="right", va="center", fontsize=7.5, color=colour)
        for column, (value, tone) in enumerate(zip(values, tones, strict=True)):
            _cell(canvas, left + column * wide, y, wide, tone, _in_cell(value, figure.format))
        if name in flagged:
            right = left + wide * len(values)
            corners = [(left, y), (right, y), (right, y + _ROW), (left, y + _ROW), (left, y)]
            canvas.line(corners, color=ALARM, linewidth=1.4)
    return canvas.png()


def _in_cell(value: float | None, style: Style) -> str:
    """A share without its decimal: a cell is small."""
    if not present(value):
        return ""
    return f"{value:.0%}" if style == "percent" else show(value)


def _cell(canvas: Canvas, x: float, y: float, wide: float, tone: float | None, text: str) -> None:
    strength = _STRONGEST * abs(tone) if present(tone) else 0.0
    canvas.box(x + 1, x + wide - 1, y + 1, y + _ROW - 1, GRID if not text else "white", alpha=0.5)
    canvas.box(x + 1, x + wide - 1, y + 1, y + _ROW - 1, _GOOD if (tone or 0) > 0 else _BAD, alpha=strength)
    if text and width(text, 6.5) < wide:
        canvas.text(x + wide / 2, y + _ROW / 2, text, ha="center", va="center", fontsize=7, color=INK)


def _band(figure: views.BandFigure) -> bytes:
    """What was, what is expected from a day on, and the interval around it."""
    place = _banded(clipped(figure.title, 48), figure.format, [figure.series, figure.expected], figure.band)
    x = place.x(min(max(position(figure.since), place.x.low), place.x.high))
    place.line([(x, place.y.start), (x, place.y.end)], color=LIGHT, linewidth=1.0, linestyle=(0, (3, 2.5)))
    place.series(figure.series, color=INK, linewidth=1.6)
    place.series(figure.expected, color=_COLOURS[0], linewidth=1.8, linestyle=(0, (4, 2)))
    for points in (figure.series, figure.expected):
        _ends(place, points, figure.format, (-1,), "right")
    return place.png()


_DRAWN: Mapping[type, Callable[[Any], bytes]] = {
    views.PanelsFigure: lambda figure: lines_png(figure.panels),
    views.LinesFigure: _lines,
    views.BarsFigure: _bars,
    views.StackFigure: _stack,
    views.MatrixFigure: _matrix,
    views.BandFigure: _band,
}
