"""What a day is expected to look like: the shape of the week, the noise of each slot, and the level it starts at.

    expected = exposure × level × shape          counts (exposure 1) and ratios (exposure: the denominator)
    expected = level + shape                     gauges

The shape is a profile over the slots of a day, pooled over working days or weekends and drawn to the same weekday by
n / (n + 8), times the size of the weekday. Winters (1960), Forecasting sales by exponentially weighted moving averages,
Management Science 6, 324-342, for level × season; the weights n / (n + k) are those of Bühlmann (1967), Experience
rating and credibility, ASTIN Bulletin 4, 199-207.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.detect.history import WEEK, History, by_day
from assay.detect.noise import MEAN_ABSOLUTE, STILL, variance
from assay.detect.series import Bools, Floats, Kind, divide

CREDIBILITY = 8  # weekdays of one name that weigh as much as their class
OUTLIER = 4.0  # robust standard deviations at which a slot leaves the baseline
_CLASSES = np.array([0, 0, 0, 0, 0, 1, 1])  # working days and weekends


@dataclass(frozen=True, slots=True)
class Setting:
    """`days` of the season and of the noise before the judged one, `least` days to learn; `half_life` of the level in
    slots; the noise is pooled over `pool` slots to either side. The level follows what lies within `clip` standard
    deviations, and stands still from `freeze` of them until half of that, at most a day."""

    days: int = 56
    noise_days: int = 28
    least: int = 14
    half_life: float = 6.0
    pool: int = 4
    clip: float = 3.0
    freeze: float = 4.0

    @property
    def memory(self) -> float:
        """What is left of a slot's weight one slot later."""
        return float(0.5 ** (1 / self.half_life))


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A history by day, shape (series, days, slots of a day): numerators and exposures, both 0 where nothing is known.

    `weekdays`: shape (days,). `shares`: shape (series, 1).
    """

    numerator: Floats
    exposure: Floats
    weekdays: NDArray[np.intp]
    kind: Kind
    shares: Bools

    @classmethod
    def of(cls, data: History) -> Parts:
        values, exposure = data.baseline, np.ones(data.values.shape)
        if data.kind == "ratio":
            assert data.denominators is not None, "a ratio has denominators"
            exposure = data.denominators
        known = np.isfinite(values) & (exposure > 0)
        if data.kind == "count":
            known &= np.maximum.accumulate(np.nan_to_num(values), axis=1) > 0  # not born before its first event
        exposure = np.where(known, exposure, 0.0)
        numerator = np.where(known, values, 0.0) * exposure
        days = [np.nan_to_num(by_day(each, data.per_day)) for each in (numerator, exposure)]
        weekdays = (data.weekday + np.arange(days[0].shape[1])) % WEEK
        return cls(days[0], days[1], weekdays, data.kind, data.shares)

    @property
    def additive(self) -> bool:
        return self.kind == "gauge"

    def window(self, start: int, end: int) -> Parts:
        """Some of the days."""
        numerator, exposure = self.numerator[:, start:end], self.exposure[:, start:end]
        return Parts(numerator, exposure, self.weekdays[start:end], self.kind, self.shares)

    def without(self, outliers: Bools) -> Parts:
        numerator, exposure = (np.where(outliers, 0.0, each) for each in (self.numerator, self.exposure))
        return Parts(numerator, exposure, self.weekdays, self.kind, self.shares)

    def solve(self, known: Floats, axes: int | tuple[int, ...]) -> Floats:
        """The factor (or for gauges the summand) that fits best beside a known one, from sums over some axes."""
        if self.additive:
            return divide((self.numerator - self.exposure * known).sum(axes), self.exposure.sum(axes))
        return divide(self.numerator.sum(axes), (self.exposure * known).sum(axes))

    def mean(self, one: Floats, other: Floats) -> Floats:
        """The expected numerators of two parts of the expectation."""
        return self.exposure * (one + other if self.additive else one * other)

    def residuals(self, mean: Floats) -> Floats:
        """Pearson's: (x - m) / sqrt(variance of counting); 0 where nothing is known."""
        noise = np.sqrt(variance(mean, self.exposure, self.kind, self.shares[:, None]))
        return np.where(self.exposure > 0, (self.numerator - mean) / noise, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Season:
    """What is known at midnight: `shape` (series, 7, slots of a day) of each weekday, `noise` (series, slots of a day),
    the variance over that of counting, `level` (series,) some time before, and `echo` (series,), the correlation of
    neighbouring residuals. NaN for a series that is still learning."""

    shape: Floats
    noise: Floats
    level: Floats
    echo: Floats


def fit(parts: Parts, setting: Setting, warm_up: int) -> Season:
    """The season from whole days, the newest of them yesterday; the level is that of `warm_up` days before today."""
    full = (parts.exposure > 0).mean(axis=2) >= 0.5
    learnt = full.sum(axis=1) >= setting.least
    first, level = _shape(parts)
    clean = parts.without(_outliers(parts, first, level))
    shape, level = _shape(clean)
    recent = clean.window(max(len(parts.weekdays) - setting.noise_days, 0), len(parts.weekdays))
    noise, echo = _noise(recent, shape, setting)
    learning = np.where(learnt, 1.0, np.nan)
    start = _last_known(level[:, : max(level.shape[1] - warm_up + 1, 1)])
    return Season(shape * learning[:, None, None], noise, start, echo)


def _shape(parts: Parts) -> tuple[Floats, Floats]:
    """The shape of each weekday (series, 7, slots of a day) and the level of each day on it (series, days)."""
    neutral = 0.0 if parts.additive else 1.0
    flat = parts.solve(np.full((1, 1, 1), neutral), 1)
    level = parts.solve(flat[:, None], 2)
    profile = _profile(parts, np.nan_to_num(level))
    level = parts.solve(np.nan_to_num(profile)[:, parts.weekdays], 2)
    size = _sizes(level, parts)
    shape = profile + size[..., None] if parts.additive else profile * size[..., None]
    level = level - size[:, parts.weekdays] if parts.additive else divide(level, size[:, parts.weekdays])
    return shape, level


def _profile(parts: Parts, level: Floats) -> Floats:
    """A profile per weekday (series, 7, slots of a day): ratios of sums over its class, drawn to its own."""
    above, below = parts.numerator, parts.exposure * (1.0 if parts.additive else level[..., None])
    if parts.additive:
        above = above - parts.exposure * level[..., None]
    sums = [_by_weekday(each, parts.weekdays) for each in (above, below, (parts.exposure > 0).astype(np.float64))]
    own, days = divide(sums[0], sums[1]), sums[2]
    pooled = [_by_class(each) for each in sums[:2]]
    return _drawn(own, divide(pooled[0], pooled[1]), days)


def _sizes(level: Floats, parts: Parts) -> Floats:
    """How a weekday's level differs from the week around it, shape (series, 7)."""
    known = np.isfinite(level) & ((level > 0) | parts.additive)
    value = np.where(known, level, 0.0)
    around = divide(_over_week(value), _over_week(known.astype(np.float64)))
    apart = np.where(known, value - around if parts.additive else divide(value, around), 0.0)
    days = _by_weekday(known.astype(np.float64), parts.weekdays)
    total = _by_weekday(np.nan_to_num(apart), parts.weekdays)
    size = _drawn(divide(total, days), divide(_by_class(total), _by_class(days)), days)
    return np.where(np.isnan(size), 0.0 if parts.additive else 1.0, size)


def _drawn(own: Floats, pooled: Floats, days: Floats) -> Floats:
    weight = np.where(np.isnan(own), 0.0, days / (days + CREDIBILITY))
    return weight * np.nan_to_num(own) + (1 - weight) * pooled


def _by_weekday(days: Floats, weekdays: NDArray[np.intp]) -> Floats:
    return np.stack([days[:, weekdays == weekday].sum(axis=1) for weekday in range(WEEK)], axis=1)


def _by_class(weekdays: Floats) -> Floats:
    """Each weekday's class; both classes together where its own has nothing yet."""
    sums = np.stack([weekdays[:, each == _CLASSES].sum(axis=1) for each in (0, 1)], axis=1)
    return sums[:, _CLASSES]


def _over_week(days: Floats) -> Floats:
    """Sums over the seven days around each one, fewer at the ends."""
    sums = np.pad(np.cumsum(days, axis=1), ((0, 0), (1, 0)))
    at = np.arange(days.shape[1])
    around: Floats = sums[:, np.minimum(at + 4, days.shape[1])] - sums[:, np.maximum(at - 3, 0)]
    return around


def _outliers(parts: Parts, shape: Floats, level: Floats) -> Bools:
    known = np.nan_to_num(shape)[:, parts.weekdays]
    residuals = parts.residuals(parts.mean(known, np.nan_to_num(level)[..., None]))
    outliers: Bools = np.abs(residuals) > OUTLIER * _scale(parts, residuals)
    return outliers


def _noise(parts: Parts, shape: Floats, setting: Setting) -> tuple[Floats, Floats]:
    """Dispersion by time of day (series, slots of a day) and the correlation of neighbouring residuals (series,).

    Squares of one-step residuals, cut at 3.5 robust standard deviations, pooled over days and neighbouring slots, and
    never under `_least_noise`.
    """
    known = np.nan_to_num(shape)[:, parts.weekdays]
    mean = parts.mean(known, _one_step(parts, known, setting.memory))
    residuals = parts.residuals(mean)
    limit = 3.5 * _scale(parts, residuals)
    cut = np.clip(residuals, -limit, limit)
    squares, days = _around((cut**2).sum(1), setting.pool), _around((parts.exposure > 0).sum(1), setting.pool)
    noise = divide(squares, days) * _of_small_samples(parts)
    flat = cut.reshape(len(cut), -1)
    echo = np.clip(divide((flat[:, 1:] * flat[:, :-1]).sum(1), (flat**2).sum(1)), 0.0, 0.9)
    return np.maximum(noise, _least_noise(parts, mean)[:, None]), np.nan_to_num(echo)


def _scale(parts: Parts, residuals: Floats) -> Floats:
    """A robust standard deviation from the mean absolute residual, shape (series, 1, 1)."""
    size = np.count_nonzero(parts.exposure, axis=(1, 2)).astype(np.float64)
    scale: Floats = np.nan_to_num(MEAN_ABSOLUTE * divide(np.abs(residuals).sum((1, 2)), size))
    return scale[:, None, None]


def _least_noise(parts: Parts, mean: Floats) -> Floats:
    """No real series is quieter than counting; nor a gauge than 1 % of its size."""
    if not parts.additive:
        return np.ones(len(mean))
    size = np.count_nonzero(parts.exposure, axis=(1, 2)).astype(np.float64)
    least: Floats = np.nan_to_num((STILL * divide(np.abs(mean).sum((1, 2)), size)) ** 2)
    return least


def _one_step(parts: Parts, shape: Floats, memory: float) -> Floats:
    """The level before each slot, exponentially weighted, shape (series, days, slots of a day)."""
    from scipy.signal import lfilter  # half a second, and only this detector needs it

    known = parts.exposure > 0
    weight = parts.exposure if parts.kind == "ratio" else known.astype(np.float64)
    above = parts.numerator - shape if parts.additive else parts.numerator / np.where(shape > 0, shape, 1.0)
    above = np.where(known & (parts.additive | (shape > 0)), above, 0.0)
    sums = [lfilter([1.0], [1.0, -memory], each.reshape(len(each), -1), axis=1) for each in (above, weight)]
    level = divide(*(np.pad(each, ((0, 0), (1, 0)))[:, :-1] for each in sums)).reshape(known.shape)
    return np.where(np.isnan(level), parts.solve(shape, (1, 2))[:, None, None], level)


def _around(slots: Floats, pool: int) -> Floats:
    """Sums over the slots within `pool`, around the clock."""
    reach = min(pool, (slots.shape[1] - 1) // 2)
    total: Floats = sum((np.roll(slots, shift, axis=1) for shift in range(-reach, reach + 1)), np.zeros(slots.shape))
    return total


def _of_small_samples(parts: Parts) -> float:
    """A shape from n days is wrong by 1 / n of the variance, and its own residuals are too small by as much."""
    days = max(len(parts.weekdays), 2)
    return (days + 1) / (days - 1)


def _last_known(level: Floats) -> Floats:
    """The newest positive (for gauges: finite) level of each row."""
    known = np.isfinite(level) & (level != 0)
    last = level.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    newest: Floats = level[np.arange(len(level)), last]
    return newest
