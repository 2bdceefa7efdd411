"""What must hold: for rows before they are published, for the newest event, and for the values that are shown."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import median

from assay.catalog.catalog import Metric
from assay.catalog.resolve import depends_on
from assay.catalog.series import Seen, Window, plain, present
from assay.compiler import checks as compiled
from assay.compiler import zone
from assay.compiler.checks import Check, Subject
from assay.config.base import show_duration
from assay.config.check import Volume
from assay.config.definitions import Definition
from assay.config.source import SourceSpec
from assay.errors import CheckFailed, Diagnostic
from assay.jobs.context import Context
from assay.jobs.storage import check_results
from assay.jobs.storage.check_results import Judged, Result

ENOUGH = 3  # days before, without which a day is not compared with its history
_DAY = timedelta(days=1)
_OF_VALUES = ("range", "volume", "equals")


def rows(context: Context, subject: Subject, start: date, end: date) -> list[Result]:
    """What every check finds in the rows of the days [start, end) up to now. Nothing is recorded yet."""
    name, run = context.catalog.zone, context.engine.run
    found = [row for each in compiled.rows(subject, name, start, end, context.now) for row in run(each).rows]
    before = compiled.earlier(subject, name, start, context.now)
    counts = {day: count for day, _, _, _, count in found if day and count}
    counts |= dict(run(before).rows) if before else {}
    checks: dict[tuple[str, str], Check] = {(each.name, each.severity): each for each in subject.checks}
    return [
        _result(subject, checks[check, severity], day or start, day or end - _DAY, judged)
        for day, check, severity, failures, count in found
        for judged in [_judged(context, checks[check, severity], day, failures, count, counts)]
    ]


def _result(subject: Subject, check: Check, first: date, last: date, judged: Judged) -> Result:
    place = subject.definition.at(*check.path)
    return Result(subject.kind, subject.name, check.name, check.severity, first, last, *judged, place)


def _judged(
    context: Context, check: Check, day: date | None, failures: int, count: int, counts: Mapping[date, int]
) -> Judged:
    if check.whole_day and day and not _over(context, day):  # it has too few rows by nature
        return "skipped", None, "the day is not over"
    if check.volume:
        return against_history(count, day, counts, check.volume) if day else ("skipped", None, "it has no days")
    if check.least:
        return "failed" if count < check.least else "passed", count, f"{count:,} of at least {check.least:,} rows"
    return "failed" if failures else "passed", failures, f"{failures:,} of {count:,} rows"


def _over(context: Context, day: date) -> bool:
    return zone.midnight(day, context.catalog.zone, after=1) <= context.now


def against_history(value: float, day: date, values: Mapping[date, float], wanted: Volume) -> Judged:
    """Status, value and message of `volume`: |value − m| ÷ |m| against `within`, m the median of the days before.

    Days without a value are no history; with fewer than 3 of them, the day passes.
    """
    before = [values[each] for each in zone.days(day - wanted.history, day) if each in values]
    if len(before) < ENOUGH:
        return "passed", value, f"too little history: {len(before)} of the {ENOUGH} days that it takes"
    usual = median(before)
    far = abs(value - usual) > wanted.within * abs(usual)
    told = f"{value:,.6g} against {usual:,.6g}, the median of {len(before)} days before, within {wanted.within:.6g}"
    return "failed" if far else "passed", value, told


def require(context: Context, subject: Subject, start: date, end: date, run: str, known: bool = False) -> str:
    """Refuse rows that fail: the last step before they are published. Returns what failed under `warn`, as a text.

    With `known`, what was found in the same run, at the same moment, is not looked up in the rows again.
    Raises CheckFailed E510 with a diagnostic for every check of severity `error` that failed.
    """
    if not subject.checks:
        return ""
    found = _of_this_run(context, subject, start, end) if known else []
    if not found:
        found = rows(context, subject, start, end)
        check_results.record(context, found, run)
    if diagnostics := [_diagnostic(each) for each in _summed(each for each in found if each.stops)]:
        raise CheckFailed(*diagnostics)
    return "; ".join(_told(each) for each in _summed(each for each in found if each.warns))


def _of_this_run(context: Context, subject: Subject, start: date, end: date) -> list[Result]:
    """What was found at the same moment, if it was every day of [start, end)."""
    found = check_results.read(context, subject.kind, [subject.name], start, end, this_run=True)
    declared = {(each.name, each.severity) for each in subject.checks}
    known = [
        replace(each, location=subject.location(each.check, each.severity))
        for each in found
        if (each.check, each.severity) in declared
    ]
    missing = set(zone.days(start, end)) - {each.first for each in known}
    return [] if missing else known


def _summed(found: Iterable[Result]) -> Iterator[list[Result]]:
    """The results of one check together, in the order of their days."""

    def key(each: Result) -> tuple[str, str]:
        return each.check, each.severity

    for _, group in groupby(sorted(found, key=lambda each: (*key(each), each.first)), key):
        yield list(group)


def _told(found: Sequence[Result]) -> str:
    """`accepted kind: 1 of 25 rows on 2025-02-25 and 2 more days`."""
    first, more = found[0], len(found) - 1
    also = f" and {more} more day{'s' if more > 1 else ''}" if more else ""
    return f"{first.check}: {first.message} on {first.days}{also}"


def _diagnostic(found: Sequence[Result]) -> Diagnostic:
    first = found[0]
    return Diagnostic(
        "E510",
        f"The check of {first.kind} '{first.subject}' failed: {_told(found)}.",
        "Nothing is published from data that breaks a declared rule; what was stored before is untouched.",
        "Correct the data and run again, or correct the check.",
        first.location,
    )


def refused(context: Context, sources: Collection[str], days: Collection[date]) -> CheckFailed | None:
    """The checks of sources that failed on some days, by their newest results."""
    if not days:
        return None
    found = check_results.read(context, "source", sources, min(days), max(days) + _DAY)
    failed = [each for each in found if each.stops and each.first in days and each.check != "freshness"]
    subjects = {name: compiled.source(context.catalog, name) for name in sources}
    placed = [replace(each, location=subjects[each.subject].location(each.check, each.severity)) for each in failed]
    diagnostics = [_diagnostic(each) for name in sorted(subjects) for each in _summed(_about(placed, name))]
    return CheckFailed(*diagnostics) if diagnostics else None


def _about(found: Iterable[Result], subject: str) -> Iterator[Result]:
    return (each for each in found if each.subject == subject)


def fresh(context: Context, source: Definition[SourceSpec], newest: datetime, last: date) -> CheckFailed | None:
    """E512 when the newest event is older than the source's `freshness`: its `last` day may not be complete yet."""
    allowed = source.spec.freshness
    assert allowed is not None, "the caller asks for sources with a freshness"
    age = context.now - newest
    told = f"the newest event is {_show_age(age)} old, and {show_duration(allowed)} is allowed"
    status, hours = ("failed" if age > allowed else "passed"), round(age / timedelta(hours=1), 3)
    place = source.at("freshness")
    found = Result("source", source.name, "freshness", "error", last, last, status, hours, told, place)
    check_results.record(context, [found], uuid.uuid4().hex[:12])
    if status == "passed":
        return None
    return CheckFailed.of(
        "E512",
        f"The source '{source.name}' is not fresh: {told}. {last} is not built.",
        why="What depends on the source waits rather than showing a day that is not complete.",
        fix="Load the missing events and run again, or build the day with --from and --to.",
        location=place,
    )


