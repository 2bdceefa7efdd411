"""The windows of a backtest: what was seen, and the days after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.forecast.refusals import misfit, too_little
from assay.forecast.training import LEAST_DAYS

Scheme = Literal["rolling", "expanding"]
LEAST_FOLDS = 2


@dataclass(frozen=True, slots=True)
class Fold:
    """Days `start` to `stop` were seen, those from `stop` to `end` are forecast."""

    start: int
    stop: int
    end: int


def folds(
    days: int, horizon: int, most: int, scheme: Scheme, step: int | None, min_train: int | None
) -> tuple[Fold, ...]:
    """The newest windows, oldest first, `step` days apart (the horizon by default, so that none overlap).

    Training is never shorter than `min_train` (by default four weeks, or twice the horizon), always as long under
    `rolling`, from the first day on under `expanding`: Tashman (2000), Int. J. Forecasting 16, 437-450.

    Raises UsageError: E601 for impossible numbers, W601 where there is no room for two windows.
    """
    least, apart = min_train or max(28, 2 * horizon), step or horizon
    if horizon < 1 or most < LEAST_FOLDS or apart < 1 or least < LEAST_DAYS or scheme not in ("rolling", "expanding"):
        raise misfit(
            "The windows of the backtest cannot be laid out.",
            f"A backtest has a horizon, at least {LEAST_FOLDS} windows, and {LEAST_DAYS} days of training.",
            "Correct the horizon, the folds, the step, min_train or the scheme (rolling or expanding).",
        )
    count = min(most, (days - horizon - least) // apart + 1)
    if count < LEAST_FOLDS:
        raise too_little(
            f"{days} days have no room for two windows of {horizon} days after {least} days of training.",
            "One window says nothing about the next one.",
            f"Wait for {least + horizon + apart} days, or shorten the horizon or min_train.",
        )
    stops = [days - horizon - apart * each for each in reversed(range(count))]
    length = stops[0]
    return tuple(Fold(stop - length if scheme == "rolling" else 0, stop, stop + horizon) for stop in stops)
