"""One record per local day: how many arrive, how many return, how much they read, and what is planted on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from itertools import accumulate

from assay.demo import events, shapes

FRIDAY, SATURDAY = 5, 6  # ISO weekdays
RETURNING = {1: 0.99, 2: 1.00, 3: 1.03, 4: 1.05, 5: 1.10, 6: 1.07, 7: 0.98}
VIEWS = {1: 0.98, 2: 0.99, 3: 1.00, 4: 1.01, 5: 1.08, 6: 1.02, 7: 0.99}
PHASE_SLIP = date(2025, 9, 7)  # the surge shifts the messenger's three-day rhythm


@dataclass(frozen=True, slots=True)
class Day:
    """Parameters of one local day. Counts are scaled; factors and shares are not."""

    number: int  # days since the first day
    date: date
    weekend_cohort: bool
    first_ads: int  # ads users who arrived before this day
    new_ads: int
    first_organic: int
    new_organic: int
    returning: float  # factor of the probability to return
    core: float  # the same, for users older than 30 days
    views: float  # factor of the views per visit
    ctr: float
    h1_broken: bool
    h1_effect: float
    h2_effect: float
    outage: bool
    campaign: bool
    posts: int  # live posts
    slot: int  # start of the disturbed quarter of an hour, seconds from midnight
    crowd: float  # share of the day's visitors drawn into the slot
    lost: float  # share of visitors whose views in the slot are lost
    senders: int
    messages: int


def days(scale: float, seed: int) -> tuple[Day, ...]:
    """The days of the demo in order; the same scale and seed give the same records."""
    count = (events.LAST_DAY - events.FIRST_DAY).days + 1
    dates = [events.FIRST_DAY + timedelta(days=number) for number in range(count)]
    ads = _running(scale * _new_ads(day, seed) for day in dates)
    organic = _running(scale * _new_organic(day, seed) for day in dates)
    return tuple(_day(number, day, seed, scale, ads, organic) for number, day in enumerate(dates))


def _running(arrivals: Iterable[float]) -> list[int]:
    """Users before each day, and after the last one; sums are rounded, so that rounding never adds up."""
    return [round(total) for total in accumulate(arrivals, initial=0.0)]


def noise(seed: int, purpose: str, day: date) -> float:
    """A reproducible number in [-1, 1)."""
    digest = blake2b(f"{seed}/{purpose}/{day}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1


def _day(number: int, day: date, seed: int, scale: float, ads: list[int], organic: list[int]) -> Day:
    slot, crowd, lost = _slot(day)
    return Day(
        number=number,
        date=day,
        weekend_cohort=day.isoweekday() in (FRIDAY, SATURDAY),
        first_ads=ads[number],
        new_ads=ads[number + 1] - ads[number],
        first_organic=organic[number],
        new_organic=organic[number + 1] - organic[number],
        returning=RETURNING[day.isoweekday()] * (1 + 0.015 * noise(seed, "returning", day)),
        core=_core(day),
        views=_views(day, seed),
        ctr=_ctr(day, seed),
        h1_broken=events.H1.first <= day <= events.H1_BROKEN_UNTIL,
        h1_effect=events.H1_REPAIRED_SIZE if day == events.H1.last else 0.0,
        h2_effect=events.H2.size if events.H2.covers(day) else 0.0,
        outage=events.OUTAGE.covers(day),
        campaign=events.CAMPAIGN.covers(day),
        posts=215 + round(15 * noise(seed, "posts", day)),
        slot=slot,
        crowd=crowd,
        lost=lost,
        senders=round(scale * _senders(number, day)),
        messages=round(scale * _messages(day, seed)),
    )


def _new_ads(day: date, seed: int) -> float:
    if events.CAMPAIGN.covers(day):
        return events.CAMPAIGN.size
    stopped = events.GROWTH_STOP.covers(day)
    by_weekday = {FRIDAY: 510, SATURDAY: 420} if stopped else {FRIDAY: events.CAMPAIGN_USUAL_SIZE, SATURDAY: 550}
    usual = 560 if day == events.FIRST_DAY else by_weekday.get(day.isoweekday(), 780 if stopped else 1040)
    return usual * (1 + 0.05 * noise(seed, "ads", day))


def _new_organic(day: date, seed: int) -> float:
    stopped = events.GROWTH_STOP.covers(day)
    by_weekday = {FRIDAY: 210, SATURDAY: 190} if stopped else {FRIDAY: 590, SATURDAY: 550}
    growth = 280 * _ramp(day, date(2025, 8, 1), date(2025, 8, 15))
    usual = 540 if day == events.FIRST_DAY else by_weekday.get(day.isoweekday(), 330 if stopped else 1090 + growth)
    return usual * (1 + 0.05 * noise(seed, "organic", day))


def _core(day: date) -> float:
    return 1.07 - 0.09 * _ramp(day, date(2025, 9, 15), date(2025, 10, 5))


def _views(day: date, seed: int) -> float:
    wobble = VIEWS[day.isoweekday()] * (1 + 0.03 * noise(seed, "views", day))
    if events.FLASH_MOB.covers(day):
        return events.FLASH_MOB_VIEWS[(day - events.FLASH_MOB.first).days] * (1 + 0.01 * noise(seed, "views", day))
    if events.VIEWS_DIP.covers(day):
        return events.VIEWS_DIP_VIEWS[(day - events.VIEWS_DIP.first).days]
    if day > events.VIEWS_DIP.last:
        return wobble * (events.VIEWS_DIP_VIEWS[-1] + 0.15 * _ramp(day, events.VIEWS_DIP.last, events.LAST_DAY))
    return wobble * (1.02 + 0.18 * _ramp(day, date(2025, 8, 31), date(2025, 9, 25)))


def _ctr(day: date, seed: int) -> float:
    dip = events.VIEWS_DIP_CTR[(day - events.VIEWS_DIP.first).days] if events.VIEWS_DIP.covers(day) else 0.0
    return shapes.CTR + dip + 0.003 * noise(seed, "ctr", day)


def _slot(day: date) -> tuple[int, float, float]:
    """Start of the disturbed slot, share of visitors drawn into it, share of its visitors lost."""
    for event in events.SLOT_EVENTS:
        if event.day == day:
            usual = shapes.slot_weights()[event.second // 900] * shapes.USER_SLOTS_PER_VISIT
            return event.second, max(0.0, event.size) * usual, max(0.0, -event.size)
    return 0, 0.0, 0.0


def _senders(number: int, day: date) -> float:
    """Nobody on the first day; 150 on the second, 800 in early August, 2,260 in October; more on every third day."""
    if number == 0:
        return 0.0
    base = 150 + 650 * min(1.0, number / 28) + 1460 * _ramp(day, date(2025, 8, 3), date(2025, 9, 30))
    spike = 1.45 if number % 3 == (1 if day < PHASE_SLIP else 2) else 1.0
    return base * events.SURGE_SENDERS.get(day, spike)


def _messages(day: date, seed: int) -> float:
    surge = events.SURGE.size if events.SURGE.covers(day) else 1.0
    opened = day > events.FIRST_DAY
    return opened * surge * shapes.MESSAGES_PER_DAY * (1 + 0.001 * noise(seed, "messages", day))


def _ramp(day: date, first: date, last: date) -> float:
    """0 until `first`, 1 from `last`, linear between."""
    return min(1.0, max(0.0, (day - first) / (last - first)))
