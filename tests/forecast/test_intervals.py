"""Calibrated intervals and peaks, against simulated worlds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from assay.errors import UsageError
from assay.forecast import Calibration, Series, fit, peak


def test_the_factor_is_the_conformal_quantile_by_hand() -> None:
    errors = np.array([[0.5, -1.0, 2.0], [3.0, -0.1, 0.2], [1.5, 0.7, -2.5]])
    assert Calibration(errors).factor(0.8, 2).tolist() == [2.5, 2.5]  # the 8th smallest of nine
    assert Calibration(errors).factor(0.95, 1).tolist() == [3.0]  # no more than the largest is known


def test_without_errors_it_is_the_normal_quantile() -> None:
    np.testing.assert_allclose(Calibration.none().factor(0.9, 3), 1.6448536, rtol=1e-6)


def test_with_many_folds_each_step_has_its_own() -> None:
    errors = default_rng(0).normal(0, [1.0, 3.0], (2000, 2))
    np.testing.assert_allclose(Calibration(errors).factor(0.9, 2), [1.645, 4.935], rtol=0.06)


def test_persistence_is_the_errors_autocorrelation() -> None:
    random, errors = default_rng(1), np.zeros((500, 7))
    errors[:, 0] = random.normal(size=500)
    for day in range(1, 7):
        errors[:, day] = 0.7 * errors[:, day - 1] + np.sqrt(1 - 0.49) * random.normal(size=500)
    assert Calibration(errors).persistence == pytest.approx(0.7, abs=0.05)
    assert Calibration.none().persistence == 0.5


def test_a_wider_level_is_wider(series: Series) -> None:
    fitted = fit(series, "ucm")
    narrow, wide = fitted.forecast(7, 0.5), fitted.forecast(7, 0.99)
    assert np.all(wide.high > narrow.high)
    with pytest.raises(UsageError, match="no coverage"):
        fitted.forecast(7, 1.0)


def test_no_interval_reaches_beyond_what_was_seen(series: Series) -> None:
    wild = Calibration(np.full((5, 7), 1e6))
    ahead = fit(series, "ucm").forecast(7, 0.9, wild)
    seen = series.values.max() / series.values.min()
    assert np.all(ahead.high / ahead.mean <= seen * (1 + 1e-9))


def test_the_peak_of_independent_days_is_the_product() -> None:
    values = np.exp(default_rng(2).normal(5, 0.1, 60))
    ahead = fit(Series(values, seasons=()), "mean").forecast(7, 0.9, Calibration(default_rng(3).normal(0, 1, (200, 7))))
    threshold = float(ahead.high[0])
    found = peak(ahead, threshold)
    assert found.probability == pytest.approx(1 - (1 - found.days[0]) ** 7, abs=0.03)
    assert found.days == pytest.approx(np.full(7, 0.05), abs=0.01)
    assert found.typical < found.high


def test_peaks_are_monotone_and_repeatable(series: Series) -> None:
    ahead = fit(series, "ucm").forecast(7)
    chances = [peak(ahead, each).probability for each in (0, 500, 1000, 1500, 1e9)]
    assert chances == sorted(chances, reverse=True)
    assert (chances[0], chances[-1]) == (1.0, 0.0)
    assert peak(ahead, 1200).probability == peak(ahead, 1200).probability
    with pytest.raises(UsageError, match="not a number"):
        peak(ahead, float("nan"))
