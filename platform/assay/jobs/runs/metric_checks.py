"""Checks of the daily values of metrics, read from stored states: a day that fails one is not shown."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.series import Seen, present
from assay.compiler import zone
from assay.compiler.states import DAY
from assay.config.check import Bounds, Equal, ValueChecks
from assay.jobs.context import Context
from assay.jobs.queries import query
from assay.jobs.queries.query import Row
from assay.jobs.storage import builds, check_results
from assay.jobs.storage.check_results import Judged, Result
from assay.jobs.storage.checks import against_history
from assay.jobs.storage.source_states import Step

_DAY = timedelta(days=1)
_MONTH = 30  # so many days may follow in the same month
_ROUNDING = 1e-12  # sums of equal numbers in another order differ by this much
_Values = Mapping[str, Mapping[date, Row]]


def steps(context: Context, sources: Collection[str], start: date, end: date) -> list[Step]:
    """Judge the metrics of some sources on what the days [start, end) change, and record it; a step for each metric."""
    metrics = [each for each in checked(context.catalog) if set(each.sources) & set(sources)]
    spans = [(metric, *_changed(context, metric, start, end)) for metric in metrics]
    begun, found = time.perf_counter(), evaluate(context, spans)
    check_results.record(context, found, uuid.uuid4().hex[:12])
    seconds = (time.perf_counter() - begun) / max(len(spans), 1)
    return [
        _step(metric.name, f"{first}..{after - _DAY}", seconds, [each for each in found if each.subject == metric.name])
        for metric, first, after in spans
    ]


def _changed(context: Context, metric: Metric, start: date, end: date) -> tuple[date, date]:
    """The stored days whose values read a day of [start, end): those of a window follow, those that wait precede."""
    windows = [each.window for each in present(metric.series) if not isinstance(each, Seen)]
    days = [day for source, day in builds.read(context, DAY) if source in metric.sources]
    ahead = max((window.last for window in windows), default=0)
    behind = max((_MONTH if window.unit == "month" else -window.first for window in windows), default=0)
    first = max(start - max(ahead, 0) * _DAY, min([start, *days]))
    return first, min(end + max(behind, 0) * _DAY, max([end, *(day + _DAY for day in days)]))


def _step(name: str, span: str, seconds: float, found: Sequence[Result]) -> Step:
    """Failed when a value is withheld; otherwise the reason tells what was only warned of, or not looked at."""
    told = [f"{each.check} {each.days}: {each.message}" for each in found if each.status == "failed"]
    skipped = sum(each.status == "skipped" for each in found)
    told += (
        [f"{skipped} skipped: {next(each.message for each in found if each.status == 'skipped')}"] if skipped else []
    )
    status = "failed" if any(each.stops for each in found) else "done"
    return Step("check", name, span, 0, seconds, status, "; ".join(told) or None)


def checked(catalog: Catalog) -> list[Metric]:
    """The metrics with checks; parts have none of their own."""
    return [each for each in catalog.metrics.values() if not each.part and _severities(each)]


def _severities(metric: Metric) -> list[tuple[str, ValueChecks]]:
    found = (("error", metric.spec.checks), ("warn", metric.spec.checks.warn))
    return [(severity, wanted) for severity, wanted in found if wanted.range or wanted.volume or wanted.equals]


def evaluate(context: Context, spans: Sequence[tuple[Metric, date, date]]) -> list[Result]:
    """What every check of some metrics finds, each on its days [start, end), from one series of all of them."""
    if not spans:
        return []
    first, after = min(start for _, start, _ in spans), max(end for _, _, end in spans)
    values = _values(context, [metric for metric, _, _ in spans], first, after)
    return [
        _result(metric, severity, check, day, judged)
        for metric, start, end in spans
        for severity, wanted in _severities(metric)
        for day in zone.days(start, end)
        for check, judged in _judge(metric.name, day, wanted, values)
    ]


def _values(context: Context, metrics: Iterable[Metric], start: date, end: date) -> _Values:
    """Metric: day: its row, with the history and the other metrics that the checks compare with."""
    wanted = [each for metric in metrics for _, each in _severities(metric)]
    history = max([each.volume.history for each in wanted if each.volume], default=0 * _DAY)
    others = [each.equals.metric for each in wanted if each.equals]
    names = list(dict.fromkeys([*(metric.name for metric in metrics), *others]))
    found: dict[str, dict[date, Row]] = {name: {} for name in names}
    for row in query.query(context, names, start - history, end, checked=False):
        found[row.metric][row.time] = row
    return found


def _judge(name: str, day: date, wanted: ValueChecks, values: _Values) -> Iterator[tuple[str, Judged]]:
    row = values[name][day]
    if wanted.range:
        yield "range", _skipped(row) if row.value is None else _within(row.value, wanted.range)
    if wanted.volume:
        yield "volume", _volume(row, wanted, values[name])
    if wanted.equals:
        yield "equals", _equal(row, values[wanted.equals.metric][day], wanted.equals)


def _skipped(row: Row) -> Judged:
    return "skipped", None, f"no value of '{row.metric}': {row.reason}"


def _within(value: float, bounds: Bounds) -> Judged:
    low, high = bounds
    if low is not None and value < low:
        return "failed", value, f"{value:,.6g} is below {low:,.6g}"
    if high is not None and value > high:
        return "failed", value, f"{value:,.6g} is above {high:,.6g}"
    return "passed", value, f"{value:,.6g}"


def _volume(row: Row, wanted: ValueChecks, rows: Mapping[date, Row]) -> Judged:
    assert wanted.volume is not None, "the caller has looked"
    if row.value is None:
        return _skipped(row)
    if not row.complete:
        return "skipped", row.value, "the day is not complete"
    known = {day: each.value for day, each in rows.items() if each.value is not None and each.complete}
    return against_history(row.value, row.time, known, wanted.volume)


def _equal(row: Row, other: Row, wanted: Equal) -> Judged:
    """Equal within the tolerance, relative to the larger of both."""
    if row.value is None or other.value is None:
        return _skipped(row if row.value is None else other)
    told = f"{row.value:,.6g} against {other.value:,.6g} of '{other.metric}'"
    alike = math.isclose(row.value, other.value, rel_tol=max(wanted.tolerance, _ROUNDING))
    return "passed" if alike else "failed", row.value, told


def _result(metric: Metric, severity: str, check: str, day: date, judged: Judged) -> Result:
    path = ("checks", check) if severity == "error" else ("checks", "warn", check)
    return Result("metric", metric.name, check, severity, day, day, *judged, metric.definition.at(*path))
