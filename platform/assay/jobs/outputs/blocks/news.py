"""Is this news? A change is judged by the metric's own changes over the same distance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from assay.jobs.queries.query import Row
from assay.report.format import change

RHYTHM = 28  # days whose own changes say what is usual
USUAL = 0.9  # a change within this share of them is no news


def value(rows: Mapping[date, Row], day: date) -> float | None:
    return rows[day].value if day in rows else None


def usual(rows: Mapping[date, Row], day: date, compare: timedelta) -> bool:
    """Whether the change of a day is no larger than most of the metric's own over the same distance: no news."""
    share = change(value(rows, day - compare), value(rows, day))
    days = [day - timedelta(days=back) for back in range(1, RHYTHM + 1)]
    sizes = [change(value(rows, each - compare), value(rows, each)) for each in days]
    known = sorted(abs(size) for size in sizes if size is not None)
    if share is None or len(known) < RHYTHM // 2:
        return False
    return abs(share) <= known[int(USUAL * (len(known) - 1))]
