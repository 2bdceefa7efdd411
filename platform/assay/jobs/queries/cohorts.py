"""`query --cohort`: a metric by cohort and day of life, each cohort against those of the same weekday before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from assay.catalog.catalog import Metric
from assay.catalog.series import Size, Window, ratio_parts, rolled, shifted
from assay.compiler import cohorts as compiler
from assay.compiler import series, zone
from assay.compiler.cohorts import kind
from assay.compiler.states import dimension_key
from assay.config.metric import RetentionMetric
from assay.errors import UsageError
from assay.jobs.context import Context
from assay.jobs.queries.cohort_records import Cell, Cohort, Matrix
from assay.jobs.queries.query import TOTAL, number, why_missing
from assay.jobs.storage.stored import Stored
from assay.report.format import show
from assay.stats.cohorts import LEAST, WEEK, Curves, Expected, expected
from assay.stats.corrections import adjust

_ALPHA = 0.05  # the chance of flagging any cohort of a matrix without one that is odd
_DAY = timedelta(days=1)


def cohorts(
    context: Context,
    name: str,
    start: date,
    end: date,
    cohort: str = "",
    by: str | None = None,
    days: int = 30,
    baseline: int = 5,
    until: date | None = None,
) -> Matrix:
    """A metric of the cohorts of the local days [start, end) on the days 0…`days` of their life.

    A retention metric has its own cohort unless another one is named, and begins on day 1. A unique or set metric is
    the share of the cohort that is in it; a count or a sum is divided by the size of the cohort, a ratio is that of
    the sums. With `by`, each cohort is split by its own dimension, and returns count wherever they are. `baseline` is
    how many cohorts of the same weekday each one is compared with, 0 for none. With `until`, days from then on lie in
    the future.

    Raises UsageError for unknown names (E201, E203), an empty range (E602), a missing cohort or a baseline of one or
    two (E601), and metrics without such a reading (E302).
    """
    if end <= start:
        raise UsageError.of(
            "E602", f"The range from {start} to {end} is empty.", why="It is half-open: [from, to).", fix="Widen it."
        )
    if 0 < baseline < LEAST:
        raise UsageError.of(
            "E601",
            f"A baseline of {baseline} is too small.",
            why=f"A median and its spread need at least {LEAST} cohorts.",
            fix=f"Use --baseline {LEAST} or more, or --baseline 0 for none.",
        )
    question = _question(context, name, cohort, days)
    reading = _Reading(context, question, start - timedelta(days=WEEK * baseline), end, by, until)
    return Matrix(
        question.metric.name,
        question.cohort.name,
        kind(question.cohort),
        question.style,
        question.days,
        baseline,
        tuple(_judged(reading, start, baseline)),
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """`returns` is set for shares of a cohort, `horizon` for rolling ones; `first`…`last` are the days of life."""

    metric: Metric
    cohort: Metric
    returns: Metric | None
    first: int
    last: int
    horizon: int | None = None

    @property
    def days(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def style(self) -> Any:
        return self.metric.spec.format if self.returns is None else "percent"

    def on(self, k: int) -> Metric:
        """What day k of a cohort is made of, as a metric of the day of the cohort."""
        read = self.returns or self.metric
        moved = shifted(read.series, k) if self.horizon is None else rolled(read.series, Window(k, self.horizon))
        return replace(read, series=moved)  # type: ignore[arg-type]


def _question(context: Context, name: str, cohort: str, days: int) -> _Question:
    catalog = context.catalog
    metric = catalog.metric(name)
    spec = metric.spec
    if isinstance(spec, RetentionMetric) and not metric.part:
        horizon = spec.horizon.days if spec.method == "rolling" and spec.horizon else None
        born, last = _cohort(context, metric, cohort or spec.cohort), min(days, horizon or days)
        return _Question(metric, born, catalog.metric(spec.returns), 1, last, horizon)
    returns = metric if isinstance(metric.series, Size) else None
    return _Question(metric, _cohort(context, metric, cohort), returns, 0, days)


def _cohort(context: Context, metric: Metric, name: str) -> Metric:
    if not name:
        raise UsageError.of(
            "E601",
            f"The cohort of '{metric.name}' is missing.",
            why="Only a retention metric has a cohort of its own.",
            fix="Name one, such as --cohort new_users: a metric of type unique, set or new.",
        )
    found = context.catalog.metric(name)
    if isinstance(found.series, Size):
        return found
    raise UsageError.of(
        "E302",
        f"'{name}' is not a cohort.",
        why="It must be known who is inside, which a number does not tell.",
        fix="Use a metric of type unique, set or new.",
        location=found.definition.location,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The numbers of a cell; without a value, why."""

    value: float | None = None
    above: float | None = None
    below: float | None = None
    reason: str | None = None


