"""The MAD rule: the case study's formula where that is defined, and sense where it is not."""

from __future__ import annotations

import math
from statistics import NormalDist
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from assay.detect import Judgement, Slots, judge
from assay.errors import DefinitionsError


def case_study_bounds(values: np.ndarray, threshold: float) -> tuple[float, float, float]:
    """One series by pandas, slowly, as the notebook wrote it: centre, low and high of the last point."""
    series = pd.Series(values)
    past = series.shift(1).rolling(30)
    centre = past.median()
    scale = 1.4826 * past.apply(lambda window: np.median(np.abs(window - np.median(window))), raw=True)
    smooth = pd.DataFrame({"centre": centre, "low": centre - threshold * scale, "high": centre + threshold * scale})
    return tuple(smooth.rolling(3, min_periods=1).mean().iloc[-1])


def judge_one(values: list[float] | np.ndarray, **parameters: float) -> Judgement:
    (judgement,) = judge("mad", Slots.counts([values]), **parameters)
    return judgement


@pytest.mark.parametrize("days", [33, 40, 60])  # with fewer our earlier windows are shorter, theirs are missing
def test_equals_the_case_study_where_noise_exceeds_poisson(days: int) -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(10_000, 800, size=(20, days))
    for row, judgement in zip(values, judge("mad", Slots.counts(values), threshold=4.5), strict=True):
        assert (judgement.expected, judgement.low, judgement.high) == pytest.approx(case_study_bounds(row, 4.5))


def test_ratios_equal_the_case_study_too() -> None:
    rng = np.random.default_rng(8)
    views = np.full((20, 40), 50_000.0)
    likes = views * rng.normal(0.2, 0.01, size=views.shape)
    judgements = judge("mad", Slots.ratios(likes, views))
    for row, judgement in zip(likes / views, judgements, strict=True):
        assert (judgement.expected, judgement.low, judgement.high) == pytest.approx(case_study_bounds(row, 4.0))


@pytest.mark.parametrize(
    ("value", "low", "high", "deviation"),
    [(1233, 592, 778, 0.584), (808, 499, 704, 0.148), (723, 450, 632, 0.145), (298, 488, 715, -0.389)],
)
def test_the_four_published_alerts(value: int, low: int, high: int, deviation: float) -> None:
    """A history that spans their published range gives their published deviation (case study 7.5)."""
    centre, mad = (low + high) / 2, (high - low) / 2 / 4.5 / 1.4826
    history = [centre - mad, centre + mad] * 20
    judgement = judge_one([*history, value], threshold=4.5)
    assert judgement.status == "anomaly"
    assert judgement.direction == ("up" if deviation > 0 else "down")
    # their scale is sometimes under the counting noise (feed users 592-778: 20.7 < 26.2), where our bounds are wider
    narrowest = 4.5 * max(math.sqrt(centre), mad * 1.4826)
    assert (judgement.low, judgement.high) == pytest.approx((centre - narrowest, centre + narrowest))
    bound = centre + math.copysign(narrowest, deviation)
    assert judgement.deviation == pytest.approx((value - bound) / bound)
    if narrowest == pytest.approx((high - low) / 2):
        assert judgement.deviation == pytest.approx(deviation, abs=0.002)


def test_a_total_outage_fires() -> None:
    rng = np.random.default_rng(1)
    assert judge_one([*rng.poisson(500, 40), 0]).status == "anomaly"


def test_a_total_outage_fires_even_if_the_bounds_reach_zero() -> None:
    values = [*([100.0, 300.0] * 20), 0]
    judgement = judge_one(values)
    assert judgement.expected - 4 * 1.4826 * 100 < 0
    assert (judgement.status, judgement.low, judgement.deviation) == ("anomaly", 1.0, -1.0)


def test_silence_is_ordinary_where_it_happened_before_or_is_likely() -> None:
    assert judge_one([*([100.0, 300.0] * 19), 0, 200, 0]).status == "ok"
    assert judge_one([*([3.0, 5.0] * 20), 0]).status == "ok"


