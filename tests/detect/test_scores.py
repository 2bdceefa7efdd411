"""The engine: one function for live, backtest and notebook, causal, and with a stated answer to bad input."""

from __future__ import annotations

from importlib.util import find_spec
from time import process_time

import numpy as np
import pytest

from assay.detect import (
    LEARNING,
    NO_DATA,
    OK,
    Band,
    History,
    agree,
    expecting,
    left_out,
    names,
    prepare,
    score,
    tick,
    warm_up_days,
)  # fmt: skip
from assay.detect.noise import anscombe, anscombe_bounds
from assay.errors import DefinitionsError, UsageError

PER_DAY = 12
ALONE = sorted(set(names()) - {"forecast", "pyod"})
SEASONAL = ["seasonal_level", "ratio"]


def counts(series: int = 3, days: int = 35, mean: float = 200.0, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    day = 1 + 0.5 * np.sin(np.arange(PER_DAY) / PER_DAY * 2 * np.pi)
    return rng.poisson(mean * np.tile(day, days), (series, days * PER_DAY)).astype(float)


def history(values: np.ndarray, **others: object) -> History:
    return History.counts(values, per_day=PER_DAY, **others)


def gappy() -> np.ndarray:
    values = counts(days=32)
    values[0, 300:310] = np.nan
    values[1, 350] = 0
    values[2, :60] = 0
    return values


@pytest.mark.parametrize("name", ALONE)
def test_live_and_backtest_are_the_same_numbers(name: str) -> None:
    data = history(gappy())
    whole = score(name, data)
    for newest in (1, 5, PER_DAY + 3):
        live = score(name, data, newest)
        for field in ("value", "expected", "sigma", "score", "low", "high", "state"):
            np.testing.assert_array_equal(getattr(live, field), getattr(whole, field)[:, -newest:])


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("cut", [1, PER_DAY, 2 * PER_DAY + 5])
def test_nothing_later_changes_what_is_said_of_a_slot(name: str, cut: int) -> None:
    values = gappy()
    spoiled = values.copy()
    spoiled[:, -cut:] = 7.0
    before = slice(None, values.shape[1] - cut)
    whole, changed, short = (score(name, history(each)) for each in (values, spoiled, values[:, before]))
    for other in (changed, short):
        np.testing.assert_allclose(whole.score[:, before], other.score[:, before], rtol=1e-9, equal_nan=True)
        np.testing.assert_array_equal(whole.state[:, before], other.state[:, before])


@pytest.mark.parametrize("name", sorted(set(ALONE) - {"static", "freshness"}))
def test_the_three_states_are_told_apart_and_numbers_are_hidden_in_two(name: str) -> None:
    found = score(name, history(gappy()))
    assert set(np.unique(found.state)) <= {OK, LEARNING, NO_DATA}
    assert (found.state[:, 0] == LEARNING).all()
    assert (found.state[0, 300:310] == NO_DATA).all()
    assert (found.state[:, -1] == OK).all()
    for field in ("expected", "sigma", "score", "low", "high"):
        np.testing.assert_array_equal(np.isnan(getattr(found, field)), found.state != OK)
    assert not found.flagged[found.state != OK].any()


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("shape", [(0, 40 * PER_DAY), (3, 0), (0, 0)])
def test_no_series_and_no_slots(name: str, shape: tuple[int, int]) -> None:
    found = score(name, history(np.zeros(shape)))
    assert found.shape == shape


@pytest.mark.parametrize("name", ALONE)
def test_a_history_of_gaps_only(name: str) -> None:
    found = score(name, history(np.full((2, 20 * PER_DAY), np.nan)), newest=2)
    assert not found.flagged.any()


@pytest.mark.parametrize("name", ["mad", "seasonal_level", "shewhart", "tukey", "stl"])
def test_an_outage_and_a_surge_are_found(name: str) -> None:
    values = counts(series=2)
    values[0, -1], values[1, -1] = 0, 800
    assert score(name, history(values), newest=1).flagged.all()


@pytest.mark.parametrize("name", ALONE)
def test_a_young_slice_learns_and_never_fires(name: str) -> None:
    if name in ("static", "ewma", "moving_average", "mad", "tukey", "freshness"):
        return  # they need slots, not days of a living series; the lifecycle's volume guards them
    values = counts(series=1)
    values[:, : -5 * PER_DAY] = np.nan
    assert not score(name, history(values), newest=5 * PER_DAY).flagged.any()


def test_zeros_before_the_first_event_are_no_history() -> None:
    values = counts(series=1)
    values[:, : -6 * PER_DAY] = 0
    assert (score("seasonal_level", history(values), newest=6 * PER_DAY).state == LEARNING).all()


@pytest.mark.parametrize("wrong", [np.full((1, 3), -1.0), np.full((1, 3), np.inf), np.ones(3)])
def test_what_is_no_count_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="values"):
        History.counts(wrong)


