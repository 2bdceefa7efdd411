"""`forecast run`: choose a model by backtest, fit it to every day, publish what it says of the next ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from assay import forecast
from assay.catalog.meaning import meaning
from assay.errors import AssayError
from assay.forecast import Backtest, Choice, Forecast, Peak
from assay.jobs.context import Context
from assay.jobs.forecasts import store
from assay.jobs.forecasts.store import Point, Run
from assay.jobs.forecasts.task import Task, task
from assay.jobs.storage import pauses
from assay.report.format import show

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Refused:
    """A metric without a forecast, and why."""

    forecast: str
    metric: str
    error: AssayError

    def as_dict(self) -> dict[str, Any]:
        first = self.error.diagnostics[0]
        told = {"code": first.code, "message": first.message, "why": first.why, "fix": first.fix}
        return {"forecast": self.forecast, "metric": self.metric, "error": told}


def run(context: Context, names: Sequence[str] = (), until: date | None = None) -> list[Run | Refused]:
    """Forecast every metric of some forecasts, all without names, and store what is published and what is withheld.

    As it stood on the morning of `until`; after the last stored day without it. Raises UsageError E201 for an unknown
    name and E516 while the project is paused; what the data refuse is told per metric, and the others go on.
    """
    pauses.refuse(context)
    wanted = list(_asked(context, names))
    found = list[Run | Refused]()
    for at, (name, metric) in enumerate(wanted):
        step = _Progress(context, at, len(wanted), metric)
        try:
            made = make(context, task(context, name, metric, until), step)
        except AssayError as error:
            found.append(Refused(name, metric, error))
        else:
            store.keep(context, made)
            found.append(made)
    context.progress(len(wanted), len(wanted), "forecasts are made")
    return found


def backtests(
    context: Context, names: Sequence[str] = (), until: date | None = None
) -> list[tuple[Task, Backtest] | Refused]:
    """The table of candidates for every metric of some forecasts. Raises like `run`."""
    wanted = list(_asked(context, names))
    found = list[tuple[Task, Backtest] | Refused]()
    for at, (name, metric) in enumerate(wanted):
        try:
            asked = task(context, name, metric, until)
            found.append((asked, asked.backtest(_Progress(context, at, len(wanted), metric))))
        except AssayError as error:
            found.append(Refused(name, metric, error))
    context.progress(len(wanted), len(wanted), "models are compared")
    return found


def _asked(context: Context, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names or context.catalog.definitions.forecasts:
        for metric in context.catalog.forecast(name).spec.metrics:
            yield name, metric


class _Progress:
    """Windows of one metric as a part of the whole."""

    def __init__(self, context: Context, at: int, of: int, metric: str) -> None:
        self._context, self._at, self._of, self._metric = context, at, of, metric

    def __call__(self, done: int, windows: int) -> None:
        self._context.progress(self._at * windows + done, self._of * windows, f"windows of {self._metric}")


def make(context: Context, asked: Task, progress: Any = None) -> Run:
    """One forecast, unstored. Raises UsageError W601 or E601 where the series allows none."""
    spec, tested = asked.spec, asked.backtest(progress)
    choice = forecast.select(tested, spec.backtest.metric)
    fitted = forecast.fit(asked.series, choice.chosen, asked.calendar.events)
    ahead = fitted.forecast(asked.horizon, spec.level, tested.of(choice.chosen.name).calibration())
    over = forecast.peak(ahead, spec.above, seed=context.seed) if spec.above is not None else None
    metric = context.catalog.metric(asked.days.metric)
    return Run(
        forecast=asked.definition.name,
        metric=metric.name,
        made=asked.days.end,
        model=choice.chosen.name,
        published=choice.beaten or spec.publish == "always",
        why=_why(choice),
        error=choice.metric,
        score=choice.score,
        unseen=choice.unseen,
        baseline=choice.baseline,
        baseline_score=choice.baseline_score,
        coverage=tested.of(choice.chosen.name).coverage,
        level=spec.level,
        history=asked.days.first,
        meaning=meaning([metric]),
        points=tuple(_points(asked.days.end, ahead)),
        body=_body(asked, tested, over),
    )


def told(error: str, value: float) -> str:
    """A score as people read it: percentages of those that are."""
    return f"{value:.2%}" if error in ("smape", "mape", "wmape") and np.isfinite(value) else show(value)


def _why(choice: Choice) -> str:
    """Empty for a model that beats the naive ones."""
    if choice.beaten:
        return ""
    return (
        f"{choice.chosen.name} does not beat {choice.baseline}: {choice.metric.upper()} "
        f"{told(choice.metric, choice.score)} against {told(choice.metric, choice.baseline_score)}"
    )


def _points(made: date, ahead: Forecast) -> Iterator[Point]:
    for at, (mean, low, high) in enumerate(zip(ahead.mean, ahead.low, ahead.high, strict=True)):
        yield Point(made + at * _DAY, float(mean), float(low), float(high))


def _body(asked: Task, tested: Backtest, over: Peak | None) -> dict[str, Any]:
    peak = over and {
        "above": asked.spec.above,
        "probability": over.probability,
        "typical": over.typical,
        "high": over.high,
    }
    return {
        "candidates": candidates(tested),
        "windows": len(tested.folds),
        "seasons": list(forecast.seasons(asked.days.values) if asked.spec.seasons is None else asked.spec.seasons),
        "events": list(asked.calendar.names),
        "unlearnt": list(asked.calendar.unlearnt),
        "peak": peak,
    }  # fmt: skip


def candidates(tested: Backtest) -> list[dict[str, Any]]:
    """The table of a backtest as plain data; None for what a failed candidate lacks, and for errors without end."""
    return [
        {
            "model": each.candidate.name,
            "scores": None if each.failed else {name: _finite(value) for name, value in each.scores.items()},
            "coverage": None if each.failed else round(each.coverage, 4),
            "width": None if each.failed else round(each.width, 6),
            "seconds": round(each.seconds, 3),
            "failed": each.failed,
        }
        for each in tested.tested
    ]


def _finite(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None
