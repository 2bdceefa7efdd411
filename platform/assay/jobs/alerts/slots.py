"""Stored slots: those that an alert reads are built where they are missing, and it is known which there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from assay.catalog.catalog import Metric
from assay.compiler import states, zone
from assay.compiler.states import Grain
from assay.config.base import show_duration
from assay.errors import CheckFailed
from assay.jobs.alerts.timeline import Timeline, starts
from assay.jobs.context import Context
from assay.jobs.storage import builds, checks, source_states
from assay.jobs.storage.builds import Build

_DAY = timedelta(days=1)
Stored = Mapping[tuple[str, date], Build]  # by source and day, for one length of slots


def bring_up_to_date(
    context: Context, every: timedelta, metrics: Collection[Metric], first: date, end: datetime
) -> Stored:
    """Build what is missing of the slots from `first` up to `end`, and once a day what late rows may have changed.

    Returns what is stored then.

    Raises CheckFailed E510 when the newest day is refused; an earlier one is history that `blocked` tells of.
    """
    last = zone.local_day(end - timedelta(microseconds=1), context.catalog.zone)
    name = show_duration(every)
    stored = builds.read(context, name)
    for grain in _grains(context, name, metrics):
        wanted = list(zone.days(first, last + _DAY))
        missing = [day for day in wanted if not _holds(context, stored.get((grain.source, day)), grain, day, end)]
        if missing:
            _build(context, grain, stored, missing, last, end)
            stored = builds.read(context, name)
    return stored


def _grains(context: Context, name: str, metrics: Collection[Metric]) -> list[Grain]:
    sources = {name for metric in metrics for name in metric.sources}
    return [each for each in states.grains(context.catalog) if each.name == name and each.source in sources]


def _holds(context: Context, build: Build | None, grain: Grain, day: date, end: datetime) -> bool:
    """Whether a stored day means the same, reaches far enough, and has seen what may have come late."""
    after = zone.midnight(day, context.catalog.zone, after=1)
    if build is None or build.fingerprint != grain.fingerprint or build.until < min(end, after):
        return False
    seen_on, today = (zone.local_day(each, context.catalog.zone) for each in (build.seen, end))
    late = context.catalog.source(grain.source).spec.lateness
    return build.seen >= after + late or seen_on >= today


def _build(
    context: Context,
    grain: Grain,
    stored: Stored,
    missing: list[date],
    last: date,
    end: datetime,
) -> None:
    begin = source_states.extent(context, grain.source).first
    missing = [day for day in missing if begin <= day]
    if missing:  # without pinned values, every value would be 'other'
        source_states.pin(context, grain, min(missing), last + _DAY)
    # a look at the past must not cut short what is stored already
    end = max([end, *(stored[grain.source, day].seen for day in missing if (grain.source, day) in stored)])
    refused = [day for chunk in source_states.chunks(grain, missing) for day in _refused(context, grain, chunk, end)]
    error = checks.refused(context, [grain.source], [day for day in refused if day == last])
    if error:
        raise error


def _refused(context: Context, grain: Grain, days: Sequence[date], end: datetime) -> list[date]:
    """Build some days and return those whose checks fail: one bad day must not blind the alert for its neighbours."""
    if source_states.build(context, grain, days, end).status != "failed":
        return []
    return list(days) if len(days) == 1 else [bad for day in days for bad in _refused(context, grain, [day], end)]


def blocked(context: Context, metrics: Collection[Metric], days: Collection[date]) -> CheckFailed | None:
    """The failed checks that keep some days of metrics from being stored or renewed."""
    return checks.refused(context, {source for metric in metrics for source in metric.sources}, days)


def known(
    stored: Stored, timeline: Timeline, metrics: Collection[Metric], start: int, length: int
) -> NDArray[np.bool_]:
    """Which slots from the number `start` on are stored for every source of the metrics, shape (length,)."""
    sources = {name for metric in metrics for name in metric.sources}
    found = np.zeros(length, dtype=bool)
    for first in range(start - start % timeline.per_day, start + length, timeline.per_day):
        day = timeline.day(first)
        reached = [stored[source, day].until for source in sources if (source, day) in stored]
        if len(reached) == len(sources):
            here = slice(max(first - start, 0), first - start + timeline.per_day)
            found[here] = _over(timeline, first, min(reached))[max(start - first, 0) :][: len(found[here])]
    return found


def existing(timeline: Timeline, start: int, length: int) -> NDArray[np.bool_]:
    """Which slots the clock did not leave out, shape (length,)."""
    found = np.ones(length, dtype=bool)
    for first in range(start - start % timeline.per_day, start + length, timeline.per_day):
        gaps = [
            place for place, each in enumerate(starts(timeline.day(first), timeline.every, timeline.zone)) if not each
        ]
        for number in gaps:
            if 0 <= first + number - start < length:
                found[first + number - start] = False
    return found


def _over(timeline: Timeline, first: int, until: datetime) -> NDArray[np.bool_]:
    """Which slots of a day are over at a moment."""
    if until >= zone.midnight(timeline.day(first), timeline.zone, after=1):
        return np.array([start is not None for start in starts(timeline.day(first), timeline.every, timeline.zone)])
    ends = [timeline.end(first + place) for place in range(timeline.per_day)]
    return np.array([end is not None and end <= until for end in ends])
