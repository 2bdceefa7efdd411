"""`query`: series of metrics from stored states, complete and explicit: a zero is a zero, and a gap says why."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from assay.catalog.catalog import Metric
from assay.catalog.rows import ahead
from assay.catalog.series import Leaf, Seen, Window, leaves, present, ratio_parts
from assay.compiler import series, zone
from assay.compiler.states import DAY, dimension_key
from assay.compiler.values import of_nothing
from assay.errors import UsageError
from assay.jobs import builds, checks
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
    context: Context,
    names: Sequence[str],
    start: date,
    end: date,
    by: str | None = None,
    grain: str = "day",
    checked: bool = True,
) -> list[Row]:
    """Values of some metrics over the local days [start, end), by period and, with `by`, per value of a dimension.

    A period with a day whose check failed has no value and says so, unless not `checked`.
    Raises UsageError for unknown names (E201, E203), an empty range (E602) or a rolling metric over longer periods.
    """
    if end <= start:
        raise UsageError.of(
            "E602", f"The range from {start} to {end} is empty.", why="It is half-open: [from, to).", fix="Widen it."
        )
    metrics = [context.catalog.metric(name) for name in names]
    if any(_compares(metric) for metric in metrics):
        start = _period(start, start, grain)  # half a period would look like a loss beside a whole one
    key = dimension_key(by, context.catalog.dimension(by, metrics)) if by else None
    stored = Stored(context, key, grain)
    table = context.engine.run(series.series(metrics, grain, by or TOTAL, start, end, context.database))
    spans = periods(start, end, grain)
    rows = [_rows(stored, metric, _found(table, at), spans, by, grain) for at, metric in enumerate(metrics)]
    found = [row for each in rows for row in each]
    return _withheld(context, names, found, spans) if checked else found


def _withheld(context: Context, names: Sequence[str], rows: Sequence[Row], spans: Sequence[Period]) -> list[Row]:
    """The rows without the values whose checks failed."""
    first, last = spans[0].days[0], spans[-1].days[-1]
    reasons = checks.withheld(context, names, first, last + timedelta(days=1))
    if not reasons:
        return list(rows)
    why = {
        (name, period.start): reasons[name, day]
        for name in names
        for period in spans
        for day in period.days
        if (name, day) in reasons
    }
    return [_without(row, why.get((row.metric, row.time))) for row in rows]


def _without(row: Row, reason: str | None) -> Row:
    return replace(row, value=None, numerator=None, denominator=None, reason=reason) if reason else row


def _compares(metric: Metric) -> bool:
    """Whether a value sets its period against earlier ones."""
    return any(isinstance(each, Seen) or each.window.unit == "period" for each in present(metric.series))


class Stored:
    """Answers whether what a value is made of is stored, and whether it was over when it was built."""

    def __init__(self, context: Context, dimension: str | None, grain: str) -> None:
        """`dimension` is the key that the days must be split by, if any."""
        self._builds, self._zone, self._grain = builds.read(context, DAY), context.catalog.zone, grain
        self._dimensions = {dimension} if dimension else set()
        self._days: dict[str, list[date]] = {}
        for source, day in sorted(self._builds):
            self._days.setdefault(source, []).append(day)

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

    def awaited(self, metric: Metric, day: date) -> date | None:
        """The last day that a value of this day waits for, when nothing is stored so late yet."""
        late = [at for leaf, at, _ in self._behind(metric, day) if at > self._last(leaf.measure.source)]
        return (
            max(late)
            if late and day <= max(self._last(leaf.measure.source) for leaf in leaves(metric.series))
            else None
        )

    def _last(self, source: str) -> date:
        return self._days.get(source, [date.min])[-1]

    def _behind(self, metric: Metric, day: date) -> Iterator[tuple[Leaf, date, Build | None]]:
        """Every leaf and day that a value is made of, with its build."""
        for each in present(metric.series):
            for leaf in leaves(each):
                for at in self._read(each, leaf, day):
                    yield leaf, at, self._builds.get((leaf.measure.source, at))

    def _read(self, each: Leaf | Seen, leaf: Leaf, day: date) -> Iterator[date]:
        """The days that are read for a day: what was seen before is read from the first stored day on."""
        if isinstance(each, Seen):
            known = self._days.get(leaf.measure.source, [day])
            return zone.days(min(known[0], day), day + timedelta(days=each.days))
        first, last = _bounds(each.window, day, self._grain)
        return zone.days(first, last + timedelta(days=1 + ahead(each.measure.rows)))


def _bounds(window: Window, day: date, grain: str) -> tuple[date, date]:
    """The first and last day of a window."""
    if window.unit == "month":
        return day.replace(day=1), day
    if window.unit == "period":
        last = _period(day, day, grain) - timedelta(days=1)
        return _period(last, last, grain), last
    return day + timedelta(days=window.first), day + timedelta(days=window.last)


_Values = tuple[float | None, float | None, float | None]  # value, numerator, denominator


def _found(table: Table, at: int) -> dict[tuple[date, str], _Values]:
    """(period, value of the dimension): what the statement returned for the metric at this position."""
    return {(row["t"], row["val"]): (row[f"v{at}"], row[f"n{at}"], row[f"d{at}"]) for row in table.dicts()}


def _rows(
    stored: Stored,
    metric: Metric,
    found: dict[tuple[date, str], _Values],
    spans: Sequence[Period],
    by: str | None,
    grain: str,
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
                yield Row(metric.name, period, slice_of, None, reason=why_missing(stored, metric, days[0]))
            elif not complete and grain != "day" and _compares(metric):
                yield Row(metric.name, period, slice_of, None, reason=f"the {grain} is not over", complete=False)
            else:
                yield _row(metric, period, slice_of, found.get((period, value), nothing), complete)


def why_missing(stored: Stored, metric: Metric, day: date) -> str:
    """Why there is no value: it is too early, or nobody built it."""
    awaited = stored.awaited(metric, day)
    return f"not yet: it needs {awaited}" if awaited else "not built: run 'platform run'"


def _row(metric: Metric, period: date, by: dict[str, str], values: _Values, complete: bool) -> Row:
    value, numerator, denominator = values
    reason = None
    if value is None:
        undefined = of_nothing(metric.series) is None and not denominator
        reason = "nothing to divide by or to average" if undefined else "its values are not finite numbers"
    shown = (number(value), number(numerator), number(denominator))
    return Row(metric.name, period, by, *shown, reason, complete)


def _nothing(metric: Metric) -> _Values:
    """What the statement would return over no rows."""
    parts = ratio_parts(metric.series)
    numerator, denominator = map(of_nothing, parts) if parts else (None, None)
    return of_nothing(metric.series), numerator, denominator


def number(value: float | None) -> float | None:
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
