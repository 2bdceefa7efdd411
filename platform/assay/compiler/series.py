"""Statements that read series from `measure_states`, by day, week, month or in total; and by slot for alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from assay.catalog.catalog import Catalog, Metric
from assay.compiler import zone
from assay.compiler.render import read
from assay.compiler.values import Values
from assay.errors import Location, UsageError
from assay.statement import Statement

# The beginning of the period that a day belongs to.
BUCKETS = {
    "day": "assay__day",
    "week": "toMonday(assay__day)",
    "month": "toStartOfMonth(assay__day)",
    "total": "{first:Date}",
}


def series(metrics: Sequence[Metric], grain: str, dimension: str, start: date, end: date, database: str) -> Statement:
    """Values per period of [start, end) and, if `dimension` is not empty, per value of it.

    Columns: t, val, then v<i>, n<i>, d<i> for metric i. Raises UsageError E601 for a rolling metric over longer
    periods: neighbouring windows would be merged.
    """
    values = Values(metrics)
    if grain != "day" and set(values.spans) != {1}:
        raise UsageError.of(
            "E601",
            "A rolling metric is read by day.",
            why="Its windows overlap, so longer periods would merge the same days again.",
            fix="Use --grain day, or the metric behind it.",
        )
    return read(
        "series/series",
        f"series of {', '.join(metric.name for metric in metrics)}",
        {"first": start, "last": end - timedelta(days=1), "dim": dimension},
        _origin(metrics),
        values=values,
        bucket=BUCKETS[grain],
        database=database,
    )


def _origin(metrics: Sequence[Metric]) -> Location | None:
    return metrics[0].definition.location if len(metrics) == 1 else None


def slots(
    catalog: Catalog,
    metrics: Sequence[Metric],
    every: str,
    dimensions: Sequence[str],
    windows: Sequence[Sequence[datetime]],
    database: str,
) -> Statement:
    """Values per window of slots and slice. `windows[k]` lists the slots of window k.

    Columns: k, dim, val, then v<i>, n<i>, d<i> for metric i. Only windows and slices with rows appear.
    """
    pairs = [(zone.epoch(slot), k) for k, window in enumerate(windows) for slot in window]
    return read(
        "alert/slots",
        f"slots of {', '.join(metric.name for metric in metrics)}",
        {
            "grain": every,
            "dims": list(dimensions),
            "slots": [slot for slot, _ in pairs],
            "windows": [k for _, k in pairs],
            "days": sorted({zone.local_day(slot, catalog.zone) for window in windows for slot in window}),
        },
        values=Values(metrics),
        database=database,
    )
