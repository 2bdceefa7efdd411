"""What is planted in the demo data: the answers that Assay's experiments, alerts and investigations must rediscover.

Dates are local days of the demo product; sizes are what a correct analysis should find, up to sampling error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

FIRST_DAY = date(2025, 7, 6)
LAST_DAY = date(2025, 10, 20)


@dataclass(frozen=True, slots=True)
class Event:
    """One planted event: local days `first`..`last` inclusive, and `size`, the change of `measure`."""

    name: str
    first: date
    last: date
    measure: str
    size: float
    story: str

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class SlotEvent:
    """A change of the distinct feed users of one 15-minute slot: `size` is relative to an ordinary day."""

    day: date
    start: time
    size: float

    @property
    def second(self) -> int:
        """Seconds from local midnight to the start of the slot."""
        return self.start.hour * 3600 + self.start.minute * 60


AA_WEEK = Event(
    "aa_week", date(2025, 7, 26), date(2025, 8, 1), "difference of ctr", 0.0, "The five groups are treated alike."
)
H2 = Event(
    "h2",
    date(2025, 8, 2),
    date(2025, 8, 8),
    "difference of ctr, group 3 against 0",
    0.0164,
    "'Liked by similar users' shifts the whole distribution of CTR; views do not change.",
)
H1 = Event(
    "h1",
    date(2025, 8, 2),
    date(2025, 8, 8),
    "difference of ctr, group 2 against 1",
    -0.0094,
    "'Similar to liked posts' is broken until 08-07: 57 % of its users get poor posts and 43 % splendid ones.",
)
H1_BROKEN_UNTIL = date(2025, 8, 7)
H1_LOW_SHARE = 0.57
H1_LOW_CTR = 0.10
H1_REPAIRED_SIZE = 0.005

CAMPAIGN = Event(
    "campaign",
    date(2025, 8, 15),
    date(2025, 8, 15),
    "new ads users at scale 1",
    2590,
    "An ads campaign brings users who behave well on day one and then leave: 77 % never return in 14 days.",
)
CAMPAIGN_USUAL_SIZE = 727
CAMPAIGN_NEVER_RETURN = 0.77
CAMPAIGN_LOYAL_SHARE = 0.28  # only they ever return; with the table below, 77 % do not within 14 days
# Share of the campaign cohort that opens the feed on day 1, 2, … after the first; the last one holds for ever. Day 9
# (08-24) is an odd bump of 9 % of the cohort, a fifth of which is cut off by the outage of that day.
CAMPAIGN_RETENTION = (
    *(0.04, 0.036, 0.034, 0.032, 0.031, 0.03, 0.03, 0.026, 0.113, 0.023, 0.022, 0.021, 0.02, 0.02),
    *(0.016,) * 15,
    0.011,
)

FLASH_MOB = Event(
    "flash_mob",
    date(2025, 8, 16),
    date(2025, 8, 23),
    "views per user, ratio to ordinary days (mean of the eight days)",
    1.93,
    "Views and likes per user double; CTR and the number of users do not change.",
)
FLASH_MOB_VIEWS = (1.70, 1.75, 1.85, 1.95, 2.00, 2.05, 2.10, 2.05)

OUTAGE = Event(
    "outage",
    date(2025, 8, 24),
    date(2025, 8, 24),
    "feed users of the cities, relative change",
    -1.0,
    "The feed is down all day in four cities; the messenger works everywhere.",
)
OUTAGE_CITIES = ("Moscow", "St Petersburg", "Yekaterinburg", "Novosibirsk")

SURGE = Event(
    "messenger_surge",
    date(2025, 9, 8),
    date(2025, 9, 8),
    "messages, ratio to ordinary days",
    2.5,
    "Messages jump on one day; more users than usual send on the days around it.",
)
SURGE_SENDERS = {
    date(2025, 9, 7): 1.35,
    date(2025, 9, 8): 1.90,
    date(2025, 9, 9): 1.60,
    date(2025, 9, 10): 1.40,
}

GROWTH_STOP = Event(
    "growth_stop",
    date(2025, 9, 8),
    LAST_DAY,
    "new users per day, ratio to August",
    0.5,
    "Organic growth ends: new users halve and the daily audience stops growing.",
)

VIEWS_DIP = Event(
    "views_dip",
    date(2025, 9, 29),
    date(2025, 10, 8),
    "views per user on 10-02, relative to a week before",
    -0.35,
    "Views per user fall from about 40 to 27 while CTR rises to about 22.5 % on 10-02.",
)
VIEWS_DIP_VIEWS = (0.95, 0.85, 0.80, 0.775, 0.78, 0.79, 0.80, 0.81, 0.82, 0.83)
VIEWS_DIP_CTR = (0.002, 0.006, 0.013, 0.015, 0.013, 0.008, 0.003, 0.0, 0.0, 0.0)

EVENTS = (AA_WEEK, H2, H1, CAMPAIGN, FLASH_MOB, OUTAGE, SURGE, GROWTH_STOP, VIEWS_DIP)

SLOT_EVENTS = (
    SlotEvent(date(2025, 10, 14), time(17, 15), 0.70),
    SlotEvent(date(2025, 10, 15), time(11, 0), 0.34),
    SlotEvent(date(2025, 10, 16), time(9, 0), 0.26),
    SlotEvent(date(2025, 10, 17), time(10, 15), -0.51),
)
