"""`query`: series of metrics from stored states, complete and explicit: a zero is a zero, and a gap says why."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from assay.catalog.catalog import Metric
from assay.catalog.series import Leaf, leaves, ratio_parts
from assay.compiler import series, zone
from assay.compiler.states import DAY, dimension_key
from assay.compiler.values import of_nothing
from assay.errors import UsageError
from assay.jobs import builds
from assay.jobs.builds import Build
from assay.jobs.context import Context
from assay.statement import Table

TOTAL = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One value. `value` is None exactly when `reason` says why; `complete` is False for a period stored in part."""

    metric: str
    time: date
    by: dict[str, str]
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    reason: str | None = None
    complete: bool = True

    def as_dict(self) -> dict[str, Any]:
        found = {
            "metric": self.metric,
            "time": str(self.time),
            "by": self.by,
            "value": self.value,
            "numerator": self.numerator,
            "denominator": self.denominator,
        }
        extra = {"reason": self.reason} if self.reason else {}
        return found | extra | ({} if self.complete else {"complete": False})


def query(
    context: Context, names: Sequence[str], start: date, end: date, by: str | None = None, grain: str = "day"
) -> list[Row]:
    """Values of some metrics over the local days [start, end), by period and, with `by`, per value of a dimension.

    Raises UsageError for unknown names (E201, E203), an empty range (E602) or a rolling metric over longer periods.
    """
    if end <= start:
        raise UsageError.of(
            "E602", f"The range from {start} to {end} is empty.", why="It is half-open: [from, to).", fix="Widen it."
        )
    metrics = [context.catalog.metric(name) for name in names]
    key = dimension_key(by, context.catalog.dimension(by, metrics)) if by else None
    stored = _Stored(context, key)
    table = context.engine.run(series.series(metrics, grain, by or TOTAL, start, end, context.database))
    spans = periods(start, end, grain)
    rows = [_rows(stored, metric, _found(table, at), spans, by) for at, metric in enumerate(metrics)]
    return [row for each in rows for row in each]


class _Stored:
    """Answers whether a metric's measures are stored for a day, and whether the day was over when it was built."""

    def __init__(self, context: Context, dimension: str | None) -> None:
        """`dimension` is the key that the days must be split by, if any."""
        self._builds, self._zone = builds.read(context, DAY), context.catalog.zone
        self._dimensions = {dimension} if dimension else set()

    def has(self, metric: Metric, day: date) -> bool:
        return all(
            build and leaf.measure.id in build.measures and self._dimensions <= build.dimensions
            for leaf, _, build in self._behind(metric, day)
        )

    def full(self, metric: Metric, day: date) -> bool:
        return all(
            build and build.until >= zone.midnight(at, self._zone, after=1)
            for _, at, build in self._behind(metric, day)
        )

    def _behind(self, metric: Metric, day: date) -> Iterator[tuple[Leaf, date, Build | None]]:
        """Every leaf and day that a value is made of, with its build."""
        for leaf in leaves(metric.series):
            for back in range(leaf.days):
                at = day - timedelta(days=back)
                yield leaf, at, self._builds.get((leaf.measure.source, at))


_Values = tuple[float | None, float | None, float | None]  # value, numerator, denominator


def _found(table: Table, at: int) -> dict[tuple[date, str], _Values]:
    """(period, value of the dimension): what the statement returned for the metric at this position."""
    return {(row["t"], row["val"]): (row[f"v{at}"], row[f"n{at}"], row[f"d{at}"]) for row in table.dicts()}


def _rows(
    stored: _Stored,
    metric: Metric,
    found: dict[tuple[date, str], _Values],
    spans: Sequence[Period],
    by: str | None,
) -> Iterator[Row]:
    """Every period and every value that occurs, found or not."""
    nothing = _nothing(metric)
    values = sorted({val for _, val in found}) if by else [TOTAL]
    for period, days, whole in spans:
        missing = [day for day in days if not stored.has(metric, day)]
        complete = whole and not missing and all(stored.full(metric, day) for day in days)
        for value in values:
            slice_of = {by: value} if by else {}
            if len(missing) == len(days):
                yield Row(metric.name, period, slice_of, None, reason="not built: run 'platform run'")
            else:
                yield _row(metric, period, slice_of, found.get((period, value), nothing), complete)


def _row(metric: Metric, period: date, by: dict[str, str], values: _Values, complete: bool) -> Row:
    value, numerator, denominator = values
    reason = None
    if value is None:
        undefined = of_nothing(metric.series) is None and not denominator
        reason = "nothing to divide by or to average" if undefined else "its values are not finite numbers"
    shown = (_number(value), _number(numerator), _number(denominator))
    return Row(metric.name, period, by, *shown, reason, complete)


def _nothing(metric: Metric) -> _Values:
    """What the statement would return over no rows."""
    parts = ratio_parts(metric.series)
    numerator, denominator = map(of_nothing, parts) if parts else (None, None)
    return of_nothing(metric.series), numerator, denominator


def _number(value: float | None) -> float | None:
    """Whole numbers are shown without a fraction."""
    return int(value) if value is not None and value.is_integer() and abs(value) < 2**53 else value


class Period(NamedTuple):
    """The first day of a period, its days within the range, and whether the range holds all of it."""

    start: date
    days: list[date]
    whole: bool


def periods(start: date, end: date, grain: str) -> list[Period]:
    """The periods that [start, end) touches."""
    found: dict[date, list[date]] = {}
    for day in zone.days(start, end):
        found.setdefault(_period(day, start, grain), []).append(day)
    return [Period(first, days, len(days) >= _length(first, grain)) for first, days in found.items()]


def _length(first: date, grain: str) -> int:
    """How many days make a whole week or month; a day and a total are always whole."""
    return {"week": 7, "month": monthrange(first.year, first.month)[1]}.get(grain, 1)


def _period(day: date, start: date, grain: str) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    return start if grain == "total" else day
