"""Cycles found in the data."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from assay.errors import UsageError
from assay.forecast import Series, fit, seasons
from benchmarks.forecast.worlds import WEEK, weekly

THREE = np.array([1.25, 1.0, 0.8])


def test_a_week_is_found() -> None:
    assert seasons(np.log(weekly(63))) == (7,)


def test_a_three_day_cycle_is_found() -> None:
    values = np.log(weekly(63) / np.resize(WEEK, 63) * np.resize(THREE, 63))
    assert seasons(values) == (3,)


def test_both_are_found_and_forecast() -> None:
    values = weekly(84, noise=0.02, step=0.005) * np.resize(THREE, 84)
    assert set(seasons(np.log(values))) == {3, 7}
    ahead = fit(Series(values[:77]), "ucm").forecast(7)
    np.testing.assert_allclose(ahead.mean, values[77:], rtol=0.1)


def test_noise_has_no_season() -> None:
    found = [seasons(default_rng(seed).normal(0, 1, 90)) for seed in range(200)]
    assert sum(each != () for each in found) <= 10


def test_a_random_walk_has_no_season() -> None:
    found = [seasons(np.cumsum(default_rng(seed).normal(0, 1, 90))) for seed in range(200)]
    assert sum(each != () for each in found) <= 10


def test_gaps_do_not_hide_a_week() -> None:
    values = np.log(weekly(63))
    values[::9] = np.nan
    assert seasons(values) == (7,)


def test_a_given_season_is_used_and_an_impossible_one_refused() -> None:
    values = weekly(70)
    assert np.ptp(np.log(fit(Series(values, seasons=()), "ucm").forecast(7).mean)) < 1e-9
    with pytest.raises(UsageError, match="season of 60 days"):
        fit(Series(values, seasons=(60,)), "ucm")
