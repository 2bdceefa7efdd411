"""`query`: series of metrics from stored states, complete and explicit: a zero is a zero, and a gap says why."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from assay.catalog.catalog import Metric
from assay.catalog.series import Seen, present, ratio_parts
from assay.compiler import series, zone
from assay.compiler.states import dimension_key
from assay.compiler.values import of_nothing
from assay.errors import UsageError
from assay.jobs.context import Context
from assay.jobs.storage import checks
from assay.jobs.storage.stored import Stored
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
    chosen: Sequence[str] | None = None,
) -> list[Row]:
    """Values of some metrics over the local days [start, end), by period and, with `by`, per value of a dimension, or
    of the `chosen` ones only.

    A period with a day whose check failed has no value and says so, unless not `checked`.
    Raises UsageError for unknown names (E201, E203), an empty range (E602) or a rolling metric over longer periods.
    """
    if end <= start:
        raise UsageError.of(
            "E602", f"The range from {start} to {end} is empty.", why="It is half-open: [from, to).", fix="Widen it."
        )
    metrics = [context.catalog.metric(name) for name in names]
    if any(_compares(metric) for metric in metrics):
        start = zone.first_of(start, grain)  # half a period would look like a loss beside a whole one
    key = dimension_key(by, context.catalog.dimension(by, metrics)) if by else None
    stored = Stored(context, key, grain)
    table = context.engine.run(series.series(metrics, grain, by or TOTAL, start, end, context.database, chosen))
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


_Values = tuple[float | None, float | None, float | None]  # value, numerator, denominator


def _found(table: Table, at: int) -> dict[tuple[date, str], _Values]:
    """(period, value of the dimension): what the statement returned for the metric at this position."""
    columns = (table.column(name) for name in ("t", "val", f"v{at}", f"n{at}", f"d{at}"))
    return {(t, val): (value, above, below) for t, val, value, above, below in zip(*columns, strict=True)}


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
        found.setdefault(start if grain == "total" else zone.first_of(day, grain), []).append(day)
    return [Period(first, days, len(days) >= _length(first, grain)) for first, days in found.items()]


def _length(first: date, grain: str) -> int:
    """How many days make a whole week or month; a day and a total are always whole."""
    return {"week": 7, "month": monthrange(first.year, first.month)[1]}.get(grain, 1)
