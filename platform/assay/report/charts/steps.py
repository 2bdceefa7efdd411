"""Distributions of several groups over the same bins, laid over one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.report.charts.frame import DASHES, GRID, LINES, MUTED, Frame, area, rule, rungs, small, stroke
from assay.report.format import Style, show_ticks
from assay.report.svg import Scale, label, picture, ticks

_MOST = 40  # bins on the picture: more show the noise of few units, and hide two peaks
_Bins = tuple[tuple[float, ...], Mapping[str, tuple[float, ...]]]


def steps(
    edges: Sequence[float],
    shares: Mapping[str, Sequence[float]],
    *,
    title: str,
    style: Style = "number",
    width: int = 600,
    height: int = 300,
) -> str:
    """One outline per group, of shares (0..1) per bin; the first one is the control, in grey.

    Empty bins at both ends are left out, and neighbours are put together until there are few enough to read.
    """
    edges, shares = merged(edges, shares)
    top = max((share for each in shares.values() for share in each), default=0.0) or 1.0
    frame = Frame(Scale(edges[0], edges[-1], 52, width - 26), Scale(0.0, 1.08 * top, height - 28, 14))
    marks = ticks(0.0, 1.08 * top)
    drawn = (
        *rungs(frame, marks, show_ticks(marks, "percent")),
        *_axis(frame, style, 6 if width >= 500 else 3),
        *(_group(frame, edges, each, at) for at, each in enumerate(shares.values())),
    )
    return picture(width, height, title, f"{len(edges) - 1} bins of {', '.join(shares)}", *drawn)


def group_look(at: int) -> tuple[str, str | None]:
    """Colour and dashes of the group at a place, for the outline and for its key."""
    return (MUTED, DASHES[1]) if at == 0 else (LINES[(at - 1) % len(LINES)], (None, *DASHES[2:])[(at - 1) % 3])


def merged(edges: Sequence[float], shares: Mapping[str, Sequence[float]]) -> _Bins:
    """The bins between the first and the last that hold something, put together into at most forty.

    >>> merged([0, 1, 2, 3, 4], {"a": [0, 0.25, 0.75, 0]})
    ((1, 2, 3), {'a': (0.25, 0.75)})
    """
    full = [at for at in range(len(edges) - 1) if any(each[at] for each in shares.values())]
    if not full:
        return tuple(edges), {name: tuple(each) for name, each in shares.items()}
    first, wide = full[0], -(-(full[-1] + 1 - full[0]) // _MOST)
    starts = range(first, full[-1] + 1, wide)
    kept = (*(edges[at] for at in starts), edges[min(starts[-1] + wide, len(edges) - 1)])
    return kept, {name: tuple(sum(each[at : at + wide]) for at in starts) for name, each in shares.items()}


def _axis(frame: Frame, style: Style, count: int) -> list[str]:
    marks, bottom = ticks(frame.x.low, frame.x.high, count), frame.y.start
    names = zip(marks, show_ticks(marks, style), strict=True)
    base = rule(frame.x.start, bottom, frame.x.end, bottom, GRID)
    return [base, *(label(name, frame.x(each), bottom + 18, **small("middle")) for each, name in names)]


def _group(frame: Frame, edges: Sequence[float], shares: Sequence[float], at: int) -> str:
    colour, pattern = group_look(at)
    path = _outline(frame, edges, shares)
    return area(path, colour, 0.16) + stroke(path, colour, 2, pattern)


def _outline(frame: Frame, edges: Sequence[float], shares: Sequence[float]) -> str:
    bottom = f"{frame.y(0.0):.1f}"
    over = " ".join(
        f"V{frame.y(share):.1f} H{frame.x(right):.1f}" for share, right in zip(shares, edges[1:], strict=True)
    )
    return f"M{frame.x(edges[0]):.1f} {bottom} {over} V{bottom}"