@pytest.mark.parametrize("days", range(1, 15))
def test_a_short_history_never_fires(days: int) -> None:
    judgement = judge_one([*([100.0] * (days - 1)), 1e9])
    assert judgement == Judgement("learning", 1e9)


def test_history_is_counted_in_values_not_in_days() -> None:
    gaps = np.full(30, np.nan)
    gaps[:13] = 100.0
    assert judge_one([*gaps, 0]).status == "learning"
    gaps[13] = 100.0
    assert judge_one([*gaps, 0]).status == "anomaly"


def test_a_missing_value_is_a_state_not_an_anomaly() -> None:
    assert judge_one([*([100.0] * 40), np.nan]) == Judgement("no_data", None)
    assert judge_one([np.nan] * 40) == Judgement("no_data", None)


def test_a_zero_mad_is_harmless() -> None:
    constant = [400.0] * 40
    assert judge_one([*constant, 479]).status == "ok"
    assert judge_one([*constant, 481]).status == "anomaly"
    assert judge_one([*([0.0] * 40), 4]).status == "ok"
    assert judge_one([*([0.0] * 40), 5]).status == "anomaly"


def test_nothing_is_expected_so_no_relative_change() -> None:
    judgement = judge_one([*([0.0] * 40), 50])
    assert (judgement.status, judgement.change, judgement.score) == ("anomaly", None, 50.0)


def test_bounds_stay_where_values_can_be() -> None:
    assert judge_one([*([4.0, 8.0] * 20), 5]).low == 0
    views = np.full((2, 41), 50.0)
    rare, usual = judge("mad", Slots.ratios(views * [[0.02], [0.98]], views))
    assert (rare.low, usual.high) == (0.0, 1.0)
    assert rare.high < 1 < 50 * usual.low


def test_a_ratio_is_as_noisy_as_its_denominator_is_small() -> None:
    views = np.full((2, 41), 2_000.0)
    likes = views * 0.2
    views[:, -1] = [2_000, 40]
    likes[:, -1] = views[:, -1] * 0.3
    large, small = judge("mad", Slots.ratios(likes, views))
    assert (large.status, small.status) == ("anomaly", "ok")
    assert large.high - large.expected == pytest.approx(4 * np.sqrt(0.2 * 0.8 / 2_000))
    assert small.volume == 40


def test_a_ratio_above_one_is_not_cut_at_one() -> None:
    users = np.full((1, 41), 100.0)
    (judgement,) = judge("mad", Slots.ratios(users * 25, users))
    assert judgement.high == pytest.approx(25 + 4 * np.sqrt(25 / 100))


def test_a_gauge_has_the_bounds_of_the_case_study_on_both_sides_of_zero() -> None:
    """Only median and MAD: no counting noise and no cut at zero. Their rule moves with the values, so ours does too."""
    delays = np.random.default_rng(10).normal(2, 6, size=(20, 40))
    judgements = judge("mad", Slots.gauges(delays))
    for row, judgement in zip(delays, judgements, strict=True):
        assert (judgement.expected, judgement.low, judgement.high) == pytest.approx(case_study_bounds(row, 4.0))
    assert all(judgement.low < 0 for judgement in judgements)


def test_a_gauge_is_judged_alike_in_the_mirror() -> None:
    delays = np.random.default_rng(11).normal(5, 3, size=(50, 41))
    for up, down in zip(judge("mad", Slots.gauges(delays)), judge("mad", Slots.gauges(-delays)), strict=True):
        assert (up.status, up.low, up.high) == (down.status, -down.high, -down.low)
        mirrored = [None if each is None else -each for each in (down.score, down.change, down.deviation)]
        assert [up.score, up.change, up.deviation] == mirrored


def test_a_gauge_that_does_not_move_is_believed_to_one_percent() -> None:
    still = [[*([-20.0] * 40), -20.79], [*([-20.0] * 40), -20.81]]
    ordinary, moved = judge("mad", Slots.gauges(still))
    assert (ordinary.status, moved.status, moved.direction) == ("ok", "anomaly", "down")
    assert moved.change == pytest.approx(-0.81 / 20)
    assert moved.score == pytest.approx(-0.81 / 0.2)


