"""Whether the days that a value is made of are stored, whole, or still to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate

from assay.catalog.catalog import Metric
from assay.catalog.rows import ahead
from assay.catalog.series import Leaf, Measure, Seen, Window, leaves, present
from assay.compiler import zone
from assay.compiler.states import DAY
from assay.jobs.context import Context
from assay.jobs.storage import builds
from assay.jobs.storage.builds import Build

_DAY = timedelta(days=1)
_NONE = date.min


class Stored:
    """The stored days of every source, for questions about periods of one `grain`."""

    def __init__(self, context: Context, dimension: str | None, grain: str) -> None:
        """`dimension` is the key that the days must be split by, if any."""
        self._zone, self._grain = context.catalog.zone, grain
        self._dimensions = {dimension} if dimension else set()
        self._builds: dict[str, dict[date, Build]] = {}
        for (source, day), build in builds.read(context, DAY).items():
            self._builds.setdefault(source, {})[day] = build
        self._spans = {source: (min(days), max(days)) for source, days in self._builds.items()}
        self._counts: dict[tuple[str, str, bool], Sequence[int]] = {}

    def has(self, metric: Metric, day: date) -> bool:
        """Whether everything that a value of the day is made of is stored."""
        return all(self._covers(leaf.measure, first, last, False) for leaf, first, last in self._reads(metric, day))

    def full(self, metric: Metric, day: date) -> bool:
        """Whether it was over, too, when it was built."""
        return all(self._covers(leaf.measure, first, last, True) for leaf, first, last in self._reads(metric, day))

    def awaited(self, metric: Metric, day: date) -> date | None:
        """The last day that a value of this day waits for, when nothing is stored so late yet."""
        late = [last for leaf, _, last in self._reads(metric, day) if last > self._last(leaf.measure.source)]
        known = max(self._last(leaf.measure.source) for leaf in leaves(metric.series))
        return max(late) if late and day <= known else None

    def reach(self, metric: Metric, day: date) -> date:
        """The last day that a value of this day is made of."""
        return max(day, *(last for _, _, last in self._reads(metric, day)))

    def _last(self, source: str) -> date:
        return self._spans.get(source, (_NONE, _NONE))[1]

    def _reads(self, metric: Metric, day: date) -> Iterator[tuple[Leaf, date, date]]:
        """Every leaf with the first and last day that it reads; seen before is since the first stored day."""
        for each in present(metric.series):
            for leaf in leaves(each):
                if isinstance(each, Seen):
                    known, _ = self._spans.get(leaf.measure.source, (day, day))
                    yield leaf, min(known, day), day + (each.days - 1) * _DAY
                else:
                    first, last = self._bounds(leaf.window, day)
                    yield leaf, first, last + ahead(leaf.measure.rows) * _DAY

    def _bounds(self, window: Window, day: date) -> tuple[date, date]:
        if window.unit == "month":
            return day.replace(day=1), day
        if window.unit == "period":
            last = zone.first_of(day, self._grain) - _DAY
            return zone.first_of(last, self._grain), last
        return day + window.first * _DAY, day + window.last * _DAY

    def _covers(self, measure: Measure, first: date, last: date, full: bool) -> bool:
        """Whether every day of a range is there: as many as it is long."""
        begin, _ = self._spans.get(measure.source, (first, first))
        counts = self._counted(measure, full)
        low, high = (first - begin).days, (last - begin).days + 1
        if low >= high:
            return True
        return low >= 0 and high < len(counts) and counts[high] - counts[low] == high - low

    def _counted(self, measure: Measure, full: bool) -> Sequence[int]:
        """How many good days lie before each day, from the first stored one to the day after the last."""
        key = measure.source, measure.id, full
        if key not in self._counts:
            days, (first, last) = self._builds.get(measure.source, {}), self._spans.get(measure.source, (_NONE, _NONE))
            every = zone.days(first, last + _DAY) if days else ()
            self._counts[key] = [0, *accumulate(self._good(days.get(day), day, measure.id, full) for day in every)]
        return self._counts[key]

    def _good(self, build: Build | None, day: date, measure: str, full: bool) -> bool:
        if build is None:
            return False
        over = not full or build.until >= zone.midnight(day, self._zone, after=1)
        return over and measure in build.measures and self._dimensions <= build.dimensions