def test_other_histories_without_sense_are_refused() -> None:
    for others in ({"per_day": 0}, {"weekday": 7}, {"weights": np.ones((1, 2))}):
        with pytest.raises(ValueError):  # noqa: PT011 (three different sentences)
            History.counts(np.ones((1, 3)), **others)
    with pytest.raises(ValueError, match="newest"):
        score("mad", History.counts(np.ones((1, 3))), newest=4)


@pytest.mark.parametrize("name", sorted(set(ALONE) - {"static"}))
def test_impossible_parameters_are_refused(name: str) -> None:
    with pytest.raises(DefinitionsError, match="E104"):
        score(name, history(counts()), threshold=-1.0)


def test_bounds_written_down() -> None:
    found = score("static", History.gauges([[-3.0, 0.0, 5.0, 6.0, np.nan]], per_day=1), low=-2.0, high=5.0)
    assert found.flagged.tolist() == [[True, False, False, True, False]]
    assert found.state.tolist() == [[OK, OK, OK, OK, NO_DATA]]
    assert found.judgements(3)[0].expected == 5.0
    open_below = score("static", History.gauges([[-3.0]], per_day=1), high=5.0).judgements()[0]
    assert (open_below.status, open_below.low, open_below.high) == ("ok", None, 5.0)


def test_the_band_of_a_forecast() -> None:
    value = np.array([[100.0, 100.0, 100.0]])
    band = Band(np.array([[100.0, 200.0, np.nan]]), np.array([[80.0, 180.0, 1.0]]), np.array([[140.0, 240.0, 1.0]]))
    found = score("forecast", History.gauges(value, per_day=1, band=band))
    assert found.score[0, 0] == 0
    assert found.score[0, 1] == pytest.approx(-100 / (20 / 1.6448536))
    assert found.state.tolist() == [[OK, OK, LEARNING]]
    with pytest.raises(ValueError, match="band"):
        score("forecast", History.gauges(value))


def test_pyod_is_an_extra() -> None:
    if find_spec("pyod"):
        values = counts(series=1)
        values[0, -1] = 0
        assert score("pyod", history(values), newest=1).flagged.all()
        return
    with pytest.raises(UsageError, match="pip install"):
        score("pyod", history(counts()), newest=1)


def test_silence_of_a_feed_is_judged_by_what_usually_comes() -> None:
    values = counts(series=2, mean=50.0)
    values[:, 4::PER_DAY] = 0  # this slot always sleeps
    values[0, -3:] = np.nan
    found = score("freshness", history(values))
    assert found.flagged[0, -3:].tolist() == [False, True, True]
    assert not found.flagged[1].any()


def test_a_shift_of_level_that_stays() -> None:
    values = counts(series=1, mean=400.0)
    values[:, -12:] *= 0.6
    assert (
        score("level_shift", history(values), newest=1, window=6).flagged.all()
        or score("level_shift", history(values), newest=7, window=6).flagged.any()
    )
    assert not score("level_shift", history(counts(series=1)), newest=20, window=6).flagged.any()


def test_small_shifts_add_up() -> None:
    values = np.random.default_rng(8).poisson(100.0, (1, 30 * PER_DAY)).astype(float)
    assert not score("cusum", history(values), newest=20).flagged.any()
    values[:, -12:] = 115.0
    assert score("cusum", history(values), newest=1).flagged.all()


@pytest.mark.parametrize("mean", [20.0, 100.0, 1_000.0])
def test_counts_are_scored_on_a_symmetrical_scale(mean: float) -> None:
    """Both Poisson tails beyond the bounds at 3 are under twice the normal one; exact probabilities."""
    from scipy import stats

    low, high = anscombe_bounds(np.array([mean]), np.sqrt([mean]), 3.0)
    normal = stats.norm.sf(3.0)
    below, above = stats.poisson.cdf(np.floor(low[0]), mean), stats.poisson.sf(np.ceil(high[0]) - 1, mean)
    assert above < 2 * normal
    assert below < 2 * normal
    for bound, sign in ((low, -1), (high, 1)):
        if bound[0] > 0:
            assert anscombe(bound, np.array([mean]), np.sqrt([mean]))[0] == pytest.approx(3 * sign)


@pytest.mark.parametrize("name", SEASONAL)
def test_poisson_noise_has_unit_scores_and_rare_flags(name: str) -> None:
    """Scores of clean counts: their spread is 1 within 6 %, and flags at 4.5 are under one in a thousand."""
    found = score(name, history(counts(series=60, days=60, mean=300.0)), newest=18 * PER_DAY, span=1)
    assert np.std(found.score) == pytest.approx(1.0, abs=0.06)
    assert found.flagged.mean() < 1e-3


