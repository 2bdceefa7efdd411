"""The numbers behind an alert: stored slots → series of equal slots → judgements, one sequence per metric and slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay import detect
from assay.catalog.catalog import Metric
from assay.catalog.series import Series, Size, Total, ratio_parts
from assay.compiler import series as compiled
from assay.compiler import states, zone
from assay.compiler.states import Grain
from assay.compiler.values import of_nothing
from assay.config.alert import AlertSpec
from assay.config.base import show_duration
from assay.config.definitions import Definition
from assay.detect import Judgement, Slots
from assay.errors import CheckFailed
from assay.jobs.context import Context
from assay.jobs.storage import builds, checks, source_states

_DAY = timedelta(days=1)
LOOKBACK = 12  # slots replayed for confirmation and recovery, the newest included
_SMOOTHING = 3  # windows that a detector may average over, each a season further back
TOTAL = ("", "")

Slice = tuple[str, str]  # dimension and value; both empty for the total


@dataclass(frozen=True, slots=True)
class Judged:
    """One metric and slice: `ends` are the ends of consecutive slots, oldest first, with a judgement for each."""

    metric: Metric
    slice: Slice
    ends: tuple[datetime, ...]
    judgements: tuple[Judgement, ...]


class Ticks:
    """The calendar of one alert at one moment: which windows of slots are compared with which."""

    def __init__(self, context: Context, alert: Definition[AlertSpec], at: datetime) -> None:
        self.spec, self._zone = alert.spec, context.catalog.zone
        self.every, self.span = alert.spec.every, alert.spec.window or alert.spec.every
        self.end = floor(at, self.every, self._zone)
        self.depth = alert.spec.detector.history // alert.spec.detector.season + _SMOOTHING

    @property
    def ends(self) -> list[datetime]:
        """The ends of the replayed slots, oldest first."""
        return [later(self.end, -back, self.every, self._zone) for back in reversed(range(LOOKBACK))]

    def history(self, end: datetime) -> list[datetime]:
        """The ends of the comparable windows, oldest first, the current one last."""
        season = self.spec.detector.season
        return [same_slot(end, back * season, self.every, self._zone) for back in reversed(range(self.depth))]

    def slots(self, end: datetime) -> list[datetime]:
        """The beginnings of the slots of the window that ends at `end`."""
        return [later(end, -n - 1, self.every, self._zone) for n in range(self.span // self.every)]


def floor(at: datetime, every: timedelta, name: str) -> datetime:
    """The last slot boundary of the local day that is not after `at`."""
    start = zone.midnight(zone.local_day(at, name), name)
    return start if every == _DAY else start + (at - start) // every * every


def later(moment: datetime, slots: int, every: timedelta, name: str) -> datetime:
    """The boundary so many slots later: the nearest one, because the last slot of a day may be longer or shorter."""
    return floor(moment + slots * every + every / 2, every, name)


def same_slot(moment: datetime, back: timedelta, every: timedelta, name: str) -> datetime:
    """The boundary nearest to the same wall-clock time on an earlier day."""
    return later(zone.earlier(moment, back, name), 0, every, name)


def judged(context: Context, alert: Definition[AlertSpec], at: datetime) -> list[Judged]:
    """Judge every metric and slice of an alert on the slots up to `at`; its states are brought up to date first.

    Raises CheckFailed E510 when the events of the judged day fail a check.
    """
    ticks = Ticks(context, alert, at)
    metrics = [context.catalog.metric(name) for name in alert.spec.metrics]
    windows = [end for newest in ticks.ends for end in ticks.history(newest)]
    spans = [ticks.slots(end) for end in windows]
    stored = _bring_up_to_date(context, alert, metrics, spans, ticks.end)
    dimensions = ([TOTAL[0]] if alert.spec.total else []) + list(alert.spec.by)
    cube = _Cube(context, metrics, alert, dimensions, spans)
    known = np.array([stored.issuperset(span) for span in spans])
    shape = (LOOKBACK, ticks.depth)
    return [
        found for index, metric in enumerate(metrics) for found in _metric(cube, index, metric, known, shape, ticks)
    ]


def _metric(
    cube: _Cube, index: int, metric: Metric, known: NDArray[np.bool_], shape: tuple[int, int], ticks: Ticks
) -> Iterator[Judged]:
    """One metric: a detector call per replayed slot, for all its slices together."""
    spec = ticks.spec.detector
    history = spec.history // spec.season
    columns = []
    for tick in range(shape[0]):
        part = slice(tick * shape[1], (tick + 1) * shape[1])
        slots = cube.slots(index, metric, known, part)
        columns.append(detect.judge(spec.type, slots, history=history, **spec.parameters))
    for row, name in enumerate(cube.slices):
        yield Judged(metric, name, tuple(ticks.ends), tuple(column[row] for column in columns))


class _Cube:
    """The values of all metrics: (window, slice) → value, numerator, denominator; an absent one had no events."""

    def __init__(
        self,
        context: Context,
        metrics: Sequence[Metric],
        alert: Definition[AlertSpec],
        dimensions: Sequence[str],
        windows: Sequence[Sequence[datetime]],
    ) -> None:
        every = show_duration(alert.spec.every)
        statement = compiled.slots(context.catalog, metrics, every, dimensions, windows, context.database)
        rows = list(context.engine.run(statement).dicts())
        found = {(row["dim"], row["val"]) for row in rows}
        self.slices: list[Slice] = sorted(found | ({TOTAL} if TOTAL[0] in dimensions else set()))
        at = {name: index for index, name in enumerate(self.slices)}
        names = [f"{part}{index}" for index in range(len(metrics)) for part in "vnd"]
        silence = {f"v{index}": _silence(metric.series) for index, metric in enumerate(metrics)}
        shape = len(self.slices), len(windows)
        self._values = {name: np.full(shape, silence.get(name, 0.0)) for name in names}
        for row in rows:
            for name in names:
                value = np.nan if row[name] is None else row[name]
                self._values[name][at[row["dim"], row["val"]], row["k"]] = value

    def slots(self, index: int, metric: Metric, known: NDArray[np.bool_], part: slice) -> Slots:
        """The windows of one replayed slot as a detector reads them; what is not stored is NaN."""
        value, above, below = (self._of(f"{name}{index}", known, part) for name in "vnd")
        parts = ratio_parts(metric.series)
        if parts and all(map(_counts_events, parts)):
            return Slots.ratios(above, below)
        if parts:
            counted = metric.spec.type == "mean" or _counts_events(parts[1])
            return Slots.gauges(value, below if counted else None)
        if isinstance(metric.series, Total | Size) and not np.any(self._values[f"v{index}"] < 0):
            return Slots.counts(value)
        return Slots.gauges(value)

    def _of(self, name: str, known: NDArray[np.bool_], part: slice) -> NDArray[np.float64]:
        return np.where(known[part], self._values[name][:, part], np.nan)


def _counts_events(series: Series) -> bool:
    """Whether a value is a number of events or entities, whose noise is that of counting."""
    return isinstance(series, Size) or (isinstance(series, Total) and series.measure.expression == "1")


def _silence(series: Series) -> float:
    """The value of a series without any event; NaN where nothing can be divided or ranked."""
    value = of_nothing(series)
    return np.nan if value is None else value


def _bring_up_to_date(
    context: Context,
    alert: Definition[AlertSpec],
    metrics: Sequence[Metric],
    windows: Sequence[Sequence[datetime]],
    end: datetime,
) -> set[datetime]:
    """Build what is missing of the alert's slots, and say which slots are stored for every source."""
    grain_name, zone_name = show_duration(alert.spec.every), context.catalog.zone
    sources = {name for metric in metrics for name in metric.sources}
    grains = [g for g in states.grains(context.catalog) if g.name == grain_name and g.source in sources]
    wanted = sorted({slot for window in windows for slot in window})
    days = sorted({zone.local_day(slot, zone_name) for slot in wanted})
    for grain in grains:
        first = source_states.extent(context, grain.source).first
        _build_missing(context, grain, [day for day in days if first <= day], end)
    stored = builds.read(context, grain_name)
    every = alert.spec.every
    return {
        slot
        for slot in wanted
        if all(
            _holds(stored.get((grain.source, zone.local_day(slot, zone_name))), later(slot, 1, every, zone_name))
            for grain in grains
        )
    }


