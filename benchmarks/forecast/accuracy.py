"""Errors on days that nobody has seen, over the panel: MASE, rank, coverage and width of 90 % intervals."""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time

import numpy as np

from assay.forecast import Series, backtest, default_candidates, fit, select
from assay.forecast.metrics import mase
from assay.forecast.series import Floats
from benchmarks.forecast.panel import panel
from benchmarks.forecast.rivals import LEVEL, Said, sides, told
from benchmarks.measure import Row, Timing

OURS = "assay (default selection)"
MASE, COVERAGE, WIDTH, SECONDS = range(4)
Table = dict[str, Floats]
"""By side: shape (series, 4), means over the origins"""


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is seen, how far it is forecast, and from how many days of each series."""

    name: str
    history: int
    horizon: int
    origins: int
    windows: int


SETTINGS = (
    Setting("two months of history, 7 days ahead", 63, 7, 8, 5),
    Setting("a year of history, 28 days ahead", 365, 28, 4, 7),
)


def measured(setting: Setting) -> Table:
    """Every side on every series that is long enough."""
    long_enough = [each for each in panel().values() if len(each) >= setting.history + setting.horizon]
    found: dict[str, list[Floats]] = {}
    for values in long_enough:
        for name, rows in _series(values, setting).items():
            found.setdefault(name, []).append(np.mean(rows, axis=0))
    return {name: np.array(rows) for name, rows in found.items()}


def row(setting: Setting, table: Table) -> Row:
    """How long it takes to choose, calibrate and forecast, beside one fit of Prophet (of the ensemble without it)."""
    peer = "prophet" if "prophet" in table else "ensemble"
    ours, theirs = (Timing.of(table[name][:, SECONDS].tolist()) for name in (OURS, peer))
    name = f"chosen by backtest among {len(default_candidates())}, {setting.name}"
    return Row(name, f"{peer}, one fit", ours, theirs, round(ours.median / theirs.median, 2), "–", None)


def sentences(setting: Setting, table: Table) -> dict[str, str]:
    """What the page says: all series, and those on which the margins of the selection were not set."""
    best = min(np.mean(rows[:, MASE]) for name, rows in table.items() if name != OURS)
    ours = float(np.mean(table[OURS][:, MASE]))
    met = "yes" if ours <= 1.02 * best else "no"
    return {
        setting.name: f"MASE (mean rank; coverage of 90 % intervals), {setting.name}, {len(table[OURS])} public daily "
        f"series × {setting.origins} origins: {_list(table)} (target: ours at most 2 % above the best: {met}).",
        f"{setting.name}, held out": "The same on every second series; the selection's margin was set on the others, "
        f"the ensemble's members on all: {_list({name: rows[1::2] for name, rows in table.items()})}.",
    }


def _list(table: Table) -> str:
    errors = np.array([rows[:, MASE] for rows in table.values()])
    ranks = dict(zip(table, np.argsort(np.argsort(errors, axis=0), axis=0).mean(axis=1) + 1, strict=True))
    ordered = sorted(table, key=lambda name: float(np.mean(table[name][:, MASE])))
    return ", ".join(
        f"{name} {np.mean(table[name][:, MASE]):.3f} ({ranks[name]:.1f}; {np.mean(table[name][:, COVERAGE]):.0%})"
        for name in ordered
    )


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