def _show_age(age: timedelta) -> str:
    minutes = age // timedelta(minutes=1)
    return f"{minutes // 60} h {minutes % 60} min"


def withheld(context: Context, names: Collection[str], start: date, end: date) -> dict[tuple[str, date], str]:
    """(metric, day): why it shows no value, from the newest result of each check of severity `error`.

    A metric made of one that failed is withheld too, on every day whose value reads the failed one.
    """
    metrics = [context.catalog.metric(name) for name in names]
    made_of = {metric.name: _guarded(context, metric) for metric in metrics}
    subjects = {part.name for parts in made_of.values() for part in parts}
    if not subjects:
        return {}
    reads = {
        (metric.name, day, part.name): _reads(metric, part, day)
        for metric in metrics
        for part in made_of[metric.name]
        for day in zone.days(start, end)
    }
    every = {day for days in reads.values() for day in days}
    failed = _failed_values(context, subjects, min(every), max(every) + _DAY) if every else {}
    found: dict[tuple[str, date], str] = {}
    for (name, day, part), days in reads.items():
        bad = next((failed[part, each] for each in days if (part, each) in failed), None)
        if bad:
            about = "" if (part, bad.first) == (name, day) else f"'{part}' of {bad.first}: "
            found.setdefault((name, day), f"{about}check '{bad.check}' failed: {bad.message}")
    return found


def _guarded(context: Context, metric: Metric) -> list[Metric]:
    """The metric and all that it is made of, as far as they have checks that withhold a value."""
    names = dict.fromkeys([metric.definition.name])
    queue = list(names)
    for name in queue:  # grows while it is read
        more = [each.partition(".")[0] for each in depends_on(context.catalog.metrics[name].definition)]
        queue += [each for each in more if each not in names]
        names |= dict.fromkeys(more)
    found = (context.catalog.metrics[name] for name in names)
    return [each for each in found if any(getattr(each.spec.checks, check) for check in _OF_VALUES)]


def _reads(metric: Metric, part: Metric, day: date) -> list[date]:
    """The days of a part that the value of a day is made of: its own, and all days of windows over the part."""
    if metric.definition.name == part.name or not plain(part.series):
        return [day]
    mine = {measure.id for measure in part.measures}
    leaves = [each for each in present(metric.series) if not isinstance(each, Seen)]
    windows = dict.fromkeys(leaf.window for leaf in leaves if leaf.measure.id in mine)
    return list(dict.fromkeys(each for window in windows for each in _days_of(window, day))) or [day]


def _days_of(window: Window, day: date) -> Iterator[date]:
    if window.unit == "month":
        return zone.days(day.replace(day=1), day + _DAY)
    return zone.days(day + window.first * _DAY, day + (window.last + 1) * _DAY)


def _failed_values(
    context: Context, subjects: Collection[str], start: date, end: date
) -> dict[tuple[str, date], Result]:
    """(metric, day): a check that is still declared and failed."""
    found = check_results.read(context, "metric", subjects, start, end)
    checks = {name: context.catalog.metrics[name].spec.checks for name in subjects}
    return {
        (each.subject, each.first): each for each in found if each.stops and getattr(checks[each.subject], each.check)
    }
