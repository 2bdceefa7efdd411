"""The calendar of the project, as alerts know it: declared events and silences, and which series they are about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from assay import detect
from assay.catalog.catalog import Metric
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.config.events import EventSpec
from assay.detect import History, Scores
from assay.jobs.alerts.histories import Matrix, Slice, Windows
from assay.jobs.alerts.rule import Rule
from assay.jobs.context import Context
from assay.jobs.queries.labels import about, dimensions

Bools = NDArray[np.bool_]


def labels(alert: Definition[AlertSpec], metric: Metric, name: Slice) -> dict[str, str]:
    """What one series is called: its alert, metric, slice and owner, and the labels of the alert."""
    dimension, value = name
    owner = alert.spec.owner or metric.spec.owner or ""
    found = {"alert": alert.name, "metric": metric.name, "owner": owner, "severity": alert.spec.severity}
    return {**alert.spec.labels, **found, **({dimension: value} if dimension else {})}


def left_out(rule: Rule, matrix: Matrix, data: History, windows: Windows, today: int) -> History:
    """A history without the slots of events; of those that nobody knew ahead, without the ones before `today`."""
    before = windows.last(np.arange(windows.count)) < today
    known = _meeting(rule, matrix, windows)
    masks = [mask if event.known_ahead else mask & before for event, mask in known]
    return detect.left_out(data, np.logical_or.reduce(masks)) if masks else data


def muted(rule: Rule, matrix: Matrix, windows: Windows) -> Bools:
    """The slots in which a known event speaks for itself, shape (slices, spans)."""
    nothing = np.zeros((len(matrix.names), windows.count), dtype=bool)
    events = _meeting(rule, matrix, windows)
    masks = [mask for event, mask in events if event.known_ahead and event.expect is None]
    return np.asarray(np.logical_or.reduce([nothing, *masks]))


def expecting(rule: Rule, matrix: Matrix, windows: Windows, scores: Scores) -> Scores:
    """Scores against what known events are expected to bring; `scores` are those of the last spans."""
    for event, mask in _meeting(rule, matrix, windows):
        if event.expect is not None:
            scores = detect.expecting(scores, mask[:, windows.count - scores.shape[1] :], *event.expect)
    return scores


def _meeting(rule: Rule, matrix: Matrix, windows: Windows) -> Iterator[tuple[EventSpec, Bools]]:
    """Events that meet some windows, and where: the series that they are about × the spans that they touch."""
    every = dimensions(rule.context.catalog)
    for event in rule.context.catalog.definitions.events.values():
        touched = _touched(event.spec, windows)
        named = [about(event.spec, labels(rule.alert, matrix.metric, name), every) for name in matrix.names]
        if touched.any() and any(named):
            yield event.spec, np.outer(named, touched)


def _touched(event: EventSpec, windows: Windows) -> Bools:
    """The spans that lie inside an event, partly or whole."""
    zone = ZoneInfo(windows.timeline.zone)
    begin = windows.timeline.at(event.start.replace(tzinfo=zone))
    last = windows.timeline.at(event.end.replace(tzinfo=zone) - timedelta(microseconds=1))
    first = np.arange(windows.count) * windows.stride + windows.start
    return np.asarray((first <= last) & (first + windows.stride > begin))


def local(context: Context, moment: datetime) -> datetime:
    """A moment by the project's clock, without its zone."""
    return moment.astimezone(ZoneInfo(context.catalog.zone)).replace(tzinfo=None)
