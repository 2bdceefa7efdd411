"""Slots by the wall clock: against a plain reference that walks through the minutes, and against what is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.compiler import series, zone
from assay.compiler.series import Spans
from assay.config.base import show_duration
from assay.jobs.alerts.timeline import Timeline
from assay.jobs.runs import materialize

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EPOCH = date(1970, 1, 1)
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu")
CHANGES = {
    "America/New_York": (date(2025, 3, 9), date(2025, 11, 2)),
    "Australia/Lord_Howe": (date(2025, 10, 5), date(2025, 4, 6)),  # by half an hour
    "Africa/Cairo": (date(2025, 4, 25), date(2025, 10, 30)),  # midnight does not exist, and comes twice
}
SHORT = [5, 10, 15, 30, 60]  # minutes; longer slots begin an hour off on the day of the change
LONG = [120, 180, 240, 360, 480, 720, 1440]

zones = st.sampled_from(ZONES)
lengths = st.sampled_from([*SHORT, *LONG])
# near a change of the clock in some zone, or anywhere
days = st.one_of(
    st.sampled_from([each for pair in CHANGES.values() for each in pair]).flatmap(
        lambda day: st.integers(-1, 1).map(lambda n: day + n * DAY)
    ),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)


@cache
def walked(name: str, day: date, minutes: int) -> dict[int, datetime]:
    """The first moment of each place of a day, minute by minute on the wall clock; only for slots within the hour."""
    found: dict[int, datetime] = {}
    moment, after = zone.midnight(day, name), zone.midnight(day, name, after=1)
    while moment < after:
        local = moment.astimezone(ZoneInfo(name))
        if not (local.hour * 60 + local.minute) % minutes:
            found.setdefault((local.hour * 60 + local.minute) // minutes, moment)
        moment += MINUTE
    return found


def line(name: str, minutes: int) -> Timeline:
    return Timeline(minutes * MINUTE, name)


@given(zones, st.sampled_from([5, 15, 30]), days)
def test_slots_begin_where_the_wall_clock_says(name: str, minutes: int, day: date) -> None:
    timeline = line(name, minutes)
    first = timeline.first(day)
    starts = {at: timeline.start(first + at) for at in range(timeline.per_day)}
    assert {at: start for at, start in starts.items() if start} == walked(name, day, minutes)


@given(zones, lengths, st.integers(0, 30_000), st.integers(-3_000, 3_000))
def test_numbers_have_no_gaps(name: str, minutes: int, number: int, step: int) -> None:
    timeline = line(name, minutes)
    number *= timeline.per_day
    assert timeline.first(timeline.day(number)) == number
    assert timeline.day(number) == EPOCH + timedelta(days=number // timeline.per_day)
    assert timeline.first(timeline.day(number) + DAY) == number + timeline.per_day
    assert timeline.weekday(number + step) == timeline.day(number + step).weekday()


@given(zones, lengths, days)
def test_slots_follow_each_other_within_their_day(name: str, minutes: int, day: date) -> None:
    timeline = line(name, minutes)
    first = timeline.first(day)
    numbers = [n for n in range(first, first + timeline.per_day) if timeline.start(n)]
    spans = [(timeline.start(n), timeline.end(n)) for n in numbers]
    assert spans[0][0] == zone.midnight(day, name)
    assert len(numbers) >= timeline.per_day - max(1, 60 // minutes)
    for (start, end), (after, _) in pairwise(spans):
        assert start < after
        assert start < end <= after or day in CHANGES.get(name, ())
    assert spans[-1][0] < spans[-1][1] <= zone.midnight(day, name, after=1)


@given(zones, lengths, days, st.integers(0, 26 * 60))
def test_a_moment_lies_in_the_newest_slot_that_has_begun(name: str, minutes: int, day: date, elapsed: int) -> None:
    """And the newest one that is over is the newest whose end is not later."""
    timeline = line(name, minutes)
    moment = zone.midnight(day, name) + elapsed * MINUTE
    around = range(timeline.first(day - DAY), timeline.first(day + 3 * DAY))
    known = [(n, timeline.start(n), timeline.end(n)) for n in around if timeline.start(n)]
    assert timeline.at(moment) == max(n for n, start, _ in known if start <= moment)
    assert timeline.newest(moment) == max(n for n, _, end in known if end <= moment)


@given(zones, lengths, days, st.integers(0, 26 * 60))
def test_a_slot_and_its_number_agree(name: str, minutes: int, day: date, place: int) -> None:
    timeline = line(name, minutes)
    number = timeline.first(day) + place % timeline.per_day
    start, end = timeline.start(number), timeline.end(number)
    if start is None or end is None:
        assert start is end is None
        return
    assert timeline.at(start) == timeline.at(end - MINUTE) == number
    assert timeline.newest(end) >= number > timeline.newest(end - MINUTE)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "changes"), [*CHANGES.items(), ("Asia/Kathmandu", (date(2025, 3, 9),))])
@pytest.mark.parametrize("minutes", [5, 15, 30, 60, 120, 720])
def test_what_is_stored_is_read_by_the_same_numbers(lab, name: str, changes: tuple[date, ...], minutes: int) -> None:
    """An event every five minutes of three days around each change: a slot holds those of its own time."""
    every = minutes * MINUTE
    files = {
        "metrics/all.yaml": f"""
sources: {{app: {{table: RAW.events, time: at, entities: {{user: user_id}}}}}}
metrics: {{events: {{type: count, source: app}}}}
alerts: {{all: {{metrics: [events], every: {show_duration(every)}, route: nobody}}}}
routes: {{nobody: {{outbox: {{path: outbox}}}}}}
"""
    }
    shop = lab.shop(files, {"events": "at DateTime('UTC'), user_id UInt32"}, name)
    timeline = Timeline(every, name)
    for change in changes:
        first, last = change - DAY, change + DAY
        start, end = zone.midnight(first, name), zone.midnight(last, name, after=1)
        moments = [start + n * 5 * MINUTE for n in range((end - start) // (5 * MINUTE))]
        shop.load("events", [{"at": moment, "user_id": 1} for moment in moments])
        assert materialize.run(shop.context, start=first, end=last + DAY).ok
        begin, length = timeline.first(first), 3 * timeline.per_day
        spans = Spans(begin, length, 1, 1, first, last)
        metric = shop.context.catalog.metric("events")
        statement = series.slots(shop.context.catalog, [metric], every, [""], spans, shop.context.database)
        (row,) = shop.context.engine.run(statement).dicts()
        found = dict(zip(row["k"], row["v0"], strict=True))
        slots = {k: (timeline.start(begin + k), timeline.end(begin + k)) for k in range(length)}
        told = {k: sum(a <= at < b for at in moments) for k, (a, b) in slots.items() if a and b}
        assert found == told
        assert start.tzinfo is UTC