def test_a_ratio_is_judged_by_its_trials() -> None:
    rng = np.random.default_rng(4)
    views = counts(series=2, mean=3_000.0)
    views[1, -1] = 30
    likes = rng.binomial(views.astype(int), 0.2).astype(float)
    likes[:, -1] = views[:, -1] * 0.14
    found = score("ratio", History.ratios(likes, views, per_day=PER_DAY), newest=1)
    assert found.flagged.ravel().tolist() == [True, False]
    assert found.sigma[0, 0] >= 0.95 * np.sqrt(0.2 * 0.8 / views[0, -1])
    assert found.volume.ravel().tolist() == views[:, -1].tolist()


def test_a_gauge_has_a_season_and_a_level_too() -> None:
    rng = np.random.default_rng(6)
    day = 10 * np.sin(np.arange(PER_DAY) / PER_DAY * 2 * np.pi)
    values = np.tile(day, 35)[None] + rng.normal(-5, 1, (3, 35 * PER_DAY))
    values[0, -1] += 12
    found = score("seasonal_level", History.gauges(values, per_day=PER_DAY), newest=1)
    assert found.flagged.ravel().tolist() == [True, False, False]
    assert found.sigma == pytest.approx(np.full((3, 1), 1.0), rel=0.35)


def test_the_level_stands_still_during_an_incident_and_follows_after_a_day() -> None:
    values = counts(series=1, days=40, mean=500.0)
    start = 30 * PER_DAY
    values[:, start:] *= 0.5
    found = score("seasonal_level", history(values))
    assert found.flagged[0, start : start + PER_DAY].all()
    assert not found.flagged[0, start + 2 * PER_DAY :].any()


def test_a_total_outage_never_becomes_the_level() -> None:
    values = counts(series=1, days=40, mean=500.0)
    values[:, 33 * PER_DAY :] = 0
    assert score("seasonal_level", history(values)).flagged[0, 33 * PER_DAY :].all()


def test_a_declared_event_leaves_no_trace() -> None:
    values = counts(series=1, days=42)
    event = np.zeros(values.shape, dtype=bool)
    event[:, 30 * PER_DAY : 33 * PER_DAY] = True
    surged = np.where(event, values * 3, values)
    kept, spoiled = (score("seasonal_level", left_out(history(each), event)) for each in (values, surged))
    after = ~event[0]
    np.testing.assert_allclose(kept.score[:, after][:, 1:], spoiled.score[:, after][:, 1:], atol=4.0)
    last = slice(34 * PER_DAY, None)
    np.testing.assert_array_equal(kept.score[:, last], spoiled.score[:, last])


def test_an_expected_change_is_ordinary_and_its_absence_is_not() -> None:
    values = counts(series=3, mean=2_000.0)
    event = np.zeros(values.shape, dtype=bool)
    event[:, -1] = True
    values[:, -1] *= [1.4, 1.0, 2.2]
    found = expecting(score("seasonal_level", history(values), span=1), event, 0.2, 0.6).newest(1)
    assert np.sign(np.where(found.flagged, found.score, 0)).ravel().tolist() == [0, -1, 1]
    with pytest.raises(ValueError, match="change"):
        expecting(found, event[:, -1:], 0.5, 0.1)


def test_two_views_must_agree() -> None:
    values = counts(series=2, mean=1_000.0)
    data = history(values)
    first, second = score("seasonal_level", data), score("ewma", data)
    both = agree(first, second, 1.5)
    judged = (first.state == OK) & (second.state == OK)
    least = np.minimum(np.abs(first.score[judged]), 1.5 * np.abs(second.score[judged]))
    same = first.score[judged] * second.score[judged] > 0
    np.testing.assert_allclose(np.abs(both.score[judged]), np.where(same, least, 0.0))
    assert (both.state == first.state).all()


def test_a_prepared_season_gives_the_same_tick() -> None:
    values = counts(series=4, days=36)
    days, today = 35 * PER_DAY, 7
    data = history(values[:, : days + today])
    prepared = prepare(history(values[:, :days]))
    start = days - warm_up_days(PER_DAY) * PER_DAY
    recent = history(values[:, start : days + today], weekday=(start // PER_DAY) % 7)
    live, whole = tick(prepared, recent, newest=3), score("seasonal_level", data, newest=3)
    np.testing.assert_array_equal(live.score, whole.score)
    np.testing.assert_array_equal(live.low, whole.low)
    with pytest.raises(ValueError, match="whole days"):
        prepare(data)
    with pytest.raises(ValueError, match="warm-up"):
        tick(prepared, recent, newest=8)


def test_ten_thousand_slices_at_once() -> None:
    values = np.random.default_rng(9).poisson(50.0, (10_000, 20 * PER_DAY)).astype(float)
    values[5_000, -1] = 0
    started = process_time()
    found = score("seasonal_level", history(values), newest=1)
    assert found.flagged[5_000, 0]
    assert found.flagged.sum() < 10
    assert process_time() - started < 60
