"""Season × level with pooled noise: a season at midnight, a level within the day, one score per slot.

Every day is judged with the season of the days before it and a level that warms up on the day before, so that all days
of a backtest are independent runs, and a tick, which is the newest run only, gives the same scores to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assay.detect import level
from assay.detect.history import WEEK, History
from assay.detect.level import Course
from assay.detect.noise import anscombe_bounds
from assay.detect.scores import Expectation, Scores, finish, linear
from assay.detect.season import Parts, Season, Setting, fit
from assay.detect.series import Floats

PREPARES = frozenset(("seasonal_level", "ratio"))  # detectors whose days can be prepared
CHUNK = 256  # series at a time: their days fit into a processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The season of one day, to judge its slots as they come; `weekday` is that of the day."""

    season: Season
    weekday: int
    per_day: int


def setting_of(history: int, min_history: int, half_life: float) -> Setting:
    """The setting behind the parameters of those detectors."""
    return Setting(days=history, noise_days=min(28, history), least=min_history, half_life=half_life)


def expect(data: History, newest: int, threshold: float, span: int, setting: Setting) -> Expectation:
    """What the season and the level expect of the last `newest` slots; float64, shape (series, newest)."""
    blocks = [_block(data.rows(chosen), newest, span, setting) for chosen in _chunks(data.shape[0])]
    found = [np.concatenate(each) for each in zip(*blocks, strict=True)]
    return _expectation(data, found, threshold)


def prepare(data: History, setting: Setting = Setting()) -> Prepared:  # noqa: B008 (frozen)
    """The season of the day after `data`, which ends with a whole day: what a tick needs of the past.

    Raises ValueError for a history that does not end at midnight.
    """
    if data.shape[1] % data.per_day:
        raise ValueError("a season is prepared from whole days")
    seasons = [_season(Parts.of(data.rows(chosen)), data.days, setting) for chosen in _chunks(data.shape[0])]
    names = ("shape", "noise", "level", "echo")
    season = Season(*(np.concatenate([getattr(each, name) for each in seasons]) for name in names))
    return Prepared(season, (data.weekday + data.days) % WEEK, data.per_day)


def tick(
    prepared: Prepared, recent: History, newest: int = 1, *, threshold: float = 4.0, span: int = 2,
    setting: Setting = Setting(),  # noqa: B008 (frozen)
) -> Scores:  # fmt: skip
    """Judge the last `newest` slots of today, given the whole warm-up before it (`warm_up_days`) and today's slots.

    The same scores as `score("seasonal_level", …)` on the whole history, for a fraction of its cost. Raises ValueError
    when `recent` does not begin at the warm-up of the prepared day, or `newest` reaches beyond today.
    """
    warm_up = warm_up_days(prepared.per_day, setting) * prepared.per_day
    if not 0 < newest <= recent.shape[1] - warm_up <= prepared.per_day:
        raise ValueError("a tick needs the warm-up and the slots of one day, and judges slots of that day")
    parts = Parts.of(recent)
    found = _run(recent, parts, [prepared.season], np.array([recent.days - 1]), setting)
    columns = slice(recent.shape[1] - warm_up - newest, recent.shape[1] - warm_up)
    judged = [each[:, 0, columns] for each in _summed(found, span, prepared.season.echo[:, None, None])]
    return finish(recent, _expectation(recent, judged, threshold))


def warm_up_days(per_day: int, setting: Setting = Setting()) -> int:  # noqa: B008 (frozen)
    """Days before the judged one through which the level passes: at least one, and four half-lives."""
    return max(1, int(np.ceil(4 * setting.half_life / per_day)))


def _chunks(series: int) -> Iterator[slice]:
    yield from (slice(start, start + CHUNK) for start in range(0, series, CHUNK))


def _block(data: History, newest: int, span: int, setting: Setting) -> list[Floats]:
    """Expected, sigma and score of some series, each of shape (series, newest)."""
    parts, first = Parts.of(data), (data.shape[1] - newest) // data.per_day
    days = np.arange(first, data.days)
    seasons = [_season(parts, int(day), setting) for day in days]
    echo = np.stack([each.echo for each in seasons], axis=1)[..., None]
    found = _summed(_run(data, parts, seasons, days, setting), span, echo)
    end = data.shape[1] - first * data.per_day
    return [each.reshape(len(each), -1)[:, end - newest : end] for each in found]


