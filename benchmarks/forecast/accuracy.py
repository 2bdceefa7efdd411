"""Errors on days that nobody has seen, over the panel: MASE, rank, coverage and width of 90 % intervals."""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from assay.forecast import Series, backtest, default_candidates, fit, select
from assay.forecast.metrics import mase
from assay.forecast.series import Floats
from benchmarks.forecast.panel import panel
from benchmarks.forecast.rivals import LEVEL, Said, sides, told

OURS = "assay (default selection)"


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is seen, how far it is forecast, and from how many days of each series."""

    history: int
    horizon: int
    origins: int
    windows: int


SETTINGS = {
    "two months, 7 days ahead": Setting(63, 7, 8, 5),
    "a year, 28 days ahead": Setting(365, 28, 4, 7),
}


def measured(setting: Setting) -> dict[str, Any]:
    """By side: mean MASE over series, mean rank, coverage and seconds."""
    found: dict[str, list[list[tuple[float, float, float, float]]]] = {}
    for values in panel().values():
        for name, rows in _series(values, setting).items():
            found.setdefault(name, []).append(rows)
    table = {name: np.array([np.mean(rows, axis=0) for rows in series]) for name, series in found.items()}
    ranks = np.argsort(np.argsort(np.array([each[:, 0] for each in table.values()]), axis=0), axis=0).mean(axis=1) + 1
    columns = ("mase", "coverage", "width", "seconds")
    return {
        name: {
            **dict(zip(columns, np.mean(rows, axis=0).round(4).tolist(), strict=True)),
            "rank": round(float(rank), 2),
        }
        for (name, rows), rank in zip(table.items(), ranks, strict=True)
    }


def _series(values: Floats, setting: Setting) -> dict[str, list[tuple[float, float, float, float]]]:
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    step = max((len(values) - setting.history - setting.horizon) // setting.origins, 1)
    stops = range(setting.history, len(values) - setting.horizon + 1, step)[: setting.origins]
    for stop in stops:
        seen, actual = values[stop - setting.history : stop], values[stop : stop + setting.horizon]
        for name, side in {**sides(), OURS: lambda seen, horizon: _selected(seen, horizon, setting.windows)}.items():
            started = process_time()
            said = side(seen, setting.horizon)
            found.setdefault(name, []).append((*_scored(said, actual, seen), process_time() - started))
    return found


def _selected(seen: Floats, horizon: int, windows: int) -> Said:
    series = Series.of(seen)
    tested = backtest(series, default_candidates(), horizon, windows, "expanding")
    chosen = select(tested).chosen
    return told(fit(series, chosen).forecast(horizon, LEVEL, tested.of(chosen.name).calibration()))


def _scored(said: Said, actual: Floats, seen: Floats) -> tuple[float, float, float]:
    mean, low, high = said
    inside = float(np.mean((actual >= low) & (actual <= high)))
    return mase(actual, mean, seen), inside, float(np.mean(high - low) / np.mean(seen))
