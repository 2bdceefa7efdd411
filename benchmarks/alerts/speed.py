"""CPU seconds of a tick and of a backtest."""

from __future__ import annotations

import numpy as np

from assay.detect import History, Policy, backtest, prepare, score, tick, warm_up_days
from benchmarks.alerts import rivals
from benchmarks.alerts.generator import DAYS, PER_DAY, Floats
from benchmarks.measure import Row, Timing, call, repeat

TICK, MANY, RUNS = 10_000, 1_000, 3
_FEW = 50


def measured() -> tuple[list[Row], dict[str, str]]:
    """Rows of the table, and a note about what a day's first tick prepares."""
    rng = np.random.default_rng(16)
    values = rng.poisson(300.0, (TICK, DAYS * PER_DAY)).astype(np.float64)
    rows = [_tick(values), _slot_mad(values)]
    preparing = call(lambda: prepare(History.counts(values[:, : (DAYS - 1) * PER_DAY])))
    many = values[:MANY]
    rows += [
        _backtest(many, 60.0, f"backtest, {MANY:,} series × {DAYS} days"),
        _backtest(many[:1], 0.2, "backtest, one series"),
    ]
    return rows, {
        "preparing": f"Once a day, the season of {TICK:,} series is prepared from {DAYS - 1} days: {preparing:.1f} s.",
        "peers": f"The peers judge {_FEW} series, or 4 by Holt-Winters, and are scaled to all.",
    }


def _row(name: str, peer: str, ours: Timing, theirs: Timing, limit: float) -> Row:
    ratio = round(theirs.median / ours.median, 1)
    return Row(name, peer, ours, theirs, ratio, f"≤ {limit:g} s", ours.median <= limit)


def _tick(values: Floats) -> Row:
    """The last slot of a day, with the season of that day prepared."""
    start = (DAYS - 1) * PER_DAY
    prepared = prepare(History.counts(values[:, :start]))
    before = warm_up_days(PER_DAY) * PER_DAY
    recent = History.counts(values[:, start - before :].copy(), weekday=(start - before) // PER_DAY % 7)
    ours, theirs = repeat(RUNS, lambda: call(lambda: tick(prepared, recent)), lambda: _loop(values) * TICK / _FEW)
    return _row(f"tick, {TICK:,} series, season × level", "the case study's rule by pandas", ours, theirs, 0.5)


def _slot_mad(values: Floats) -> Row:
    data = History.counts(values)
    ours, theirs = repeat(RUNS, lambda: call(lambda: score("mad", data, 1)), lambda: _loop(values) * TICK / _FEW)
    return _row(f"tick, {TICK:,} series, mad", "the case study's rule by pandas", ours, theirs, 0.5)


def _loop(values: Floats) -> float:
    """CPU seconds of the case study's code for one tick: a table per series, rolling medians by pandas."""
    import pandas as pd

    def judge(row: Floats) -> bool:
        series = pd.Series(row[PER_DAY - 1 :: PER_DAY])
        past = series.shift(1).rolling(30)
        centre = past.median()
        scale = 1.4826 * past.apply(lambda window: np.median(np.abs(window - np.median(window))), raw=True)
        low, high = (each.rolling(3, min_periods=1).mean() for each in (centre - 4 * scale, centre + 4 * scale))
        return bool(series.iloc[-1] < low.iloc[-1] or series.iloc[-1] > high.iloc[-1])

    return call(lambda: [judge(row) for row in values[:_FEW]])


def _backtest(values: Floats, limit: float, name: str) -> Row:
    data, few = History.counts(values), min(4, len(values))

    def ours() -> None:
        backtest(score("seasonal_level", data), Policy(), PER_DAY)

    def theirs() -> float:
        return call(lambda: rivals.holt_winters(values[:few], 28 * PER_DAY)) * len(values) / few

    own, other = repeat(RUNS if len(values) == 1 else 1, lambda: call(ours), theirs)
    return _row(name, "Holt-Winters, scores only", own, other, limit)
