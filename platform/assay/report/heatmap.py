"""A matrix of shares as SVG: cohorts down, days of life across; the text of a cell reads on its colour in any theme."""

from __future__ import annotations

from assay.report.format import MISSING, present, show, show_date
from assay.report.svg import element, label, picture
from assay.report.views import HeatmapRow, HeatmapView

_WIDTH, _LEFT, _TOP, _ROW = 1240, 150, 24, 22
_WIDEST = 72  # of a cell
_INK = 0.55  # the strongest colour on which dark text on light paper, and light text on dark paper, stay readable
_MUTED, _COLOUR, _BAD = "var(--muted,#8a93a3)", "var(--line-1,#4f7cf3)", "var(--bad,#dc5656)"
_MARK = "▲ "


def heatmap(view: HeatmapView) -> str:
    """One cell per cohort and day: its share as text and as strength of the colour; empty where nothing is known."""
    wide = min((_WIDTH - _LEFT) / max(len(view.days), 1), _WIDEST)
    peak = max((value for row in view.rows for value in row.values if present(value)), default=0.0) or 1.0
    heads = [
        label(str(day), _LEFT + (at + 0.5) * wide, _TOP - 8, **_text("middle")) for at, day in enumerate(view.days)
    ]
    rows = [_row(view, row, _TOP + at * _ROW, wide, peak) for at, row in enumerate(view.rows)]
    width, height = _LEFT + wide * len(view.days), _TOP + _ROW * len(view.rows)
    corner = label("members", _LEFT - 10, _TOP - 8, **_text("end"))
    return picture(width, height + 2, view.label, _description(view), corner, *heads, *rows)


def _description(view: HeatmapView) -> str:
    flagged = [show_date(row.cohort) for row in view.rows if row.flagged]
    return f"{len(view.rows)} cohorts by day of life; unlike those before: {', '.join(flagged) or 'none'}"


def _row(view: HeatmapView, row: HeatmapRow, top: float, wide: float, peak: float) -> str:
    size = MISSING if row.size is None else f"{row.size:,}"
    look = f"fill:{_BAD};font-weight:650" if row.flagged else None
    name = label(f"{_MARK if row.flagged else ''}{show_date(row.cohort)}", 0, top + 15, font_size=12, style=look)
    count = label(size, _LEFT - 10, top + 15, **_text("end"))
    cells = [
        _cell(f"{show_date(row.cohort)}, day {day}", value, _LEFT + at * wide, top, wide, peak)
        for at, (day, value) in enumerate(zip(view.days, row.values, strict=True))
        if present(value)
    ]
    return "".join((name, count, *cells, _frame(top, wide * len(view.days)) if row.flagged else ""))


def _cell(name: str, value: float, left: float, top: float, wide: float, peak: float) -> str:
    box = element(
        *("rect", element("title", f"{name}: {show(value, 'percent')}")),
        x=left + 0.5,
        y=top + 0.5,
        width=wide - 1,
        height=_ROW - 1,
        style=f"fill:{_COLOUR};fill-opacity:{_INK * value / peak:.3f}",
    )
    return box + label(f"{value:.0%}", left + wide / 2, top + 15, text_anchor="middle", font_size=11)


def _frame(top: float, width: float) -> str:
    look = f"fill:none;stroke:{_BAD};stroke-width:1.5"
    return element("rect", x=_LEFT, y=top, width=width, height=_ROW, style=look)


def _text(anchor: str) -> dict[str, object]:
    return {"text_anchor": anchor, "font_size": 11, "style": f"fill:{_MUTED}"}
