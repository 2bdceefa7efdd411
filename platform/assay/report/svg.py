"""Drawing primitives: escaped SVG elements, scales, ticks and paths. Charts are built from these and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape

from assay.report.format import show_date

DAY = 86_400
_MINUTE, _HOUR = 60, 3_600
_STEPS = (
    *(5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(days * DAY for days in (1, 2, 3, 7, 14, 28, 56, 91, 182, 364, 728, 3640)),
)


def element(tag: str, *children: str, **attributes: object) -> str:
    """`<tag …>children</tag>`: attributes are escaped, `_` in a name reads `-` (a last one is dropped), None is left
    out; children are SVG already."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    listed = "".join(f' {name}="{escape(_number(value))}"' for name, value in named.items())
    return f"<{tag}{listed}>{''.join(children)}</{tag}>"


def label(content: str, x: float, y: float, **attributes: object) -> str:
    """A text element; the content is escaped."""
    return element("text", escape(content), x=x, y=y, **{"fill": "currentColor", **attributes})


def picture(
    width: float, height: float, title: str, description: str, *children: str, role: str = "img", kind: str = ""
) -> str:
    """The whole drawing, in user units of one pixel, that scales with its container; a `group` if it holds links, and
    with a class for its `kind`."""
    head = (element("title", escape(title)), element("desc", escape(description)))
    box = {"viewBox": f"0 0 {width:g} {height:g}", "role": role, "class": f"chart {kind}".strip()}
    return element("svg", *head, *children, xmlns="http://www.w3.org/2000/svg", width=width, height=height, **box)


@dataclass(frozen=True, slots=True)
class Scale:
    """The straight line that takes `low` to `start` and `high` to `end`; an empty domain lands in the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = 0.5 if self.high == self.low else (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def position(moment: date) -> float:
    """Seconds on the wall clock since the year 1: what people read on an axis, whatever the zone."""
    seconds = moment.toordinal() * DAY
    if isinstance(moment, datetime):
        seconds += moment.hour * _HOUR + moment.minute * _MINUTE + moment.second
    return float(seconds)


def span(values: Iterable[float | None], pad: float = 0.1) -> tuple[float, float]:
    """The lowest and highest value with a margin; values that are never negative get no margin below zero."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    margin = pad * (high - low) or abs(high) * pad or 1.0
    return (max(0.0, low - margin) if low >= 0 else low - margin), high + margin


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About `count` round numbers (1, 2 or 5 times a power of ten) within the range.

    Source: P. S. Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990.
    """
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((each * power for each in (1, 2, 5, 10)), key=lambda each: abs(math.log(each / rough)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def time_ticks(low: float, high: float, count: int = 7) -> list[tuple[float, str]]:
    """At most `count` round positions in a range of wall-clock seconds, each with its label; none without moments."""
    if high < DAY:
        return []
    step = next((each for each in _STEPS if (high - low) / each <= count - 1), _STEPS[-1])
    first = math.ceil(low / min(step, DAY)) * min(step, DAY)  # days apart, from the first midnight on
    found = range(int(first), int(high) + 1, step)
    return [(float(each), _time_label(each, step)) for each in found]


def runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """The stretches of a line between its gaps (a missing or not finite y)."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is not None and math.isfinite(y):
            found[-1].append((x, y))
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def rings(points: Sequence[tuple[float, float | None, float | None]]) -> list[list[tuple[float, float]]]:
    """The closed areas between two lines, given as (x, low, high); a missing bound ends an area."""
    upper = {x: high for x, _, high in points if high is not None}
    lower = [(x, low if x in upper else None) for x, low, _ in points]
    return [[*run, *((x, upper[x]) for x, _ in reversed(run))] for run in runs(lower)]


def line_path(points: Sequence[tuple[float, float | None]]) -> str:
    """The `d` of a polyline; a gap lifts the pen, and a point alone between gaps becomes a dot."""
    return " ".join(_polyline(run if len(run) > 1 else run * 2) for run in runs(points))


def area_path(points: Sequence[tuple[float, float | None, float | None]]) -> str:
    """The `d` of the areas between two lines, given as (x, low, high)."""
    return " ".join(f"{_polyline(ring)} Z" for ring in rings(points))


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _number(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _time_label(seconds: int, step: int) -> str:
    moment = datetime.min + timedelta(seconds=seconds - DAY)  # noqa: DTZ901 (day 1 of the ordinals, no zone meant)
    if seconds % DAY:
        return f"{moment:%H:%M}"
    return show_date(moment.date()) if step < 182 * DAY else f"{show_date(moment.date())} {moment.year}"
