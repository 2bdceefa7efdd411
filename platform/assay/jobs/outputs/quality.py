"""What is known about the data behind the numbers: stored days, gaps between them, and what checks found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from assay.compiler import zone
from assay.compiler.states import DAY
from assay.config.base import show_duration
from assay.jobs.context import Context
from assay.jobs.storage import builds, check_results
from assay.jobs.storage.builds import MODEL, Build
from assay.jobs.storage.check_results import Result
from assay.report.views import CheckView, QualityView, StoredView

_DAYS = 30  # of checks
_ONE = timedelta(days=1)
Stored = dict[date, Build]


def quality(context: Context, day: date) -> QualityView:
    """Sources and models as they are stored, and the checks of the last 30 days up to `day`."""
    found = list(_results(context, day))
    return QualityView(
        tuple(_stored(context, day, found)),
        tuple(_check(each) for each in found if each.status == "failed"),
        sum(each.status == "passed" for each in found),
        sum(each.status == "skipped" for each in found),
        _DAYS,
    )


def _results(context: Context, day: date) -> Iterator[Result]:
    definitions, end = context.catalog.definitions, day + _ONE
    subjects = {"source": definitions.sources, "model": definitions.models, "metric": definitions.metrics}
    for kind, names in subjects.items():
        yield from check_results.read(context, kind, list(names), end - timedelta(days=_DAYS), end)


def _check(found: Result) -> CheckView:
    return CheckView(found.kind, found.subject, found.check, found.severity, found.days, found.value, found.message)


def _stored(context: Context, day: date, results: Sequence[Result]) -> Iterator[StoredView]:
    definitions = context.catalog.definitions
    for kind, grain, known in (("source", DAY, definitions.sources), ("model", MODEL, definitions.models)):
        read = _by_name(context, grain, day)
        for name, each in known.items():
            own = [found for found in results if (found.kind, found.subject) == (kind, name)]
            failed = sum(found.status == "failed" for found in own)
            freshness = getattr(each.spec, "freshness", None)
            allowed = show_duration(freshness) if freshness else None
            stored = read.get(name, {})
            days, missing = _days(context, stored), tuple(gaps(stored))
            yield StoredView(kind, name, each.spec.owner, allowed, failed, *days, missing, _late(own))


def _late(results: Sequence[Result]) -> bool | None:
    """What the newest look at the freshness found; None without one."""
    looks = sorted((each.last, each.status) for each in results if each.check == "freshness")
    return looks[-1][1] == "failed" if looks else None


def _by_name(context: Context, grain: str, day: date) -> dict[str, Stored]:
    found: dict[str, Stored] = {}
    for (name, at), build in builds.read(context, grain).items():
        if at <= day:
            found.setdefault(name, {})[at] = build
    return found


def _days(context: Context, stored: Stored) -> tuple[date | None, date | None, bool, datetime | None]:
    """The first day, the last one, whether that one was over when it was built, and when that was."""
    if not stored:
        return None, None, False, None
    last = max(stored)
    over = stored[last].until >= zone.midnight(last, context.catalog.zone, after=1)
    return min(stored), last, over, stored[last].seen.astimezone(ZoneInfo(context.catalog.zone))


def gaps(days: Sequence[date] | Stored) -> Iterator[tuple[date, date]]:
    """The stretches between the first and the last day that are missing, as (first, last) missing day."""
    ordered = sorted(days)
    for before, after in pairwise(ordered):
        if after - before > _ONE:
            yield before + _ONE, after - _ONE
