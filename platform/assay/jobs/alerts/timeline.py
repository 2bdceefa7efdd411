"""The slots of an alert: numbered by the wall clock, so that the same time of day is the same place in every day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from assay.compiler import zone

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_EPOCH = date(1970, 1, 1)
_THURSDAY = 3  # the weekday of the epoch


@dataclass(frozen=True, slots=True)
class Timeline:
    """Slots of the length `every` from each local midnight on.

    A slot's number is days since 1970 × slots of a day + its place in the day, without gaps in either. Where the clock
    goes forward, the places of the lost hour stay empty; where it goes back, the hour is taken once, the first time.
    """

    every: timedelta
    zone: str

    @property
    def per_day(self) -> int:
        return _DAY // self.every

    def day(self, number: int) -> date:
        """The local day of a slot."""
        return _EPOCH + timedelta(days=number // self.per_day)

    def first(self, day: date) -> int:
        """The number of a day's first slot."""
        return (day - _EPOCH).days * self.per_day

    def weekday(self, number: int) -> int:
        """0 for Monday."""
        return (number // self.per_day + _THURSDAY) % 7

    def start(self, number: int) -> datetime | None:
        """The beginning of a slot in UTC; None for one that the change of the clock left out."""
        return starts(self.day(number), self.every, self.zone)[number % self.per_day]

    def end(self, number: int) -> datetime | None:
        """The first moment after a slot; the last one of a day ends at midnight."""
        start = self.start(number)
        return start and min(start + self.every, zone.midnight(self.day(number), self.zone, after=1))

    def at(self, moment: datetime) -> int:
        """The slot in which a moment lies, or the nearest one before it that exists."""
        return _at(self, moment)

    def newest(self, at: datetime) -> int:
        """The last slot that is over at a moment."""
        number = self.first(zone.local_day(at, self.zone)) + self.per_day - 1
        while (end := self.end(number)) is None or end > at:
            number -= 1
        return number


@lru_cache(maxsize=1024)
def _at(timeline: Timeline, moment: datetime) -> int:
    number = timeline.first(zone.local_day(moment, timeline.zone)) + timeline.per_day - 1
    while (start := timeline.start(number)) is None or start > moment:
        number -= 1
    return number


@lru_cache(maxsize=1024)
def starts(day: date, every: timedelta, name: str) -> Sequence[datetime | None]:
    """The beginnings of a day's slots by their place."""
    midnight, after = zone.midnight(day, name), zone.midnight(day, name, after=1)
    if after - midnight == _DAY:
        return [midnight + place * every for place in range(_DAY // every)]
    found: list[datetime | None] = [None] * (_DAY // every)
    for elapsed in range(-(-(after - midnight) // every)):
        start = midnight + elapsed * every
        place = _place(start.astimezone(ZoneInfo(name)), every)
        if place < len(found) and found[place] is None:
            found[place] = start
    return found


def _place(local: datetime, every: timedelta) -> int:
    """The place of a slot by its wall-clock time: long slots begin an hour off on the day of the change."""
    clock = timedelta(hours=local.hour, minutes=local.minute)
    return int(clock / every + 0.5)