def _holds(build: builds.Build | None, end: datetime) -> bool:
    return build is not None and build.until >= end


def _build_missing(context: Context, grain: Grain, days: Sequence[date], end: datetime) -> None:
    """Days that are not stored with this meaning, and the day of `end` as far as it has come.

    Raises CheckFailed E510 when the newest day is refused; an earlier one is history that `blocked` tells of.
    """
    stored = builds.read(context, grain.name)
    missing = [
        day for day in days if not _up_to_date(stored.get((grain.source, day)), grain, _until(context, day, end))
    ]
    if missing:  # without pinned values, every value would be 'other'
        source_states.pin(context, grain, days[0], days[-1] + _DAY)
    # a look at the past must not cut short what is stored already
    end = max([end, *(stored[grain.source, day].until for day in missing if (grain.source, day) in stored)])
    refused = [day for chunk in source_states.chunks(grain, missing) for day in _refused(context, grain, chunk, end)]
    error = checks.refused(context, [grain.source], [day for day in refused if day == days[-1]])
    if error:
        raise error


def _refused(context: Context, grain: Grain, days: Sequence[date], end: datetime) -> list[date]:
    """Build some days and return those whose checks fail: one bad day must not blind the alert for its neighbours."""
    if source_states.build(context, grain, days, end).status != "failed":
        return []
    return list(days) if len(days) == 1 else [bad for day in days for bad in _refused(context, grain, [day], end)]


