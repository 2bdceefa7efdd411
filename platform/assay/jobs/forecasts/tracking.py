"""`forecast track`: what came of forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from assay.compiler import zone
from assay.forecast.metrics import smape
from assay.jobs.context import Context
from assay.jobs.forecasts import daily, store
from assay.jobs.forecasts.store import Point, Run

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run and the days of it that have come: (point, value). Errors as fractions, None before any day has come.

    `bias`: mean of (forecast - value) over the mean value. `inside`: how many days lie in their interval.
    """

    run: Run
    came: tuple[tuple[Point, float], ...]
    smape: float | None
    bias: float | None

    @property
    def inside(self) -> int:
        return sum(point.low <= value <= point.high for point, value in self.came)

    def as_dict(self) -> dict[str, Any]:
        """The contract of `forecast track`."""
        days = [
            {"day": str(point.day), "mean": point.mean, "low": point.low, "high": point.high, "value": value}
            for point, value in self.came
        ]
        told: dict[str, Any] = {"forecast": self.run.forecast, "metric": self.run.metric, "made": str(self.run.made)}
        told |= {"model": self.run.model, "published": self.run.published, "level": self.run.level}
        return told | {"smape": self.smape, "bias": self.bias, "inside": self.inside, "days": days}


def track(context: Context, name: str) -> list[Tracked]:
    """Every stored run of a forecast beside the values of its days that are over, by metric, oldest first.

    Raises UsageError E201 for an unknown name.
    """
    context.catalog.forecast(name)
    found = store.runs(context, name)
    values = {metric: _values(context, metric, found) for metric in dict.fromkeys(run.metric for run in found)}
    return [_tracked(run, values[run.metric]) for run in found]


def covered(tracked: Sequence[Tracked]) -> tuple[int, int]:
    """Days inside their interval, and days that have come, of all runs."""
    return sum(each.inside for each in tracked), sum(len(each.came) for each in tracked)


def _values(context: Context, metric: str, runs: Sequence[Run]) -> dict[date, float]:
    """The values of the days that were forecast, as far as they are stored and over."""
    if metric not in context.catalog.metrics:  # it was renamed or deleted since
        return {}
    known = context.catalog.metric(metric)
    days = [point.day for run in runs if run.metric == metric for point in run.points]
    first, end = daily.stored(context, known)
    start, end = max(min(days), first), min(max(days) + _DAY, end, context.today)
    if end <= start:
        return {}
    found = daily.read(context, known, start, end)
    pairs = zip(zone.days(start, end), found.values, strict=True)
    return {day: float(value) for day, value in pairs if not np.isnan(value)}


def _tracked(run: Run, values: dict[date, float]) -> Tracked:
    came = tuple((point, values[point.day]) for point in run.points if point.day in values)
    if not came:
        return Tracked(run, (), None, None)
    actual = np.array([value for _, value in came])
    told = np.array([point.mean for point, _ in came])
    mean = float(np.mean(np.abs(actual)))
    return Tracked(run, came, smape(actual, told), float(np.mean(told - actual)) / mean if mean else None)
