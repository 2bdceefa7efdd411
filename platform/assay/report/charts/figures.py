"""The figure of a block as SVG: one function per kind."""

from __future__ import annotations

from assay.report.charts.lines import Event, Line, line_chart
from assay.report.charts.matrix import matrix
from assay.report.charts.pairs import pairs
from assay.report.charts.stack import stack
from assay.report.views import (
    BandFigure,
    BarsFigure,
    Figure,
    LinesFigure,
    MatrixFigure,
    Panel,
    PanelsFigure,
    StackFigure,
)

_PANEL = 600  # two beside each other on a desk


def figures(of: Figure, width: int) -> list[str]:
    """The drawings of a figure, at most `width` pixels wide; several only for panels."""
    match of:
        case PanelsFigure():
            return [_panel(each, min(width, _PANEL)) for each in of.panels]
        case LinesFigure():
            return [_lines(of, width)]
        case BarsFigure():
            return [pairs(of, width)]
        case StackFigure():
            return [stack(of, width)]
        case MatrixFigure():
            return [matrix(of, width)]
        case BandFigure():
            return [_band(of, width)]


def _panel(of: Panel, width: int) -> str:
    lines = [Line(of.title, of.series), *([Line("before", of.earlier, dashed=True)] if of.earlier else [])]
    return line_chart(lines, title=of.title, style=of.format, width=width, height=220)


def _lines(of: LinesFigure, width: int) -> str:
    """The marks of the calendar only as far as the days are drawn."""
    days = [at for _, points in of.lines for at, _ in points]
    events = [
        Event(name, max(start, min(days)), min(end, max(days)))
        for name, start, end in of.marks
        if days and start <= max(days) and end >= min(days)
    ]
    lines = [Line(name, points) for name, points in of.lines]
    return line_chart(lines, title=of.title, style=of.format, events=events, width=width)


def _band(of: BandFigure, width: int) -> str:
    lines = [Line(of.title, of.series), Line("expected", of.expected, dashed=True)]
    events = [Event("from here", of.since)] if of.expected else []
    return line_chart(lines, title=of.title, style=of.format, band=of.band, events=events, width=width)
