"""Statements that read series from `measure_states`, by day, week, month or in total; and by slot for alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.series import NOW, Leaf, Members, Seen, Size, present, walk
from assay.compiler.render import read
from assay.compiler.values import Values, window_key
from assay.config.base import show_duration
from assay.errors import Location, UsageError
from assay.statement import Statement


@dataclass(frozen=True, slots=True)
class Bucket:
    """How days become periods, in SQL: `sql` the period of a day, `next` the one after it, `first` the first period
    that is asked for, `before` the one before that, and `past` the period of a day that may lie before the range."""

    sql: str
    next: str
    first: str
    before: str
    past: str


def _calendar(period: str, step: str) -> Bucket:
    """Periods of the calendar; `period` and `step` take an expression."""
    first = period.format("{first:Date}")
    day = period.format("day")
    return Bucket(day, step.format(day, "+"), first, step.format(first, "-"), day)


BUCKETS = {
    "day": _calendar("{}", "({} {} 1)"),
    "week": _calendar("toMonday({})", "({} {} 7)"),
    "month": _calendar("toStartOfMonth({})", "({} {} INTERVAL 1 MONTH)"),
    # one period; what lies before the range is one more
    "total": Bucket("{first:Date}", "", "{first:Date}", "", "least(greatest(day, {first:Date} - 1), {first:Date})"),
}


def series(
    metrics: Sequence[Metric],
    grain: str,
    dimension: str,
    start: date,
    end: date,
    database: str,
    chosen: Sequence[str] | None = None,
) -> Statement:
    """Values per period of [start, end) and, if `dimension` is not empty, per value of it, or of `chosen` ones only.

    Columns: t, val, then v<i>, n<i>, d<i> for metric i. Raises UsageError E601 for a metric that has no such reading:
    windows of days overlap in longer periods, and not everything has slices.
    """
    for metric in metrics:
        _refuse(metric, grain, dimension)
    parameters = {"first": start, "last": end - timedelta(days=1), "dim": dimension}
    return read(
        "series/series",
        f"series of {', '.join(metric.name for metric in metrics)}",
        parameters | ({} if chosen is None else {"vals": list(chosen)}),
        _origin(metrics),
        values=Values(metrics, sliced=bool(dimension)),
        chosen=chosen is not None,
        bucket=BUCKETS[grain],
        database=database,
    )


def _refuse(metric: Metric, grain: str, dimension: str) -> None:
    found = list(present(metric.series))
    windows = [each.window for each in found if not isinstance(each, Seen)]
    moved = any(isinstance(each, Seen) and each.days for each in found)
    if grain != "day" and (moved or any(window.unit != "period" and window != NOW for window in windows)):
        raise _no_reading(metric, "is read by day", "Its windows overlap, so longer periods would merge days twice.")
    if grain == "total" and any(window.unit == "period" for window in windows):
        raise _no_reading(metric, "compares periods", "A single total has no period before it.")
    sizes = [node for node in walk(metric.series) if isinstance(node, Size)]
    if dimension and any(all(map(_is_whole, present(node))) for node in sizes):
        raise _no_reading(metric, "has no slices", "Where somebody who is not there would be is not known.")


def _is_whole(node: Leaf | Seen) -> bool:
    """Whether the entities are those of the total, also in a slice."""
    return isinstance(node, Seen) or (isinstance(node, Members) and node.whole)


def _no_reading(metric: Metric, what: str, why: str) -> UsageError:
    return UsageError.of("E601", f"'{metric.name}' {what}.", why=why, fix="Use --grain day, or the metric behind it.")


def _origin(metrics: Sequence[Metric]) -> Location | None:
    return metrics[0].definition.location if len(metrics) == 1 else None


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans of `stride` slots in a row, from the slot number `start` on, for `length` slots; only the last `take` slots
    of each are read. `first` and `last` are the local days around them."""

    start: int
    length: int
    stride: int
    take: int
    first: date
    last: date


def slots(
    catalog: Catalog,
    metrics: Sequence[Metric],
    every: timedelta,
    dimensions: Sequence[str],
    spans: Spans,
    database: str,
    chosen: Sequence[str] | None = None,
) -> Statement:
    """Values per span of slots and slice, one row per slice; only `chosen` values of the dimensions, if given.

    Columns: dim, val, then k, v<i>, n<i>, d<i> for metric i, each an array over the spans that hold rows, in no order.
    """
    values = Values(metrics)
    minutes = every // timedelta(minutes=1)
    parameters = {
        "grain": show_duration(every),
        "dims": list(dimensions),
        "per_day": timedelta(days=1) // every,
        "minutes": minutes,
        "start": spans.start,
        "length": spans.length,
        "stride": spans.stride,
        "take": spans.take,
        "first": spans.first,
        "last": spans.last,
    }
    return read(
        "alert/slots",
        f"slots of {', '.join(metric.name for metric in metrics)}",
        parameters | ({} if chosen is None else {"vals": list(chosen)}),
        values=values,
        zone=catalog.zone,
        minutes=minutes,
        chosen=chosen is not None,
        measures=list(dict.fromkeys(column.leaf.measure.id for column in values.columns)),
        now=window_key(NOW),
        database=database,
    )
