"""Is this news? A change is judged by the metric's own changes over the same distance.

A change of a day is news when it leaves the metric's usual range: the median of its changes over the same distance on
the 28 days before, give or take three robust standard deviations (1.4826 times the median absolute deviation: Rousseeuw
and Croux (1993), J. Am. Stat. Assoc. 88, 1273-1283), but no more than one and a half times what nine days of ten keep
to, and no less than two percent; all of it on the scale of logarithms, where twice and half are equally far. So growth
is no news while it goes on, and its end is; a few odd days do not widen the range; and a rhythm that the distance does
not fit, such as three days in the messenger, is as wide as its swings, where the deviation alone promises far more.
To compare with days at the same place of a found cycle was tried and is worse: a cycle that slips by a day, as that of
the messenger did, makes every later day look odd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, log1p
from statistics import median

from assay.jobs.queries.query import Row
from assay.report.format import change

RHYTHM = 28  # days whose own changes say what is usual
_LEAST = RHYTHM // 2  # fewer of them say nothing
_WIDTH = 3 * 1.4826  # of the range to either side, in median absolute deviations
_MOST, _BEYOND = 0.9, 1.5  # nor wider than what so many of the days keep to, and half of it more
_VISIBLE = 0.02  # in logarithms: a smaller departure is none that people would act on
_NEARLY_ALL = -0.999  # what is lost when everything is, on the scale of logarithms


@dataclass(frozen=True, slots=True)
class Moved:
    """The relative change of a day, and the range in which such changes usually lie; None where it is not known."""

    share: float
    usual: tuple[float, float] | None = None

    @property
    def news(self) -> bool:
        """Whether the change lies outside its usual range; not so while none is known."""
        return self.usual is not None and not self.usual[0] <= self.share <= self.usual[1]

    @property
    def strength(self) -> float:
        """How far the change is beyond its range, in halves of its width; 0 where no range is known."""
        if self.usual is None:
            return 0.0
        low, high = map(log1p, self.usual)
        return abs(log1p(max(self.share, _NEARLY_ALL)) - (low + high) / 2) / ((high - low) / 2)


def value(rows: Mapping[date, Row], day: date) -> float | None:
    return rows[day].value if day in rows else None


def moved(rows: Mapping[date, Row], day: date, compare: timedelta) -> Moved | None:
    """How a metric moved over a distance; None where a side is missing or zero."""
    share = _change(rows, day, compare)
    return None if share is None else Moved(share, _range(list(_history(rows, day, compare))))


def _history(rows: Mapping[date, Row], day: date, compare: timedelta) -> Iterator[float]:
    for back in range(1, RHYTHM + 1):
        share = _change(rows, day - timedelta(days=back), compare)
        if share is not None and share > -1:  # nothing at all has no logarithm, and is no habit
            yield log1p(share)


def _change(rows: Mapping[date, Row], day: date, compare: timedelta) -> float | None:
    return change(value(rows, day - compare), value(rows, day))


def _range(changes: list[float]) -> tuple[float, float] | None:
    if len(changes) < _LEAST:
        return None
    centre = median(changes)
    sizes = sorted(abs(each - centre) for each in changes)
    width = max(min(_WIDTH * median(sizes), _BEYOND * sizes[int(_MOST * (len(sizes) - 1))]), _VISIBLE)
    return exp(centre - width) - 1, exp(centre + width) - 1
