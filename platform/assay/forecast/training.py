"""What a model may see of a series: the modelling scale, one season, events, and nothing of the future."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assay.forecast.refusals import misfit, too_little
from assay.forecast.scale import Scale
from assay.forecast.season import detrended, pattern, seasons
from assay.forecast.series import Bools, Floats, Series

LEAST_DAYS = 14
MOST_MISSING = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A forecast on the modelling scale, both of shape (horizon,): its centre and its standard error.

    `reach`: how far an interval goes at most, the range of all days seen. On logs a doubtful model's interval would
    otherwise reach to numbers that nobody can mean.
    """

    center: Floats
    spread: Floats
    reach: float = np.inf

    def half(self, factor: Floats) -> Floats:
        """Half of an interval of so many standard errors, shape (horizon,)."""
        return np.minimum(factor * self.spread, self.reach)


Predict = Callable[[int, Floats], Path]
"""(horizon, events of the days ahead, shape (horizon, columns)) -> Path"""


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """`values`: modelling scale, shape (days,), NaN for gaps. `season`: the main cycle in days, 1 for none.

    `events`: shape (days, columns). `fitted`: models that were fitted to it, so that an ensemble fits none twice.
    """

    values: Floats
    season: int
    events: Floats
    fitted: dict[Any, Any] = field(default_factory=dict)

    def without_gaps(self) -> Training:
        """Gaps filled by a straight line through the neighbours, plus the season's course."""
        missing = np.isnan(self.values)
        if not np.any(missing):
            return self
        course = (
            pattern(detrended(self.values), self.season, len(self.values))
            if self.season > 1
            else np.zeros_like(self.values)
        )
        days, flat = np.arange(len(self.values)), self.values - course
        filled = np.interp(days, days[~missing], flat[~missing]) + course
        return replace(self, values=np.where(missing, filled, self.values))

    def without_events(self) -> Training:
        """The same days as if no event had happened, and with no regressors."""
        if not self.events.shape[1]:
            return self
        return replace(self, values=self.values - self.events @ self.effects(), events=self.events[:, :0])

    def with_events(self, predict: Predict) -> Predict:
        """Puts back what `without_events` took out, on the days ahead."""
        if not self.events.shape[1]:
            return predict
        effects = self.effects()

        def shifted(horizon: int, future: Floats) -> Path:
            path = predict(horizon, future[:, :0])
            return replace(path, center=path.center + future @ effects)

        return shifted

    def effects(self) -> Floats:
        """How far each event moves a day, shape (columns,): least squares on the days without level and season.

        The level is the moving median of 15 days, so an event of a week or more is partly level. A ridge of one day's
        variance draws events seen once or twice towards 0.
        """
        rest, shown = detrended(self.values), self.events - np.median(self.events, axis=0)
        if self.season > 1:
            quiet = np.where(np.any(shown != 0, axis=1), np.nan, rest)
            rest = rest - pattern(quiet, self.season, len(rest))
        shown, rest = shown[~np.isnan(rest)], rest[~np.isnan(rest)]
        size = np.maximum(np.max(np.abs(shown), axis=0), 1e-12) ** 2
        return np.asarray(np.linalg.solve(shown.T @ shown + np.diag(size), shown.T @ rest))


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A series ready for models. `second`: a weaker cycle, taken out before any model, (length, course); or None.

    `seen`: which events happened at all in these days, shape (columns,); nothing can be learnt of the others.
    """

    training: Training
    scale: Scale
    second: tuple[int, Floats] | None
    seen: Bools

    def restored(self, path: Path) -> Path:
        """With the second cycle put back, and with its reach."""
        path = replace(path, reach=float(np.nanmax(self.training.values) - np.nanmin(self.training.values)))
        if self.second is None:
            return path
        length, course = self.second
        ahead = (len(self.training.values) + np.arange(len(path.center))) % length
        return replace(path, center=path.center + course[ahead])


def prepare(series: Series, events: Floats) -> Prepared:
    """The modelling scale and the seasons of a series; `events` of shape (days, columns).

    Raises UsageError (W601) for a series that is too short, has too many gaps or never changes.
    """
    _require_enough(series)
    scale = Scale.of(series)
    values = scale.forward(series.values)
    ordinary = np.all(events == np.median(events, axis=0), axis=1) if events.size else np.ones(len(values), dtype=bool)
    cycles = seasons(np.where(ordinary, values, np.nan)) if series.seasons is None else _given(series)
    second = None
    if len(cycles) > 1:
        course = pattern(detrended(values), cycles[1], cycles[1])
        values, second = values - np.resize(course, len(values)), (cycles[1], course)
    seen = np.ptp(events, axis=0) > 0 if events.size else np.zeros(events.shape[1], dtype=bool)
    return Prepared(Training(values, cycles[0] if cycles else 1, events[:, seen]), scale, second, seen)


def _given(series: Series) -> tuple[int, ...]:
    for each in series.seasons or ():
        if not 2 <= each <= len(series) // 2:
            raise misfit(
                f"A season of {each} days cannot be learnt from {len(series)} days.",
                "A cycle has at least 2 days, and has to be seen twice.", "Leave it out, or give a longer history.",
            )  # fmt: skip
    return series.seasons or ()


def _require_enough(series: Series) -> None:
    known = series.values[~np.isnan(series.values)]
    if len(known) < LEAST_DAYS:
        raise too_little(
            f"The series has {len(known)} known days; a forecast needs {LEAST_DAYS}.",
            "With less than two weeks, the weekday and the level cannot be told apart.",
            "Wait for more days, or forecast by hand.",
        )
    missing = 1 - len(known) / len(series)
    if missing > MOST_MISSING or np.isnan(series.values[-1]):
        raise too_little(
            f"{missing:.0%} of the days are missing{', the last one too' if np.isnan(series.values[-1]) else ''}.",
            f"A forecast starts right after the last day, and reads at most {MOST_MISSING:.0%} of gaps.",
            "Load the missing days, or cut the series where it is whole.",
        )
    if np.ptp(known) == 0:
        raise too_little(
            f"The series is {known[0]:g} on every day.",
            "Nothing in it says how far a day may differ, so every interval would be invented.",
            "Check the metric; a value that never moves needs no forecast.",
        )
