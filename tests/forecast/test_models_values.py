"""Forecasts against textbook formulas worked by hand or by numpy."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from assay.forecast import Series, fit
from assay.forecast.smoothing import smoothing_spread
from benchmarks.forecast.worlds import weekly

Z = NormalDist().inv_cdf(0.95)


def _line(name: str) -> tuple[np.ndarray, object]:
    values = np.array([3.0, 5, 4, 6, 8, 7, 9, 12, 10, 11, 14, 13, 15, 16])
    return values, fit(Series(values, gauge=True, seasons=()), name).forecast(3)


def test_naive() -> None:
    values, ahead = _line("naive")
    np.testing.assert_allclose(ahead.mean, 16)
    error = np.sqrt(np.mean(np.diff(values) ** 2))
    np.testing.assert_allclose(ahead.high - ahead.mean, Z * error * np.sqrt([1, 2, 3]))


def test_drift() -> None:
    values, ahead = _line("drift")
    np.testing.assert_allclose(ahead.mean, [17, 18, 19])  # (16 - 3) / 13 a day
    error = np.std(np.diff(values), ddof=1)
    np.testing.assert_allclose(ahead.high - ahead.mean, Z * error * np.sqrt([1 * 14 / 13, 2 * 15 / 13, 3 * 16 / 13]))


def test_mean() -> None:
    values, ahead = _line("mean")
    np.testing.assert_allclose(ahead.mean, values.mean())


def test_seasonal_naive_repeats_the_week_also_without_a_season() -> None:
    values, ahead = _line("seasonal_naive")
    np.testing.assert_allclose(ahead.mean, values[7:10])


def test_the_ensemble_is_the_geometric_mean() -> None:
    series = Series(weekly(70))
    both = [fit(series, name).forecast(7).mean for name in ("ucm", "seasonal_naive")]
    ahead = fit(series, "ensemble", members=("ucm", "seasonal_naive")).forecast(7)
    np.testing.assert_allclose(ahead.mean, np.sqrt(both[0] * both[1]))


def test_ets_and_ucm_are_close_to_statsmodels_own_local_level() -> None:
    values = np.log(weekly(70, noise=0.1, step=0.05))
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    reference = UnobservedComponents(values, "local level", seasonal=7, stochastic_seasonal=False).fit(disp=False)
    ahead = fit(Series(np.exp(values), seasons=(7,)), "ucm").forecast(7)
    np.testing.assert_allclose(np.log(ahead.mean), reference.forecast(7), atol=2e-3)


@pytest.mark.parametrize(("level", "trend", "damping"), [(0.3, 0.0, 1.0), (0.5, 0.1, 1.0), (0.4, 0.2, 0.8)])
def test_the_spread_of_smoothing_is_that_of_simulated_paths(level: float, trend: float, damping: float) -> None:
    random, paths, horizon = np.random.default_rng(1), 40_000, 6
    errors = random.normal(0, 2.0, (paths, horizon))
    now, slope, ahead = np.zeros(paths), np.zeros(paths), []
    for step in range(horizon):
        expected = now + damping * slope
        ahead.append(expected + errors[:, step])
        now, slope = expected + level * errors[:, step], damping * slope + trend * errors[:, step]
    np.testing.assert_allclose(smoothing_spread(2.0, horizon, level, trend, damping), np.std(ahead, axis=1), rtol=0.02)


def test_nothing_is_drawn_from_the_global_generator(series: Series) -> None:
    np.random.seed(3)
    before = np.random.random()
    np.random.seed(3)
    fit(series, "ets").forecast(7)
    assert np.random.random() == before
