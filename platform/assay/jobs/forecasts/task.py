"""One metric of a forecast, ready for models: its days, its calendar and its candidates."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from assay import forecast
from assay.config.definitions import Definition
from assay.config.forecast import ForecastSpec
from assay.errors import UsageError
from assay.forecast import Backtest, Candidate, Series
from assay.forecast.selection import BASELINES
from assay.jobs.context import Context
from assay.jobs.forecasts import daily
from assay.jobs.forecasts.daily import Daily
from assay.jobs.forecasts.regressors import Calendar, calendar

_DAY = timedelta(days=1)
_FEW = 60  # fits, below which a second process costs more than it saves


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """`days`: the history, which ends the day before the first day to forecast."""

    definition: Definition[ForecastSpec]
    days: Daily
    calendar: Calendar

    @property
    def spec(self) -> ForecastSpec:
        return self.definition.spec

    @property
    def horizon(self) -> int:
        return self.spec.horizon // _DAY

    @property
    def series(self) -> Series:
        return Series(self.days.values, self.spec.gauge, self.spec.seasons)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Those of the definition, or the default ones; a naive model is always among them, to be beaten."""
        chosen = tuple(Candidate(each.type, _plain(each.parameters), each.label or "") for each in self.spec.models)
        chosen = chosen or forecast.default_candidates()
        if any(each.model in BASELINES for each in chosen):
            return chosen
        return (Candidate("seasonal_naive"), *chosen)

    def backtest(self, progress: Callable[[int, int], None] | None = None) -> Backtest:
        """Raises as `assay.forecast.backtest`."""
        test, candidates = self.spec.backtest, self.candidates
        return forecast.backtest(
            self.series, candidates, self.horizon, test.windows, test.scheme,
            step=_days(test.step), min_train=_days(test.min_train), level=self.spec.level,
            events=self.calendar.events, workers=_workers(candidates, test.windows), progress=progress,
        )  # fmt: skip


def task(context: Context, name: str, metric_name: str, until: date | None = None) -> Task:
    """A metric of a forecast as it stood on the morning of `until`, or after its last stored day.

    Raises UsageError E201 for unknown names, W601 where there is too little history, WarehouseError E511 for holes.
    """
    definition, metric = context.catalog.forecast(name), context.catalog.metric(metric_name)
    first, stored = daily.stored(context, metric)
    end = daily.known_before(context, metric, until) if until else min(stored, context.today)
    if end > stored:
        raise _too_early(f"The last value of '{metric.name}' is of {stored - _DAY}, not of {end - _DAY}.")
    start = max(first, end - definition.spec.history) if definition.spec.history else first
    if end <= start:
        raise _too_early(f"'{metric.name}' has no value before {end}.")
    days = daily.trimmed(daily.read(context, metric, start, end))
    if until is not None and days.end < end:
        raise _too_early(f"The last value of '{metric.name}' is of {days.end - _DAY}, not of {end - _DAY}.")
    asked = Task(definition, days, Calendar(None, ()))
    if not definition.spec.events:
        return asked
    return replace(asked, calendar=calendar(context, metric, days.first, len(days.values), asked.horizon))


def _too_early(message: str) -> UsageError:
    return UsageError.of(
        "W601",
        message,
        why="A forecast begins right after the last day that it knows.",
        fix="Build the days before it with 'platform run', or leave --until out.",
    )


def _days(length: timedelta | None) -> int | None:
    return None if length is None else length // _DAY


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in parameters.items()}


def _workers(candidates: tuple[Candidate, ...], windows: int) -> int:
    slow = any(forecast.get(each.model).extra for each in candidates)
    return os.cpu_count() or 1 if slow or len(candidates) * windows > _FEW else 1
