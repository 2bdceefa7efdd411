"""Which colour and which dashes belong to which name, in as many rows as it takes."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.charts.frame import DASHES, LINES, MUTED, small, stroke
from assay.report.charts.text import shortened
from assay.report.svg import element, label

_ENTRY, _ROW = 150, 18
_SWATCH = 18
_DASHED = "4 4"


def key(names: Sequence[str], width: int, dashed: Sequence[bool] = (), boxes: bool = False) -> list[str]:
    """The entries from the top left, as lines or as boxes; a dashed one is a comparison."""
    fits, comparisons = _fits(width), [*dashed, *[False] * len(names)]
    return [
        _entry(name, index, 16 + _ENTRY * (index % fits), 12 + _ROW * (index // fits), comparisons[index], boxes)
        for index, name in enumerate(names)
    ]


def key_height(names: Sequence[str], width: int) -> int:
    """The pixels that the key takes."""
    return _ROW * -(-len(names) // _fits(width)) if names else 0


def look(index: int, dashed: bool = False) -> tuple[str, float, str | None]:
    """Colour, width and dashes of the line at this position: no two of the first sixteen are alike."""
    if dashed:
        return MUTED, 1.5, _DASHED
    return LINES[index % len(LINES)], 2, DASHES[index // len(LINES) % len(DASHES)]


def _fits(width: int) -> int:
    return max(1, (width - 16) // _ENTRY)


def _entry(name: str, index: int, x: float, y: float, dashed: bool, boxes: bool) -> str:
    colour, thick, pattern = look(index, dashed)
    swatch = _box(x, y, colour) if boxes else stroke(f"M{x:.0f} {y:.0f} h{_SWATCH}", colour, thick, pattern)
    return swatch + label(shortened(name, _ENTRY - _SWATCH - 14), x + _SWATCH + 6, y + 4, **small("start"))


def _box(x: float, y: float, colour: str) -> str:
    return element("rect", x=x, y=y - 5, width=_SWATCH - 4, height=10, rx=2, style=f"fill:{colour}")
