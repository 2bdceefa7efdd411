"""Series as columns of block characters, for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from assay.report.format import Style, present, show, show_date
from assay.report.text import one_line

HEIGHT = 6  # lines of a chart
NARROW = 10  # columns at least, however narrow the terminal
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_UNKNOWN = "?"

Point = tuple[date, float | None]


@dataclass(frozen=True, slots=True)
class Plot:
    """The lines of a chart; `head` may be shown in bold type."""

    head: str
    lines: tuple[str, ...]


def plot(title: str, points: Sequence[Point], style: Style, width: int) -> Plot:
    """Columns from zero, the newest ones where not all fit into `width` characters; `?` is what is not known."""
    known = [value for _, value in points if present(value)]
    if not known:
        return Plot(one_line(title), (f"nothing is known of {len(points)} periods",))
    low, high = min(0.0, *known), max(0.0, *known)
    labels = _labels(low, high, style)
    room = max(NARROW, width - len(labels[0]) - 2)
    kept = points[-room:]
    rows = [_row(kept, low, high, row) for row in reversed(range(HEIGHT))]
    body = (f"{label} │{row}".rstrip() for label, row in zip(labels, rows, strict=True))
    return Plot(one_line(title), (*body, *_foot(points, kept, style, len(labels[0]) + 2)))


def _labels(low: float, high: float, style: Style) -> list[str]:
    top, bottom = show(high, style), show(low, style)
    width = max(len(top), len(bottom))
    return [top.rjust(width), *[" " * width] * (HEIGHT - 2), bottom.rjust(width)]


def _row(points: Sequence[Point], low: float, high: float, row: int) -> str:
    return "".join(_cell(value, low, high, row) for _, value in points)


def _cell(value: float | None, low: float, high: float, row: int) -> str:
    """A part of a column, in eighths of a line; a value at the foot of the chart is still to be seen."""
    if not present(value):
        return _UNKNOWN if row == 0 else " "
    filled = max(1, round((value - low) / (high - low or 1.0) * HEIGHT * 8))
    return _EIGHTHS[min(8, max(0, filled - row * 8))]


def _foot(points: Sequence[Point], kept: Sequence[Point], style: Style, indent: int) -> list[str]:
    first, last = (show_date(each[0]) for each in (kept[0], kept[-1]))
    gap = max(1, len(kept) - len(first) - len(last))
    ends = first if len(kept) == 1 else f"{first}{' ' * gap}{last}"
    unknown = sum(not present(value) for _, value in points)
    day, newest = next(each for each in reversed(points) if present(each[1]))
    told = [f"{show(newest, style)} on {show_date(day)}"]
    told += [f"the newest {len(kept)} of {len(points)}"] if len(kept) < len(points) else []
    told += [f"{unknown} of {len(points)} unknown (?)"] if unknown else []
    return [" " * indent + ends, " " * indent + ", ".join(told)]
