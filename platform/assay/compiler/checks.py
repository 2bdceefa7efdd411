"""Statements that check rows: of a source's events, or of the staged rows of a model, before anything is published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from assay.catalog.catalog import Catalog
from assay.catalog.expression import parse, quote_literal
from assay.compiler import zone
from assay.compiler.render import render
from assay.compiler.scan import scan
from assay.config.check import Bounds, Checks, RowChecks, Volume
from assay.config.definitions import Definition
from assay.errors import Location
from assay.statement import Statement

Severity = Literal["error", "warn"]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Check:
    """One declared check: `failures` is the aggregate that counts what is wrong, `path` its place in the definition.

    Those of a `whole_day` are judged by how many rows there are: `least`, or as many as `volume` expects.
    """

    name: str
    severity: Severity
    path: tuple[str | int, ...]
    failures: str
    least: int = 0
    volume: Volume | None = None

    @property
    def whole_day(self) -> bool:
        return bool(self.least or self.volume)


@dataclass(frozen=True, slots=True)
class Subject:
    """The rows that are checked: `table` with the events of a source, or with what a model has staged.

    Rows fall on days by `time` (SQL of a moment) or by `day` (SQL of a date); a table without either is checked as one.
    The days before are looked up in `earlier`, or in the same table.
    """

    kind: Literal["source", "model"]
    definition: Definition[Any]
    table: str
    time: str | None = None
    day: str | None = None
    where: str | None = None
    earlier: str | None = None

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def checks(self) -> list[Check]:
        return declared(self.definition.spec.checks)

    @property
    def dated(self) -> bool:
        return bool(self.time or self.day)

    def location(self, check: str, severity: str) -> Location:
        """Where a check stands in the YAML."""
        path = next((each.path for each in self.checks if (each.name, each.severity) == (check, severity)), ())
        return self.definition.at(*path) if path else self.definition.at("checks")


def source(catalog: Catalog, name: str) -> Subject:
    """The events of a source."""
    found = scan(catalog, name)
    return Subject("source", catalog.source(name), found["table"], found["time"], where=found["where"])


def declared(checks: Checks) -> list[Check]:
    """Every check, those that stop something first."""
    return [*_declared(checks, "error", ("checks",)), *_declared(checks.warn, "warn", ("checks", "warn"))]


def _declared(wanted: RowChecks, severity: Severity, path: tuple[str | int, ...]) -> Iterator[Check]:
    for index, column in enumerate(wanted.not_null):
        yield Check(f"not_null {column}", severity, (*path, "not_null", index), _failing(f"({_sql(column)}) IS NULL"))
    for column, values in wanted.accepted.items():
        yield Check(f"accepted {column}", severity, (*path, "accepted", column), _failing(_outside(column, values)))
    for column, bounds in wanted.range.items():
        yield Check(f"range {column}", severity, (*path, "range", column), _failing(_beyond(column, bounds)))
    if wanted.unique:
        yield Check(f"unique {', '.join(wanted.unique)}", severity, (*path, "unique"), _repeated(wanted.unique))
    if wanted.duplicates is not None:
        copies = "count() - uniqExact(tuple(*))"
        too_many = f"if({copies} > {wanted.duplicates!r} * count(), {copies}, 0)"
        yield Check("duplicates", severity, (*path, "duplicates"), too_many)
    if wanted.min_rows_per_day:
        least = wanted.min_rows_per_day
        yield Check("min_rows_per_day", severity, (*path, "min_rows_per_day"), "0", least=least)
    if wanted.volume:
        yield Check("volume", severity, (*path, "volume"), "0", volume=wanted.volume)


def _sql(column: str) -> str:
    return parse(column).sql


def _failing(condition: str) -> str:
    """Rows that are known to be wrong: a NULL is not, it is for `not_null` to refuse."""
    return f"countIf(ifNull({condition}, 0))"


def _outside(column: str, values: Sequence[str | int]) -> str:
    return f"toString({_sql(column)}) NOT IN ({', '.join(quote_literal(str(value)) for value in values)})"


def _beyond(column: str, bounds: Bounds) -> str:
    """Written as NOT (within), so that NaN is outside of every range."""
    pairs = zip((">=", "<="), bounds, strict=True)
    within = " AND ".join(f"({_sql(column)}) {op} {_number(bound)}" for op, bound in pairs if bound is not None)
    return f"NOT ({within})"


def _number(value: float) -> str:
    """Whole numbers without a fraction: ClickHouse compares them exactly with every type."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _repeated(columns: Sequence[str]) -> str:
    """Rows beyond the first of their key; as in SQL, a key with a NULL is no key."""
    listed = [f"({_sql(column)})" for column in columns]
    known = " AND ".join(f"{each} IS NOT NULL" for each in listed)
    return f"countIf({known}) - uniqExactIf(tuple({', '.join(listed)}), {known})"


def rows(subject: Subject, name: str, start: date, end: date, now: datetime) -> list[Statement]:
    """Every check of [start, end) before `now` in one scan: day, check, severity, failures, rows. `name` is the zone.

    What must be unique in a model is so over all staged rows: there it takes a second statement, whose day is NULL.
    """
    checks = subject.checks
    whole = [each for each in checks if not subject.dated or (subject.kind == "model" and "unique" in each.path)]
    daily = [each for each in checks if each not in whole]
    groups = ((daily, True), (whole, False))
    return [_rows(subject, group, by_day, name, (start, end, now)) for group, by_day in groups if group]


def _rows(
    subject: Subject, checks: Sequence[Check], by_day: bool, name: str, span: tuple[date, date, datetime]
) -> Statement:
    place = subject.definition.at("checks")
    context = {"subject": subject, "checks": checks, "by_day": by_day, "zone": name}
    return _read("checks/rows", f"check rows of {subject.name}", span, place, context)


def earlier(subject: Subject, name: str, start: date, now: datetime) -> Statement | None:
    """The rows of the days before `start` that `volume` compares with: day, rows. None without such a check."""
    histories = [each.volume.history for each in subject.checks if each.volume]
    if not histories or not subject.dated:
        return None
    span, place = (start - max(histories), start, now), subject.definition.at("checks", "volume")
    return _read("checks/earlier", f"earlier rows of {subject.name}", span, place, {"subject": subject, "zone": name})


def _read(
    template: str, purpose: str, span: tuple[date, date, datetime], place: Location, context: dict[str, Any]
) -> Statement:
    """With the parameters that the SQL names: given others, the driver would look for placeholders of its own."""
    start, end, now = span
    bound: dict[str, Any] = zone.window(start, end, context["zone"])
    bound["end"] = min(bound["end"], zone.epoch(now))
    bound |= {"first": start, "last": end - _DAY, "days": (end - start).days}
    sql = render(template, **context)
    return Statement(sql, purpose, {key: value for key, value in bound.items() if f"{{{key}:" in sql}, place)