class _Reading:
    """The cells of all cohorts of [first, end): `slices` are the values of the dimension."""

    def __init__(
        self, context: Context, question: _Question, first: date, end: date, by: str | None, until: date | None
    ) -> None:
        self.question, self.first, self.by = question, first, by
        self.born = list(zone.days(first, end))
        key = dimension_key(by, context.catalog.dimension(by, [question.cohort])) if by else None
        # the cells first: they refuse what has no such reading
        self._found = _read(context, question, first, end, by or TOTAL)
        self._sizes = self._told() if question.returns else _sizes(context, question.cohort, first, end, by or TOTAL)
        self.slices = sorted({val for _, val in self._sizes}) if by else [TOTAL]
        metric = Stored(context, None, "day")
        born = Stored(context, key, "day") if key else metric
        self._why = dict(_reasons(born, metric, question, self.born, until or date.max))

    def _told(self) -> dict[tuple[date, str], float]:
        """The sizes that come with the shares."""
        return {(day, value): row["size"] for (day, value, _), row in self._found.items()}

    def size(self, born: date, value: str) -> int | None:
        return None if self._why[born, None] else int(self._sizes.get((born, value), 0))

    def part(self, born: date, value: str, k: int) -> _Part:
        reason, size = self._why[born, None] or self._why[born, k], self._sizes.get((born, value), 0)
        if reason or not size:
            return _Part(reason=reason or "the cohort is empty")
        row = self._found.get((born, value, k), {})
        if self.question.returns is None and ratio_parts(self.question.metric.series):
            return _quotient(row.get("n0", 0.0), row.get("d0", 0.0))
        return _quotient(row.get("v0", 0.0), size)


def _quotient(above: float | None, below: float | None) -> _Part:
    if above is None or below is None:
        return _Part(reason="its values are not finite numbers")
    if not below:
        return _Part(None, above, below, "nothing to divide by or to average")
    return _Part(above / below, above, below)


def _read(
    context: Context, question: _Question, first: date, end: date, dimension: str
) -> dict[tuple[date, str, int], Mapping[str, Any]]:
    asked = compiler.Cohorts(question.cohort, dimension, first, end, question.horizon or question.last)
    if question.returns is None:
        statement = compiler.totals(context.catalog, asked, question.metric, context.database)
    else:
        statement = compiler.shares(asked, question.returns, question.horizon is not None, context.database)
    return {(row["day"], row["val"], row["k"]): row for row in context.engine.run(statement).dicts()}


def _sizes(context: Context, cohort: Metric, first: date, end: date, dimension: str) -> dict[tuple[date, str], float]:
    table = context.engine.run(series.series([cohort], "day", dimension, first, end, context.database))
    return {(row["t"], row["val"]): row["v0"] for row in table.dicts()}


def _reasons(
    cohort: Stored, metric: Stored, question: _Question, born: Sequence[date], until: date
) -> Iterator[tuple[tuple[date, int | None], str | None]]:
    """(cohort, day of life): why nothing is known; under None, about the cohort itself."""
    on = {k: question.on(k) for k in question.days}
    for day in born:
        yield (day, None), _reason(cohort, question.cohort, day, day, until)
        for k in question.days:
            yield (day, k), _reason(metric, on[k], day, day + timedelta(days=question.horizon or k), until)


def _reason(stored: Stored, metric: Metric, day: date, last: date, until: date) -> str | None:
    if last < until and stored.full(metric, day):
        return None
    return f"not yet: it needs {last}" if stored.has(metric, day) else why_missing(stored, metric, day)


def _judged(reading: _Reading, start: date, weeks: int) -> Iterator[Cohort]:
    """The cohorts from `start` on, by day and slice; flags are corrected for all of them together (Holm)."""
    keys = [(born, value) for born in reading.born if born >= start for value in reading.slices]
    curves = {value: _curves(reading, value) for value in reading.slices} if weeks else {}
    found = {
        (born, value): expected(curves[value], (born - reading.first).days, weeks, _ALPHA) if weeks else None
        for born, value in keys
    }
    pvalues = adjust([each.pvalue if each else None for each in found.values()])
    for (born, value), pvalue in zip(keys, pvalues, strict=True):
        yield _cohort_of(reading, born, value, found[born, value], pvalue is not None and pvalue < _ALPHA)


def _curves(reading: _Reading, value: str) -> Curves:
    parts = [[reading.part(born, value, k) for k in reading.question.days] for born in reading.born]
    above, below = (
        np.array([[_known(part, name) for part in row] for row in parts], dtype=np.float64)
        for name in ("above", "below")
    )
    return Curves(above, below, share=reading.question.returns is not None)


def _known(part: _Part, name: str) -> float:
    return np.nan if part.value is None else float(getattr(part, name))


def _cohort_of(reading: _Reading, born: date, value: str, usual: Expected | None, flagged: bool) -> Cohort:
    cells = []
    for at, k in enumerate(reading.question.days):
        part = reading.part(born, value, k)
        interval = [float(each[at]) for each in (usual.centre, usual.low, usual.high)] if usual else []
        told = [None if part.value is None else each for each in interval] or [None] * 3
        cells.append(Cell(k, part.value, number(part.above), number(part.below), part.reason, *told))
    by, size = {reading.by: value} if reading.by else {}, reading.size(born, value)
    cohort = Cohort(born, by, size, tuple(cells))
    return replace(cohort, flagged=True, sentence=_sentence(reading, cohort, usual)) if flagged and usual else cohort


def _sentence(reading: _Reading, cohort: Cohort, usual: Expected) -> str:
    """The first day outside its interval stands for the curve, or the one that is farthest from what was expected."""
    outside = [cell for cell in cohort.cells if cell.outside]
    cell = outside[0] if outside else cohort.cells[int(np.nanargmax(np.abs(usual.deviations)))]
    style = reading.question.style
    where = "".join(f", {name} {value}" for name, value in cohort.by.items())
    return (
        f"{cohort.cohort}{where}: {cohort.size:,} {kind(reading.question.cohort)}s, day {cell.day} "
        f"{show(cell.value, style)} against {show(cell.baseline, style)} "
        f"({show(cell.low, style)} to {show(cell.high, style)}) of the {usual.cohorts} {cohort.cohort:%A}s before"
    )