def test_a_gauge_that_stays_at_zero_has_no_scale() -> None:
    (judgement,) = judge("mad", Slots.gauges([[*([0.0] * 40), 1e-9]]))
    assert judgement == Judgement("learning", 1e-9)


def test_a_gauge_around_zero_has_a_scale_and_no_relative_change() -> None:
    (judgement,) = judge("mad", Slots.gauges([[*([-1.0, 0.0, 1.0] * 13), 9.0]]), history=30, smoothing=1)
    assert (judgement.status, judgement.expected, judgement.change) == ("anomaly", 0.0, None)
    assert judgement.score == pytest.approx(9 / 1.4826)


def test_the_volume_of_a_gauge_is_the_events_behind_it() -> None:
    delays, flights = np.full((1, 41), 5.0), np.full((1, 41), 300.0)
    (known,), (unknown,) = judge("mad", Slots.gauges(delays, flights)), judge("mad", Slots.gauges(delays))
    assert (known.volume, unknown.volume) == (300.0, None)


def test_a_ratio_without_denominator_has_no_data() -> None:
    views = np.full((1, 41), 100.0)
    views[0, -1] = 0
    (judgement,) = judge("mad", Slots.ratios(views * 0.2, views))
    assert judgement == Judgement("no_data", None)


def test_one_incident_in_the_history_changes_little() -> None:
    rng = np.random.default_rng(3)
    clean = rng.poisson(1_000, 41).astype(float)
    spoiled = clean.copy()
    spoiled[20] = 0
    assert judge_one(spoiled).expected == pytest.approx(judge_one(clean).expected, rel=0.02)


def test_series_do_not_disturb_each_other() -> None:
    values = np.random.default_rng(4).poisson(100, size=(50, 41)).astype(float)
    values[3, -1] = np.nan
    values[7, :30] = np.nan
    together = judge("mad", Slots.counts(values))
    assert together == tuple(judge_one(row) for row in values)


@pytest.mark.parametrize("mean", [20, 100, 1_000])
def test_false_alarms_on_poisson_noise(mean: int) -> None:
    """Per check, on clean counts: within three times the rate of the normal tail plus its own estimate's noise.

    With a floor at the true scale the rate is 2 Φ(-3) = 0.27 % or slightly less where MAD overestimates, more where the
    tail of a small count is heavier. Over 40,000 checks its standard error is 0.026 %, and 4 of these are allowed.
    """
    values = np.random.default_rng(mean).poisson(mean, size=(40_000, 41)).astype(float)
    rate = alarm_rate(Slots.counts(values), threshold=3.0)
    normal = 2 * NormalDist().cdf(-3)
    error = np.sqrt(normal / len(values))
    assert 0.5 * normal - 4 * error < rate < 1.2 * normal + 4 * error


def test_false_alarms_on_gaussian_noise_are_those_of_the_case_study() -> None:
    """0.23 % per check at 4.0 (case study 7.6.3): far above 2 Φ(-4), because the width is only a MAD of 30 points."""
    values = np.random.default_rng(9).normal(10_000, 1_000, size=(40_000, 41))
    rate = alarm_rate(Slots.counts(values), threshold=4.0)
    assert rate == pytest.approx(0.0023, abs=4 * np.sqrt(0.0023 / len(values)))


def alarm_rate(slots: Slots, threshold: float) -> float:
    return float(np.mean([each.status == "anomaly" for each in judge("mad", slots, threshold=threshold)]))


def test_ten_thousand_series_in_one_call() -> None:
    slots = Slots.counts(np.random.default_rng(5).poisson(500, size=(10_000, 60)).astype(float))
    started = perf_counter()
    judgements = judge("mad", slots)
    assert len(judgements) == 10_000
    assert perf_counter() - started < 0.5  # the target of a tick; 0.06 s when measured alone


@pytest.mark.parametrize(
    "parameters", [{"threshold": 0.0}, {"min_history": 31}, {"min_history": 1}, {"smoothing": 0}, {"threshold": np.nan}]
)
def test_impossible_parameters_are_the_users_mistake(parameters: dict[str, float]) -> None:
    with pytest.raises(DefinitionsError, match="E104"):
        judge_one([1.0] * 41, **parameters)
