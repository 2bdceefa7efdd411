"""From stored slots to what a detector reads: one matrix of series by spans of slots for each metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.catalog.catalog import Metric
from assay.catalog.series import Series, Size, Total, ratio_parts
from assay.compiler import series as compiled
from assay.compiler.series import Spans
from assay.compiler.values import of_nothing
from assay.detect import Band, History
from assay.jobs.alerts import slots
from assay.jobs.alerts.slots import Stored
from assay.jobs.alerts.timeline import Timeline
from assay.jobs.context import Context

Slice = tuple[str, str]  # dimension and value; both empty for the total
TOTAL: Slice = ("", "")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Windows:
    """`count` spans of `stride` slots, one after the other, from the slot number `start` on.

    Of each span only the last `take` slots are read, all of them when None. The first span begins a day: the local one,
    or for long windows one that begins as many slots later as the windows need to end with the judged slot.
    """

    timeline: Timeline
    start: int
    count: int
    stride: int = 1
    take: int | None = None

    @property
    def stop(self) -> int:
        return self.start + self.count * self.stride

    @property
    def per_day(self) -> int:
        return self.timeline.per_day // self.stride

    @property
    def spans(self) -> Spans:
        return Spans(self.start, self.count * self.stride, self.stride, self.take or self.stride, *self.days)

    @property
    def days(self) -> tuple[date, date]:
        """The local days of the first and the last slot."""
        return self.timeline.day(self.start), self.timeline.day(self.stop - 1)

    def last(self, column: Any) -> Any:
        """The number of the last slot of a span; of many, as an array."""
        return self.start + (column + 1) * self.stride - 1

    def known(self, stored: Stored, metrics: Sequence[Metric]) -> NDArray[np.bool_]:
        """Which spans are stored whole, shape (count,); an hour that the change of the clock left out is no gap."""
        length = self.count * self.stride
        found = slots.known(stored, self.timeline, metrics, self.start, length)
        missing = ~found & slots.existing(self.timeline, self.start, length)
        taken, gaps = (
            each.reshape(self.count, self.stride)[:, self.stride - (self.take or self.stride) :]
            for each in (found, missing)
        )
        return np.asarray(taken.any(axis=1) & ~gaps.any(axis=1))


@dataclass(frozen=True, slots=True)
class Matrix:
    """One metric by slices and spans: value, numerator and denominator, each of shape (slices, spans); NaN for spans
    that are not `stored`, and what nothing means for those without events."""

    metric: Metric
    names: tuple[Slice, ...]
    stored: NDArray[np.bool_]
    value: Floats
    above: Floats
    below: Floats

    def chosen(self, names: Sequence[Slice]) -> Matrix:
        """Some slices in this order; one that is not there had no events."""
        at = {name: row for row, name in enumerate(self.names)}
        rows = [at.get(name, -1) for name in names]
        nothing = [np.where(self.stored, each, np.nan) for each in (_silence(self.metric.series), 0.0, 0.0)]
        parts = [
            np.concatenate([part, silent[None]])[rows]
            for part, silent in zip((self.value, self.above, self.below), nothing, strict=True)
        ]
        return Matrix(self.metric, tuple(names), self.stored, *parts)

    @property
    def volume(self) -> Floats:
        """The events of each slice, shape (slices,): those of the denominator for a quotient."""
        events = self.below if ratio_parts(self.metric.series) else np.abs(self.value)
        return np.asarray(np.nansum(events, axis=1))

    @property
    def signed(self) -> bool:
        """Whether something is negative: then nothing here is counted."""
        return bool(np.any(self.value < 0))

    def history(self, windows: Windows, signed: bool, band: Band | None = None) -> History:
        """As a detector reads it: counts, ratios of counts, or gauges, which may be `signed`."""
        weekday = windows.timeline.weekday(windows.start)
        more: dict[str, Any] = {"per_day": windows.per_day, "weekday": weekday, "band": band}
        parts = ratio_parts(self.metric.series)
        if parts and all(map(_counts_events, parts)):
            return History.ratios(self.above, self.below, **more)
        if parts:
            counted = self.metric.spec.type == "mean" or _counts_events(parts[1])
            return History.gauges(self.value, self.below if counted else None, **more)
        if isinstance(self.metric.series, Total | Size) and not signed:
            return History.counts(self.value, **more)
        return History.gauges(self.value, **more)


def read(
    context: Context,
    metrics: Sequence[Metric],
    dimensions: Sequence[str],
    windows: Windows,
    stored: Stored | None,
    chosen: Sequence[str] | None = None,
) -> list[Matrix]:
    """The metrics by the slices that have events, and the total if `dimensions` holds ''; `chosen` values only.

    With None for what is `stored`, spans that are stored in part count as they are.
    """
    catalog, every = context.catalog, windows.timeline.every
    statement = compiled.slots(catalog, metrics, every, dimensions, windows.spans, context.database, chosen)
    rows = list(context.engine.run(statement).dicts())
    names = sorted({(row["dim"], row["val"]) for row in rows} | ({TOTAL} if TOTAL[0] in dimensions else set()))
    known = np.ones(windows.count, dtype=bool) if stored is None else windows.known(stored, metrics)
    return [_matrix(metric, index, names, rows, known) for index, metric in enumerate(metrics)]


def _matrix(
    metric: Metric, index: int, names: Sequence[Slice], rows: Iterable[Mapping[str, Any]], stored: NDArray[np.bool_]
) -> Matrix:
    empty = Matrix(metric, (), stored, *(np.empty((0, len(stored))) for _ in range(3))).chosen(names)
    at = {name: row for row, name in enumerate(names)}
    for row in rows:
        place, spans = at[row["dim"], row["val"]], np.asarray(row["k"], dtype=np.intp)
        for part, matrix in (("v", empty.value), ("n", empty.above), ("d", empty.below)):
            matrix[place, spans] = row[f"{part}{index}"]
            matrix[place, ~stored] = np.nan
    return empty


def _counts_events(series: Series) -> bool:
    """Whether a value is a number of events or entities, whose noise is that of counting."""
    return isinstance(series, Size) or (isinstance(series, Total) and series.measure.expression == "1")


def _silence(series: Series) -> float:
    """The value of a series without any event; NaN where nothing can be divided or ranked."""
    value = of_nothing(series)
    return np.nan if value is None else value