def blocked(context: Context, alert: Definition[AlertSpec], at: datetime) -> CheckFailed | None:
    """The failed checks that keep days of the alert's history from being stored or renewed."""
    ticks, name = Ticks(context, alert, at), context.catalog.zone
    slots = {slot for newest in ticks.ends for end in ticks.history(newest) for slot in ticks.slots(end)}
    sources = {source for metric in alert.spec.metrics for source in context.catalog.metric(metric).sources}
    return checks.refused(context, sources, {zone.local_day(slot, name) for slot in slots})


def _until(context: Context, day: date, end: datetime) -> datetime:
    return min(end, zone.midnight(day, context.catalog.zone, after=1))


def _up_to_date(build: builds.Build | None, grain: Grain, until: datetime) -> bool:
    return _holds(build, until) and build is not None and build.fingerprint == grain.fingerprint


def cause(context: Context, alert: Definition[AlertSpec], metric: Metric, end: datetime) -> tuple[detect.Cause, ...]:
    """The slices that explain a change since local midnight, against the mean of the same hours on the week before.

    Only for metrics that count: a quotient changes by its parts.
    """
    if not alert.spec.explain or not isinstance(metric.series, Total | Size):
        return ()
    every, zone_name = alert.spec.every, context.catalog.zone
    start = zone.midnight(zone.local_day(later(end, -1, every, zone_name), zone_name), zone_name)
    length = max((end - start) // every, (alert.spec.window or every) // every)
    ends = [same_slot(end, timedelta(days=back), every, zone_name) for back in range(8)]
    windows = [[later(moment, -n - 1, every, zone_name) for n in range(length)] for moment in ends]
    stored = _bring_up_to_date(context, alert, [metric], windows, end)
    known = [k for k, window in enumerate(windows) if k and all(slot in stored for slot in window)]
    statement = compiled.slots(
        context.catalog, [metric], show_duration(every), alert.spec.explain, windows, context.database
    )
    return detect.explain(_before_after(context.engine.run(statement).dicts(), known)) if known else ()


def _before_after(rows: Iterator[dict[str, Any]], known: Sequence[int]) -> dict[str, list[tuple[str, float, float]]]:
    """Dimension: (value, mean of the `known` earlier windows, window 0)."""
    found: dict[Slice, dict[int, float]] = {}
    for row in rows:
        found.setdefault((row["dim"], row["val"]), {})[row["k"]] = row["v0"] or 0.0
    shaped: dict[str, list[tuple[str, float, float]]] = {}
    for (dim, val), values in sorted(found.items()):
        before = sum(values.get(k, 0.0) for k in known) / len(known)
        shaped.setdefault(dim, []).append((val, before, values.get(0, 0.0)))
    return shaped
