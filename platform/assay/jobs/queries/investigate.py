"""`investigate`: which slices explain what a metric did on a day, first from stored states, then inside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from assay.catalog.catalog import Metric
from assay.compiler.investigate import shape
from assay.detect.standout import Split, Standout, standout
from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.queries.investigation import Investigation, Segment
from assay.jobs.queries.query import Row, query
from assay.jobs.queries.slices import Slices, cannot

_DAY = timedelta(days=1)
_WEEKS = 4  # of the baseline
_LEVELS = 3
_ALPHA = 0.01  # the chance of naming anything on an ordinary day, over all levels


def investigate(context: Context, name: str, on: date, versus: date | None = None) -> Investigation:
    """Compare a day with another one, or with the medians of the same weekday of the four weeks before it.

    A ratio's baseline is the quotient of the medians of its parts. Raises UsageError for an unknown metric (E201), one
    that is no sum over slices (E302) or a comparison of a day with itself (E601); WarehouseError E511 where a day is
    not stored, or no day of the baseline is.
    """
    metric = context.catalog.metric(name)
    form = shape(metric.series)
    if form is None:
        raise cannot(metric, "is not a sum over slices", "Quantiles, windows of days and their like do not add up.")
    slices = Slices(context, metric, form, _days(context, metric, on, versus))
    splits, notes = slices.stored()
    if not splits:
        raise cannot(metric, "has no slices that add up", " ".join(notes) or "Its sources share no dimension.")
    segments, looked_at = _levels(slices, splits)
    before, after = slices.before_and_after
    return Investigation(metric, on, versus, before, after, tuple(segments), looked_at, tuple(notes))


def _levels(slices: Slices, splits: Sequence[Split]) -> tuple[list[Segment], int]:
    """The strongest slices, then the strongest ones inside them, and how many were looked at."""
    segments: list[Segment] = []
    looked_at, names = 0, [each.dimension for each in splits]
    while True:
        looked_at += sum(each.tests for each in splits)
        found = standout(splits, alpha=_ALPHA / _LEVELS, counts=slices.form.counts)
        if found is None:
            return segments, looked_at
        segments.append(_segment(found, segments[-1] if segments else None))
        inner = found.effect != "mix" and len(segments) < _LEVELS and slices.form.of_rows
        if not inner:
            return segments, looked_at
        splits = slices.inside(segments[-1].by, names)


def _segment(found: Standout, outer: Segment | None) -> Segment:
    by = {**(outer.by if outer else {}), found.dimension: found.values}
    share = found.share if outer is None or found.share is None else found.share * (outer.contribution or 0.0)
    return Segment(by, found.before, found.after, share, found.effect, found.against)


def _days(context: Context, metric: Metric, on: date, versus: date | None) -> list[date]:
    """The days to compare with, then the day itself; only what is stored and complete."""
    if versus == on:
        raise UsageError.of("E601", "A day is compared with itself.", why="Nothing changed.", fix="Give another --vs.")
    wanted = [versus] if versus else [on - timedelta(weeks=back) for back in range(_WEEKS, 0, -1)]
    rows = {day: _total(context, metric, day) for day in (*wanted, on)}
    for day in (on, *([versus] if versus else [])):
        if not _usable(rows[day]):
            raise _missing(metric, day, rows[day].reason or "the day is not over")
    known = [day for day in wanted if _usable(rows[day])]
    if not known:
        raise _missing(metric, wanted[-1], "no day of its baseline is")
    return [*known, on]


def _usable(row: Row) -> bool:
    return row.value is not None and row.complete


def _total(context: Context, metric: Metric, day: date) -> Row:
    (row,) = query(context, [metric.name], day, day + _DAY)
    return row


def _missing(metric: Metric, day: date, reason: str) -> WarehouseError:
    return WarehouseError.of(
        "E511",
        f"'{metric.name}' has no value on {day}: {reason}.",
        why="A change needs both sides: the day, and a day or a baseline to compare it with.",
        fix="Run 'platform run' for these days, or name a stored day with --vs.",
        location=metric.definition.location,
    )
