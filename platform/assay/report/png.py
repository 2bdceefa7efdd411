"""Charts as PNG bytes for messages, drawn by Matplotlib's Agg canvas through its object interface.

Lines and texts are put onto the figure in pixels, with the scales and ticks of `svg`: Matplotlib's own axes would take
twice as long. It is imported inside the functions, because it is slow to load and few commands draw. The font is the
DejaVu Sans that comes with it. The same arguments, Matplotlib and matplotlibrc give the same bytes.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.report import views
from assay.report.format import Style, present, show, show_date, show_ticks
from assay.report.svg import Scale, position, rings, runs, span, ticks, time_ticks
from assay.report.views import AlertChart, Moment, Panel, Point

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_INK, _AXIS, _LIGHT, _GRID, _BAND, _ALARM = "#2b3240", "#667085", "#a3abb8", "#e6e9ee", "#dbe5fb", "#d64545"
_DPI = 100
_WIDTH, _HEIGHT = 500, 300  # one panel, in pixels
_MARGIN = 28  # between the axis and the first point, room for half of its label
_PHONE = 170  # dots per inch of a picture that is looked at on a phone: texts of 8 points can be read there


@dataclass(frozen=True, slots=True)
class _Plot:
    """A place on the figure with its scales, in pixels from the lower left corner."""

    figure: Figure
    x: Scale
    y: Scale

    def at(self, moment: Moment) -> float:
        return self.x(position(moment))

    def add(self, artist: Artist) -> None:
        from matplotlib.transforms import IdentityTransform

        artist.set_transform(IdentityTransform())
        self.figure.add_artist(artist)

    def line(self, points: Iterable[tuple[float, float]], **look: Any) -> None:
        from matplotlib.lines import Line2D

        xs, ys = zip(*points, strict=True)
        self.add(Line2D(xs, ys, **look))

    def text(self, x: float, y: float, text: str, **look: Any) -> None:
        from matplotlib.text import Text

        # Without parse_math a `$` in a title would start a formula.
        self.add(Text(x, y, text, family="DejaVu Sans", parse_math=False, **look))


def figure_png(figure: views.Figure) -> bytes:
    """The picture of a block's figure."""
    return _DRAWN[type(figure)](figure)


def lines_png(panels: Sequence[Panel]) -> bytes:
    """Up to four small line charts in a grid: current solid and dark, the earlier period dashed and light, the first
    and last point labelled. Raises ValueError without panels or with more than four."""
    if not 1 <= len(panels) <= 4:
        raise ValueError(f"a chart has one to four panels, not {len(panels)}")
    columns, rows = min(len(panels), 2), (len(panels) + 1) // 2
    figure = _figure(_WIDTH * columns, _HEIGHT * rows)
    for index, panel in enumerate(panels):
        _panel(figure, panel, index % columns * _WIDTH, (rows - 1 - index // columns) * _HEIGHT)
    return _bytes(figure)


def alert_png(view: AlertChart) -> bytes:
    """A judged series with the band that was expected and a cross at the anomaly."""
    from matplotlib.patches import Polygon

    figure = _figure(900, 460, _PHONE)
    bounds = [(at, each) for at, low, high in view.band for each in (low, high)]
    plot = _plot(figure, [view.series, bounds], (110, 850), (60, 385))
    for ring in rings([(plot.at(at), _y(plot, low), _y(plot, high)) for at, low, high in view.band]):
        plot.add(Polygon(ring, facecolor=_BAND, edgecolor="none"))
    _axes(plot, view.title, view.format)
    _series(plot, view.series, color=_INK, linewidth=1.6)
    _anomaly(plot, view)
    return _bytes(figure)


def _figure(width: int, height: int, dpi: int = _DPI) -> Figure:
    """A picture of so many pixels."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="white")


def _plot(
    figure: Figure, every: Sequence[Sequence[Point]], across: tuple[float, float], up: tuple[float, float]
) -> _Plot:
    moments = [position(at) for series in every for at, _ in series] or [0.0]
    low, high = span((value for series in every for _, value in series), pad=0.15)
    return _Plot(figure, Scale(min(moments), max(moments), *across), Scale(low, high, *up))


def _panel(figure: Figure, panel: Panel, left: int, bottom: int) -> None:
    across, up = (left + 100, left + _WIDTH - 45), (bottom + 45, bottom + _HEIGHT - 55)
    plot = _plot(figure, [panel.series, panel.earlier], across, up)
    _axes(plot, panel.title, panel.format)
    _series(plot, panel.earlier, color=_LIGHT, linewidth=1.4, linestyle=(0, (3, 2.5)))
    _series(plot, panel.series, color=_INK, linewidth=1.9, marker="o", markersize=3)
    known = [(at, value) for at, value in panel.series if present(value)]
    if not known:
        plot.text(sum(across) / 2, sum(up) / 2, "no data", ha="center", va="center", color=_LIGHT, fontsize=11)
    for at, value in dict.fromkeys((known[0], known[-1])) if known else ():
        _label(plot, at, value, show(value, panel.format))


def _axes(plot: _Plot, title: str, style: Style) -> None:
    left, right, bottom, top = plot.x.start - _MARGIN, plot.x.end + _MARGIN, plot.y.start, plot.y.end
    small = {"fontsize": 8, "color": _AXIS}
    marks = ticks(plot.y.low, plot.y.high)
    for value, name in zip(marks, show_ticks(marks, style), strict=True):
        plot.line([(left, plot.y(value)), (right, plot.y(value))], color=_GRID, linewidth=0.8)
        plot.text(left - 6, plot.y(value), name, ha="right", va="center", **small)
    for at, name in time_ticks(plot.x.low, plot.x.high, 6):
        plot.text(plot.x(at), bottom - 22, name, ha="center", **small)
    plot.text(left, top + 24, title, fontsize=11, color=_INK)


def _y(plot: _Plot, value: float | None) -> float | None:
    return plot.y(value) if present(value) else None


def _series(plot: _Plot, series: Sequence[Point], **look: Any) -> None:
    """A line that breaks at missing values."""
    for run in runs([(plot.at(at), _y(plot, value)) for at, value in series]):
        plot.line(run, solid_capstyle="round", **({"marker": "."} if len(run) == 1 else {}) | look)


def _label(plot: _Plot, at: Moment, value: float, text: str, side: str = "center") -> None:
    plot.text(plot.at(at), plot.y(value) + 9, text, ha=side, fontsize=8.5, fontweight="bold", color=_INK)


def _anomaly(plot: _Plot, view: AlertChart) -> None:
    value, x = dict(view.series).get(view.at), plot.at(view.at)
    # An alert is usually about the last point, where a centred label would leave the figure.
    side = "right" if x > (plot.x.start + plot.x.end) / 2 else "left"
    if not present(value):  # silence: nothing was measured at that time
        plot.line([(x, plot.y.start), (x, plot.y.end)], color=_ALARM, linewidth=1.5)
        plot.text(x, plot.y.end + 5, f"no data · {show_date(view.at)}", ha=side, fontsize=8.5, color=_ALARM)
        return
    plot.line([(x, plot.y(value))], color=_ALARM, marker="x", markersize=10, markeredgewidth=2.5)
    _label(plot, view.at, value, f"{show(value, view.format)} · {show_date(view.at)}", side)


def _bytes(figure: Figure) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        # A character that the bundled font lacks is drawn as a box: no reason to lose the chart.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(out, format="png", dpi=figure.dpi, metadata={"Software": None})
    return out.getvalue()


_DRAWN: Mapping[type, Callable[[Any], bytes]] = {
    views.PanelsFigure: lambda figure: lines_png(figure.panels),
}