def _season(parts: Parts, day: int, setting: Setting) -> Season:
    per_day = parts.exposure.shape[2]
    if day < setting.least:
        nothing = np.full(len(parts.exposure), np.nan)
        week = np.full((len(nothing), WEEK, per_day), np.nan)
        return Season(week, week[:, 0], nothing, nothing)
    return fit(parts.window(max(day - setting.days, 0), day), setting, warm_up_days(per_day, setting))


def _run(data: History, parts: Parts, seasons: list[Season], days: np.ndarray, setting: Setting) -> list[Floats]:
    """Expected, sigma and score of each day and the slot before it, shape (series, days, 1 + slots of a day).

    Then the scores again, NaN for slots that are out of the baseline: they lend nothing to the slot after them.
    """
    per_day, warm_up = data.per_day, warm_up_days(data.per_day, setting)
    course = _course(data, parts, seasons, days, warm_up)
    start = np.stack([each.level for each in seasons], axis=1)
    expected, sigma, score = level.follow(course, start, setting, per_day)
    lent = np.where(course.weight > 0, score, np.nan)
    return [np.moveaxis(each[warm_up * per_day - 1 :], 0, -1) for each in (expected, sigma, score, lent)]


def _course(data: History, parts: Parts, seasons: list[Season], days: np.ndarray, warm_up: int) -> Course:
    weekdays = (data.weekday + days[:, None] + np.arange(-warm_up, 1)) % WEEK
    shape = np.stack(
        [each.shape[:, names].reshape(len(each.level), -1) for each, names in zip(seasons, weekdays, strict=True)],
        axis=-1,
    )
    noise = np.tile(np.stack([each.noise for each in seasons], axis=-1), (1, warm_up + 1, 1))
    weight = parts.exposure.reshape(len(parts.exposure), -1)
    value, learnt = (_runs(each, data, days, warm_up) for each in (data.values, weight))
    trials = np.ones((len(value), 1, 1))
    if data.kind == "ratio":
        sample = _runs(data.trials(data.shape[1]), data, days, warm_up)
        trials = np.where(sample > 0, sample, np.nan)
    shape, noise = (np.moveaxis(each, 1, 0) for each in (shape, noise))
    return Course(value, trials, np.nan_to_num(learnt), shape, noise, data.kind, data.shares)


def _runs(matrix: Floats, data: History, days: np.ndarray, warm_up: int) -> Floats:
    """Shape (series, slots) → (slots of a run, series, days): the warm-up and the slots of each day."""
    per_day, length = data.per_day, (warm_up + 1) * data.per_day
    before, after = warm_up * per_day, data.days * per_day - matrix.shape[1]
    padded = np.pad(matrix, ((0, 0), (before, after)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)[:, days * per_day]
    return np.ascontiguousarray(np.moveaxis(windows, -1, 0))


def _summed(found: list[Floats], span: int, echo: Floats) -> list[Floats]:
    """Without the slot before each day; with `span` 2, the score of two slots together where that is larger.

    Their sum has the variance 2 (1 + echo). The slot before lends at most twice the slot's own score, so that an
    incident ends with its last slot.
    """
    expected, sigma, score = (each[..., 1:] for each in found[:3])
    if span == 2:
        lent = np.clip(found[3][..., :-1], -2 * np.abs(score), 2 * np.abs(score))
        both = (score + lent) / np.sqrt(2 * (1 + echo))
        score = np.where(np.abs(both) > np.abs(score), both, score)
    return [expected, sigma, score]


def _expectation(data: History, found: list[Floats], threshold: float) -> Expectation:
    expected, sigma, score = found
    if data.kind != "count":
        straight = linear(data, expected, sigma, threshold)
        return Expectation(expected, sigma, score, straight.low, straight.high, threshold)
    return Expectation(expected, sigma, score, *anscombe_bounds(expected, sigma, threshold), threshold)
