"""The daily series that forecasts and impacts read: the same numbers as `query`, without holes in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from assay.catalog.catalog import Metric
from assay.catalog.series import Arithmetic, Quantile, Series, ratio_parts, walk
from assay.compiler.states import DAY
from assay.errors import UsageError, WarehouseError, did_you_mean
from assay.jobs.context import Context
from assay.jobs.queries.query import Row, query
from assay.jobs.storage import builds
from assay.jobs.storage.stored import Stored

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class Daily:
    """A value per local day from `first` on; NaN: the day has no value, such as a ratio of nothing."""

    metric: str
    first: date
    values: Floats

    @property
    def end(self) -> date:
        """The day after the last one."""
        return self.first + len(self.values) * _DAY


def stored(context: Context, metric: Metric) -> tuple[date, date]:
    """The days [first, end) between which the values of a metric lie. Raises WarehouseError E511 for none."""
    known = Stored(context, None, "day")
    days = [day for source, day in builds.read(context, DAY) if source in metric.sources]
    found = [day for day in sorted(set(days)) if known.has(metric, day)]
    if not found:
        raise WarehouseError.of(
            "E511",
            f"Nothing of '{metric.name}' is stored.",
            why="Forecasts and impacts read what 'platform run' has built.",
            fix="Run: platform run",
        )
    return found[0], found[-1] + _DAY


def known_before(context: Context, metric: Metric, day: date) -> date:
    """The first day whose value was not known on the morning of `day`: an earlier one where values await later days."""
    return day - (Stored(context, None, "day").reach(metric, day) - day)


def read(context: Context, metric: Metric, start: date, end: date) -> Daily:
    """The total over the days [start, end).

    Raises WarehouseError E511 where a day between was not built: a hole is not a quiet day.
    """
    rows = query(context, [metric.name], start, end)
    return Daily(metric.name, start, _values(rows, start, end))


def sliced(
    context: Context, metric: Metric, by: str, values: Sequence[str] | None, start: date, end: date
) -> dict[str, Daily]:
    """The values of a dimension over [start, end), the largest first: those in `values`, or all.

    A value without rows on a day is 0 there where the metric counts, and unknown where it divides.
    """
    rows = query(context, [metric.name], start, end, by)
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.by[by], []).append(row)
    kept = found if values is None else {each: found[each] for each in values if each in found}
    series = {each: Daily(metric.name, start, _values(rows, start, end)) for each, rows in kept.items()}
    return dict(sorted(series.items(), key=lambda item: -float(np.nansum(item[1].values))))


def together(context: Context, metric: Metric, by: str, values: Sequence[str], start: date, end: date) -> Daily:
    """Several values of a dimension as one series: what counts is added, what divides is divided after.

    Entities are added too, which counts one twice that is in two of the values on the same day. Raises UsageError E302
    for a metric that has no such sum, and E201 for a value that never occurs.
    """
    every = query(context, [metric.name], start, end, by)
    _require_values(metric, by, values, every)
    rows = [row for row in every if row.by[by] in values]
    if len(values) > 1 and not _adds(metric.series):
        raise UsageError.of(
            "E302",
            f"'{metric.name}' of several values of {by} has no value.",
            why="Quantiles and products of parts cannot be added up.",
            fix="Name one value, or use a metric that counts, or a ratio of such.",
        )
    divides = len(values) > 1 and ratio_parts(metric.series) is not None
    above, below = np.zeros((end - start).days), np.zeros((end - start).days)
    for row in rows:
        _require_built(metric.name, row)
        at = (row.time - start).days
        above[at] += _known(row, row.numerator if divides else row.value)
        below[at] += _known(row, row.denominator) if divides else 0.0
    if divides:
        above = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return Daily(metric.name, start, above)


def _known(row: Row, value: float | None) -> float:
    """NaN for a number that is withheld, does not exist or is of half a day, which makes the sum unknown too."""
    return float(value) if value is not None and row.complete else float("nan")


def trimmed(series: Daily) -> Daily:
    """Without the days at both ends that have no value: before the first event, and while a value is awaited."""
    known = np.flatnonzero(~np.isnan(series.values))
    if not len(known):
        return Daily(series.metric, series.first, series.values[:0])
    first, last = int(known[0]), int(known[-1])
    return Daily(series.metric, series.first + first * _DAY, series.values[first : last + 1])


def _values(rows: Sequence[Row], start: date, end: date) -> Floats:
    values = np.full((end - start).days, np.nan)
    for row in rows:
        _require_built(row.metric, row)
        if row.value is not None and row.complete:
            values[(row.time - start).days] = row.value
    return values


def _require_built(metric: str, row: Row) -> None:
    if row.reason is not None and row.reason.startswith("not built"):
        raise WarehouseError.of(
            "E511",
            f"{row.time} of '{metric}' is not built.",
            why="A hole would be read as a quiet day.",
            fix=f"Run: platform run --from {row.time} --to {row.time + _DAY}",
        )


def _require_values(metric: Metric, by: str, values: Sequence[str], rows: Sequence[Row]) -> None:
    seen = {row.by[by] for row in rows}
    missing = [value for value in values if value not in seen]
    if missing:
        raise UsageError.of(
            "E201",
            f"No event of '{metric.name}' has {by} '{missing[0]}'.{did_you_mean(missing[0], seen)}",
            why="What never happened cannot have changed.",
            fix=f"See the values: platform query {metric.name} --by {by}",
        )


def _adds(series: Series) -> bool:
    """Whether the values of two slices can be added, the parts of a ratio each for itself."""
    parts = ratio_parts(series) or (series,)
    nodes = [node for part in parts for node in walk(part)]
    return not any(
        isinstance(node, Quantile) or (isinstance(node, Arithmetic) and node.op in ("*", "/")) for node in nodes
    )
