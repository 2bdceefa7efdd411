"""What is made from what: boxes from left to right, with an arrow from each to what is made from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from statistics import fmean

from assay.report.charts.frame import MUTED
from assay.report.charts.text import shortened
from assay.report.svg import element, label, picture
from assay.report.views import Node

Steps = Sequence[tuple[Node, Node]]
Href = Callable[[str, str], str | None]
_BOX, _TALL, _ROW, _GAP = 164, 38, 50, 46  # pixels: a box, a row with its room, and the room of the arrows
_PAD, _HEAD = 6, 7


def graph(steps: Steps, here: Node, *, title: str, href: Href) -> str:
    """Each box is a link where `href` knows one; `here` stands out. As wide as its longest chain."""
    columns = _columns(steps, here)
    ways = [_way(start, end, columns) for start, end in steps]
    places = _places(columns, ways)
    across, down = (max(each[at] for each in places.values()) + size + _PAD for at, size in ((0, _BOX), (1, _TALL)))
    arrows = [_arrow([places[node] for node in way]) for way in ways]
    boxes = [_box(node, places[node], node == here, href(*node)) for node in columns]
    described = ", ".join(f"{start[1]} to {end[1]}" for start, end in steps)
    return picture(across, down, title, described, *arrows, *boxes, role="group")


def _columns(steps: Steps, here: Node) -> dict[Node, int]:
    """The length of the longest way to each node."""
    before: dict[Node, list[Node]] = {here: []}
    for start, end in steps:
        before.setdefault(start, [])
        before.setdefault(end, []).append(start)
    found: dict[Node, int] = {}
    for node in before:
        _column(node, before, found)
    return found


def _column(node: Node, before: Mapping[Node, Sequence[Node]], found: dict[Node, int]) -> int:
    if node not in found:
        found[node] = max((_column(each, before, found) + 1 for each in before[node]), default=0)
    return found[node]


def _way(start: Node, end: Node, columns: Mapping[Node, int]) -> list[Node]:
    """A step with a lane in each column between its ends, so that no arrow runs behind a box."""
    lanes = [("", f"{start} {column}") for column in range(columns[start] + 1, columns[end])]
    return [start, *lanes, end]


def _places(columns: Mapping[Node, int], ways: Sequence[Sequence[Node]]) -> dict[Node, tuple[int, int]]:
    """The top left corner of each box and lane: by column, each beside what it comes from."""
    before: dict[Node, set[Node]] = defaultdict(set)
    at = dict(columns)
    for way in ways:
        for step, (start, end) in enumerate(pairwise(way), columns[way[0]] + 1):
            at.setdefault(end, step)
            before[end].add(start)
    rows: dict[Node, float] = {}
    tallest = max(list(at.values()).count(column) for column in set(at.values()))
    for column in range(max(at.values()) + 1):
        nodes = [node for node in at if at[node] == column]
        nodes.sort(key=lambda node: fmean(rows[each] for each in before[node]) if before[node] else 0.0)
        rows |= {node: row + (tallest - len(nodes)) / 2 for row, node in enumerate(nodes)}
    return {node: (_PAD + at[node] * (_BOX + _GAP), _PAD + int(row * _ROW)) for node, row in rows.items()}


def _arrow(corners: Sequence[tuple[int, int]]) -> str:
    """From the right of the first box over lanes to the left of the last one."""
    path = f"M{corners[0][0] + _BOX} {corners[0][1] + _TALL / 2:g}"
    for (x, y), (to, down) in pairwise(corners):
        last = to == corners[-1][0]
        start, end = x + _BOX, to - (1 + _HEAD if last else 0)
        bend = start + (end - start) / 2
        path += f" C{bend:g} {y + _TALL / 2:g} {bend:g} {down + _TALL / 2:g} {end:g} {down + _TALL / 2:g}"
        path += "" if last else f" H{to + _BOX}"
    tip, middle = corners[-1][0] - 1, corners[-1][1] + _TALL / 2
    head = f"M{tip - _HEAD} {middle - 4:g} L{tip} {middle:g} L{tip - _HEAD} {middle + 4:g} Z"
    line = element("path", d=path, style=f"fill:none;stroke:{MUTED};stroke-width:1.25")
    return line + element("path", d=head, style=f"fill:{MUTED}")


def _box(node: Node, at: tuple[int, int], here: bool, target: str | None) -> str:
    (kind, name), (x, y) = node, at
    edge = "var(--line-1,#4f7cf3)" if here else "var(--rule,#8884)"
    look = f"fill:var(--{'soft' if here else 'card'},#fff);stroke:{edge};stroke-width:{2 if here else 1.25}"
    colour = "var(--accent,#3059d6)" if target and not here else "currentColor"
    drawn = (
        element("title", escape(f"{kind} {name}")),
        element("rect", x=x, y=y, width=_BOX, height=_TALL, rx=8, style=look),
        label(kind, x + 10, y + 14, font_size=10.5, style=f"fill:{MUTED}"),
        label(shortened(name, _BOX - 20), x + 10, y + 29, font_size=12.5, style=f"fill:{colour}"),
    )
    return element("a", *drawn, href=target) if target and not here else element("g", *drawn)
