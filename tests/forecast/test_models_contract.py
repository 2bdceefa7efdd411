"""What every model promises."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest

from assay.errors import DefinitionsError, UsageError
from assay.forecast import Events, Forecast, Series, fit, get, names, parameters
from benchmarks.forecast.worlds import weekly

SLOW = {"ktr"}
NEEDS = {"orbit": "orbit", "statsforecast": "statsforecast"}


def _marked(name: str) -> object:
    extra = get(name).extra
    marks = [pytest.mark.orbit] if extra == "orbit" else []
    marks += [pytest.mark.slow] if name in SLOW or extra else []
    if extra and not find_spec(NEEDS[extra]):
        marks.append(pytest.mark.skip(reason=f"needs the extra {extra}"))
    return pytest.param(name, marks=marks)


MODELS = [_marked(name) for name in names()]


@cache
def ordinary(name: str) -> Forecast:
    """The week after ten ordinary ones, beside which the other cases are held."""
    return fit(Series(weekly(70)), name).forecast(7)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
class TestContract:
    def test_the_interval_holds_the_forecast(self, name: str) -> None:
        ahead = ordinary(name)
        assert ahead.mean.shape == ahead.low.shape == ahead.high.shape == (7,)
        assert np.all(ahead.low < ahead.mean)
        assert np.all(ahead.mean < ahead.high)

    def test_a_larger_unit_scales_the_forecast(self, name: str) -> None:
        large = fit(Series(1000 * weekly(70)), name).forecast(7)
        tolerance = 0.05 if get(name).extra == "orbit" else 1e-2  # Orbit's priors are not free of the unit
        np.testing.assert_allclose(large.mean, 1000 * ordinary(name).mean, rtol=tolerance)

    def test_it_is_near_the_next_week(self, name: str) -> None:
        values = weekly(77, noise=0.02, step=0.005)
        ahead = fit(Series(values[:70]), name).forecast(7)
        assert np.mean(np.abs(ahead.mean / values[70:] - 1)) < (0.1 if name not in ("naive", "drift", "mean") else 0.6)

    def test_the_same_data_have_the_same_forecast(self, name: str) -> None:
        again = fit(Series(weekly(70)), name).forecast(7)
        np.testing.assert_array_equal(again.mean, ordinary(name).mean)
        np.testing.assert_array_equal(again.high, ordinary(name).high)

    def test_gaps_are_no_zeros(self, name: str) -> None:
        values = weekly(70)
        values[[20, 33, 34, 50]] = np.nan
        ahead = fit(Series(values), name).forecast(7)
        assert np.all(np.isfinite(ahead.mean))
        np.testing.assert_allclose(ahead.mean, ordinary(name).mean, rtol=0.15)

    def test_zeros_stay_possible_and_nothing_gets_below(self, name: str) -> None:
        values = np.round(weekly(70, level=3.0, noise=0.5))
        values[60:63] = 0
        ahead = fit(Series(values), name).forecast(14)
        assert np.all(ahead.low >= 0)

    def test_a_gauge_may_be_negative(self, name: str) -> None:
        values = weekly(70) - 1000
        ahead = fit(Series(values, gauge=True), name).forecast(7)
        assert np.all(np.isfinite(ahead.low))

    @pytest.mark.parametrize("days", [slice(40, 47), slice(50, None)], ids=["an outlier week", "a level break"])
    def test_what_was_not_foreseen_widens_the_interval(self, name: str, days: slice) -> None:
        values = weekly(70)
        values[days] *= 3
        calm, rough = (np.log(each.high / each.low) for each in (ordinary(name), fit(Series(values), name).forecast(7)))
        assert np.mean(rough) > 1.2 * np.mean(calm)

    @pytest.mark.parametrize(
        ("values", "why"),
        [
            (np.full(60, 7.0), "7 on every day"),
            (np.zeros(60), "0 on every day"),
            (weekly(10), "10 known days"),
            (np.where(np.arange(70) % 2, np.nan, weekly(70)), "missing"),
            (np.append(weekly(69), np.nan), "the last one too"),
            (np.full(60, np.nan), "0 known days"),
        ],
    )
    def test_what_holds_no_answer_is_refused(self, name: str, values: np.ndarray, why: str) -> None:
        with pytest.raises(UsageError, match=why) as told:
            fit(Series(values), name)
        assert told.value.diagnostics[0].code == "W601"

    def test_a_horizon_past_half_of_the_history_is_refused(self, name: str) -> None:
        with pytest.raises(UsageError, match="does not fit a history of 70"):
            fit(Series(weekly(70)), name).forecast(36)

    def test_an_event_known_ahead_moves_its_days(self, name: str) -> None:
        flags = np.zeros((77, 1))
        flags[[8, 23, 33, 46, 58, 73]] = 1
        values = weekly(70, noise=0.02, step=0.005) * np.where(flags[:70, 0] == 1, 1.5, 1.0)
        fitted = fit(Series(values), name, Events(flags, ("sale",), (True,)))
        none = Events(np.vstack([flags[:70], np.zeros((7, 1))]), ("sale",), (True,))
        ratio = fitted.forecast(7).mean / replace(fitted, events=none).forecast(7).mean
        assert 1.15 < ratio[3] < 1.7
        np.testing.assert_allclose(np.delete(ratio, 3), 1.0, atol=0.02)


@pytest.mark.parametrize("name", names())
def test_every_parameter_has_a_default(name: str) -> None:
    assert all(each.default is not each.type for each in parameters(name).values())


def test_an_unknown_model_is_met_with_a_suggestion() -> None:
    with pytest.raises(DefinitionsError, match="Did you mean 'naive'"):
        fit(Series(weekly(70)), "naiv")


def test_an_unknown_parameter_is_met_with_a_suggestion() -> None:
    with pytest.raises(DefinitionsError, match="Did you mean 'trend'"):
        fit(Series(weekly(70)), "ucm", trent="linear")


def test_a_value_that_a_model_cannot_use_says_so() -> None:
    with pytest.raises(UsageError, match="trend is none or linear"):
        fit(Series(weekly(70)), "ucm", trend="cubic")


def test_negative_counts_are_refused() -> None:
    with pytest.raises(UsageError, match="gauge=True"):
        Series(weekly(70) - 1000)


@pytest.mark.parametrize("values", [np.ones((3, 20)), np.array([1.0, np.inf])])
def test_other_shapes_are_refused(values: np.ndarray) -> None:
    with pytest.raises(UsageError, match="one row of finite numbers"):
        Series(values)
