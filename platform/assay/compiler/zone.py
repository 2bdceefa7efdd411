"""Local days and slots as moments: the only place where a calendar meets the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo


def midnight(day: date, zone: str, after: int = 0) -> datetime:
    """The moment at which the local day that is `after` days later begins."""
    return datetime.combine(day + timedelta(days=after), clock(), ZoneInfo(zone)).astimezone(UTC)


def epoch(moment: datetime) -> int:
    """Seconds since 1970-01-01 UTC; ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a zone")
    return int(moment.timestamp())


def window(start: date, end: date, zone: str) -> dict[str, int]:
    """The half-open window of local days [start, end) as bound parameters."""
    return {"start": epoch(midnight(start, zone)), "end": epoch(midnight(end, zone))}


def days(start: date, end: date) -> Iterator[date]:
    """Each day of [start, end)."""
    return (start + timedelta(days=n) for n in range((end - start).days))


def local_day(moment: datetime, zone: str) -> date:
    """The local day in which a moment falls."""
    return moment.astimezone(ZoneInfo(zone)).date()


def day_of(seconds: int, zone: str) -> date:
    """The local day of a moment in seconds since 1970."""
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).date()


def earlier(moment: datetime, back: timedelta, zone: str) -> datetime:
    """The same wall-clock time `back` whole days earlier, also across a change of the clock."""
    local = moment.astimezone(ZoneInfo(zone))
    return (local.replace(tzinfo=None) - back).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def first_of(day: date, grain: str) -> date:
    """The first day of the week or month that a day belongs to; the day itself for any other grain."""
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day
