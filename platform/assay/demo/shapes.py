"""The ordinary life of the demo product: who its users are and how they behave, in numbers.

Every number is taken from the case study that the demo replays, or fitted so that its published aggregates come back.
"""

from __future__ import annotations

from itertools import accumulate

FEMALE_SHARE = 0.54
ANDROID_SHARE = 0.65
# Upper end of the cumulative share, first age and number of ages of each band.
AGE_BANDS = ((0.52, 14, 11), (0.88, 25, 16), (0.987, 41, 15), (1.0, 56, 15))
COUNTRIES = {
    "Russia": 0.877,
    "Ukraine": 0.050,
    "Belarus": 0.020,
    "Kazakhstan": 0.020,
    "Finland": 0.010,
    "Azerbaijan": 0.010,
    "Turkey": 0.009,
    "Estonia": 0.001,
    "Cyprus": 0.001,
    "Latvia": 0.001,
    "Switzerland": 0.001,
}
# Shares of all users; these ten are in Russia, the first country.
CITIES = {
    "Moscow": 0.135,
    "St Petersburg": 0.045,
    "Yekaterinburg": 0.013,
    "Novosibirsk": 0.012,
    "Samara": 0.0102,
    "Rostov": 0.0100,
    "Nizhny Novgorod": 0.0099,
    "Kazan": 0.0098,
    "Omsk": 0.0097,
    "Perm": 0.0096,
}
SMALL_CITIES = 2600  # at scale 1; the number follows the square root of the scale
CITY_SKEW = 1.3

# Share of a cohort that opens the feed on day k of its life: FLOOR + FADE * exp(-(k / TAU) ** POWER), a stretched
# exponential above a loyal core. Cohorts born on Friday or Saturday return less, women more.
RETENTION_FLOOR = 0.095
RETENTION_FADE = 0.295
RETENTION_TAU = 11.5
RETENTION_POWER = 1.3
WEEKEND_COHORT = 0.64
FEMALE_RETURN = 1.09
MALE_RETURN = 0.89

# A visit (the user's day in the feed) is short, ordinary or long: upper end of the cumulative share, mean and standard
# deviation of the views. Together they have mean 34.9 and give user-weeks with mean 67 and standard deviation 45.
VISITS = ((0.40, 18.0, 5.0), (0.88, 39.0, 9.0), (1.0, 75.0, 19.0))
MEAN_VIEWS = 34.92
VIEWS_PER_SESSION = 17
MAX_SESSIONS = 5
SECONDS_PER_VIEW = 15
POST_SKEW = 2.0  # popularity of posts: a user sees the same post about 1.2 times a day
NEW_POSTS_PER_DAY = 30

# CTR of an ordinary user-week before its dependence on views.
CTR = 0.2170
CTR_SPREAD = 0.045
GLOBAL_CTR = 0.21  # what comes out: likes over views
CTR_PER_VIEW = -0.0006
H1_SPREAD = 0.025

MESSAGES_PER_DAY = 12_900
MESSENGER_SHARE = 1 / 3  # of all users ever open the messenger
RECEIVING_SENDERS = 0.455  # of the day's senders also receive
ONLY_RECEIVERS = 0.187  # users who only receive, per sender
SECONDS_PER_MESSAGE = 900

HOURLY_USERS = (
    *(1500, 1100, 850, 700, 680, 720, 950, 1350, 1750, 1980, 2100, 2150),
    *(2200, 2250, 2250, 2250, 2300, 2450, 2600, 2800, 3000, 3050, 2600, 2000),
)
USER_SLOTS_PER_VISIT = 2.95  # 15-minute slots in which one visitor is seen, at October's views per user


def slot_weights() -> tuple[float, ...]:
    """Share of the day's sessions that start in each of the 96 quarters of an hour; hours are interpolated."""
    hourly = (HOURLY_USERS[-1], *HOURLY_USERS, HOURLY_USERS[0])
    raw = [_between(hourly, hour, quarter) for hour in range(24) for quarter in range(4)]
    return tuple(each / sum(raw) for each in raw)


def _between(hourly: tuple[int, ...], hour: int, quarter: int) -> float:
    """Linear interpolation between the middles of neighbouring hours; `hourly` has one more hour at each end."""
    offset = (quarter + 0.5) / 4 - 0.5
    here, other = hourly[hour + 1], hourly[hour + 2] if offset > 0 else hourly[hour]
    return here + (other - here) * abs(offset)


def cumulative(shares: tuple[float, ...]) -> tuple[float, ...]:
    """0, then the running sums, then exactly 1 in place of the last: the quantiles of a discrete distribution."""
    return (0.0, *list(accumulate(shares))[:-1], 1.0)
