"""What pictures for messages are drawn with: a Matplotlib figure, and places on it in pixels.

Lines and texts are put onto the figure in pixels, with the scales and ticks of `svg`: Matplotlib's own axes would take
twice as long. It is imported inside the functions, because it is slow to load and few commands draw. The font is the
DejaVu Sans that comes with it. The same arguments, Matplotlib and matplotlibrc give the same bytes.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.report.format import Style, present, show_ticks
from assay.report.svg import Scale, position, runs, span, ticks, time_ticks
from assay.report.views import Moment, Point

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

INK, AXIS, LIGHT, GRID, BAND, ALARM = "#2b3240", "#667085", "#a3abb8", "#e6e9ee", "#dbe5fb", "#d64545"
PHONE = 170  # dots per inch of a picture that is looked at on a phone: texts of 8 points can be read there
_DPI = 130  # of small charts side by side
_MARGIN = 28  # between the axis and the first point, room for half of its label
_CALM = 0.05  # the least height of a scale, as a share of the values
_WIDE = 0.64  # of a letter, in its height: an upper bound for most texts in DejaVu Sans


@dataclass(frozen=True, slots=True)
class Canvas:
    """A figure that is drawn on in pixels from the lower left corner."""

    figure: Figure

    def add(self, artist: Artist) -> None:
        from matplotlib.transforms import IdentityTransform

        artist.set_transform(IdentityTransform())
        self.figure.add_artist(artist)

    def line(self, points: Iterable[tuple[float, float]], **look: Any) -> None:
        from matplotlib.lines import Line2D

        xs, ys = zip(*points, strict=True)
        self.add(Line2D(xs, ys, **look))

    def area(self, corners: Sequence[tuple[float, float]], color: str, **look: Any) -> None:
        from matplotlib.patches import Polygon

        self.add(Polygon(corners, facecolor=color, edgecolor="none", **look))

    def box(self, left: float, right: float, bottom: float, top: float, color: str, **look: Any) -> None:
        self.area([(left, bottom), (right, bottom), (right, top), (left, top)], color, **look)

    def text(self, x: float, y: float, text: str, **look: Any) -> None:
        from matplotlib.text import Text

        # Without parse_math a `$` in a title would start a formula.
        self.add(Text(x, y, text, family="DejaVu Sans", parse_math=False, **look))

    def png(self) -> bytes:
        out = io.BytesIO()
        with warnings.catch_warnings():
            # A character that the bundled font lacks is drawn as a box: no reason to lose the chart.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
            self.figure.savefig(out, format="png", dpi=self.figure.dpi, metadata={"Software": None})
        return out.getvalue()


@dataclass(frozen=True, slots=True)
class Plot(Canvas):
    """A place on the figure with its scales."""

    x: Scale
    y: Scale

    def at(self, moment: Moment) -> float:
        return self.x(position(moment))

    def up(self, value: float | None) -> float | None:
        return self.y(value) if present(value) else None

    def series(self, series: Sequence[Point], **look: Any) -> None:
        """A line that breaks at missing values."""
        for run in runs([(self.at(at), self.up(value)) for at, value in series]):
            self.line(run, solid_capstyle="round", **({"marker": "."} if len(run) == 1 else {}) | look)

    def label(self, at: Moment, value: float, text: str, side: str = "center", below: bool = False) -> None:
        away: dict[str, Any] = {"va": "top"} if below else {}
        up = self.y(value) + (-9 if below else 9)
        self.text(self.at(at), up, text, ha=side, fontsize=8.5, fontweight="bold", color=INK, **away)

    def axes(self, title: str, style: Style) -> None:
        """A title, horizontal lines with their values, and days or times below."""
        self.scale(title, style)
        for at, name in time_ticks(self.x.low, self.x.high, 6):
            self.text(self.x(at), self.y.start - 22, name, ha="center", fontsize=8, color=AXIS)

    def scale(self, title: str, style: Style) -> None:
        """The same without anything below."""
        left, right = self.x.start - _MARGIN, self.x.end + _MARGIN
        marks = ticks(self.y.low, self.y.high)
        for value, name in zip(marks, show_ticks(marks, style), strict=True):
            self.line([(left, self.y(value)), (right, self.y(value))], color=GRID, linewidth=0.8, zorder=0.5)
            self.text(left - 6, self.y(value), name, ha="right", va="center", fontsize=8, color=AXIS)
        self.text(left, self.y.end + 24, title, fontsize=11, color=INK)


def blank(width: int, height: int, dpi: int = _DPI) -> Figure:
    """A picture of so many pixels."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="white")


def plot(
    figure: Figure, every: Sequence[Sequence[Point]], across: tuple[float, float], up: tuple[float, float]
) -> Plot:
    """A place whose scales hold every point; what hardly moves looks like it."""
    moments = [position(at) for series in every for at, _ in series] or [0.0]
    low, high = span((value for series in every for _, value in series), pad=0.15)
    wide = max(_CALM * max(abs(low), abs(high)) - (high - low), 0.0)
    low, high = low - wide / 2, high + wide / 2
    return Plot(figure, Scale(min(moments), max(moments), *across), Scale(low, high, *up))


def clipped(text: str, letters: int) -> str:
    """A text that is not longer than so many letters."""
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def width(text: str, points: float, dpi: int = PHONE) -> float:
    """About as many pixels as a text takes, rather more."""
    return len(text) * _WIDE * points * dpi / 72
