"""Cells by row and column, coloured by their tone: blue above zero, red below."""

from __future__ import annotations

from html import escape

from assay.report.charts.frame import LINES, TONES, small
from assay.report.charts.text import shortened
from assay.report.format import Style, present, show
from assay.report.svg import element, label, picture
from assay.report.views import MatrixFigure

_LEFT, _TOP, _ROW, _CELL, _WIDEST = 150, 26, 24, 40, 90
_INK = 0.55  # the strongest colour on which text stays readable, in light and in dark
_MARK = "▲ "


def matrix(of: MatrixFigure, width: int) -> str:
    """As wide as its cells need to stay readable, which may be wider than `width`; a missing cell stays empty."""
    wide = min(max((width - _LEFT) / max(len(of.columns), 1), _CELL), _WIDEST)
    heads = [
        label(shortened(name, wide), _LEFT + (at + 0.5) * wide, _TOP - 9, **small("middle"))
        for at, name in enumerate(of.columns)
    ]
    rows = [_row(of, at, wide) for at in range(len(of.rows))]
    flagged = ", ".join(name for name, _ in of.flagged) or "none"
    said = f"{len(of.rows)} rows by {len(of.columns)} columns; unlike the others: {flagged}"
    right, bottom = _LEFT + wide * len(of.columns), _TOP + _ROW * len(of.rows) + 2
    return picture(right, bottom, of.title, said, *heads, *rows, kind="matrix")


def _row(of: MatrixFigure, at: int, wide: float) -> str:
    (name, values), top = of.rows[at], _TOP + at * _ROW
    odd = name in dict(of.flagged)
    look = f"fill:{TONES['bad']};font-weight:650" if odd else None
    mark = _MARK if odd else ""
    head = label(mark + shortened(name, _LEFT - 8 - 12 * bool(mark)), 0, top + 16, font_size=12, style=look)
    cells = [
        _cell(f"{name}, {column}", value, tone, _LEFT + index * wide, top, wide, of.format)
        for index, (column, value, tone) in enumerate(zip(of.columns, values, of.tones[at], strict=True))
        if present(value)
    ]
    return "".join((head, *cells))


def _cell(name: str, value: float, tone: float | None, left: float, top: float, wide: float, style: Style) -> str:
    colour = TONES["bad"] if (tone or 0.0) < 0 else LINES[0]
    box = element(
        *("rect", element("title", escape(f"{name}: {show(value, style)}"))),
        x=left + 0.5,
        y=top + 0.5,
        width=wide - 1,
        height=_ROW - 1,
        style=f"fill:{colour};fill-opacity:{_INK * abs(tone or 0.0):.3f}",
    )
    return box + label(_short(value, style), left + wide / 2, top + 16, text_anchor="middle", font_size=11)


def _short(value: float, style: Style) -> str:
    return f"{value:.0%}" if style == "percent" and abs(value) >= 0.1 else show(value, style)
