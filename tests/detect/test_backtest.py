"""Replays, calibration, budgets, power and false discoveries, against counts made by hand and slow loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from assay.detect import (
    History,
    Policy,
    Silence,
    State,
    agree,
    backtest,
    calibrated,
    controlled,
    discoveries,
    minimum_visible_drop,
    read,
    score,
    step,
    tuned,
)
from assay.detect.backtest import replay
from assay.detect.scores import LEARNING, NO_DATA, OK, Scores

PER_DAY = 24
SLOT = 86_400 / PER_DAY


def made(score_of: np.ndarray, state: np.ndarray | None = None, mean: float = 100.0) -> Scores:
    """Scores as given, of a metric of the given mean with a sigma of a tenth."""
    states = np.zeros(score_of.shape, np.int8) if state is None else state.astype(np.int8)
    expected = np.where(states == OK, mean, np.nan)
    numbers = np.where(states == OK, score_of, np.nan)
    value = np.where(states == NO_DATA, np.nan, mean * (1 + np.nan_to_num(numbers) / 10))
    sigma = expected / 10
    low, high = expected - 4 * sigma, expected + 4 * sigma
    return Scores(value, expected, sigma, numbers, low, high, expected, states, 4.0)


def test_an_outage_is_one_fire_and_two_messages() -> None:
    numbers = np.zeros((3, 10 * PER_DAY))
    numbers[:, 100:124] = -9.0
    found = backtest(made(numbers), Policy(), PER_DAY)
    assert [(fire.series, fire.start, fire.end, fire.peak) for fire in found.fires] == [
        (0, 100, 126, -9.0), (1, 100, 126, -9.0), (2, 100, 126, -9.0),
    ]  # fmt: skip
    assert (found.messages, found.weeks, found.per_week) == (2, pytest.approx(30 / 7), pytest.approx(3 / (30 / 7)))
    assert found.fires[0].lost == pytest.approx(24 * 90)
    assert found.messages_per_week == pytest.approx(2 / (10 / 7))


def test_a_declared_campaign_says_nothing() -> None:
    numbers = np.zeros((1, 10 * PER_DAY))
    numbers[:, 50:120] = 6.0
    event = numbers > 0
    assert backtest(made(numbers), Policy(), PER_DAY, muted=event).fires == ()
    silence = Silence("campaign", 0.0, 200 * SLOT)
    assert backtest(made(numbers), Policy(), PER_DAY, [silence]).messages == 0


def test_missing_slots_are_told_after_two() -> None:
    state = np.zeros((1, 30))
    state[0, :5], state[0, 20:26] = LEARNING, NO_DATA
    found = backtest(made(np.zeros((1, 30)), state), Policy(), PER_DAY)
    (fire,) = found.fires
    assert (fire.about, fire.start, fire.end) == ("no_data", 20, 26)
    assert [(event.kind, event.slot) for event in found.events] == [("fire", 21), ("resolve", 26)]


codes = st.sampled_from([(0.0, OK)] * 6 + [(-5.0, OK), (6.0, OK), (3.0, OK), (0.0, NO_DATA), (0.0, LEARNING)])


@example([(-5.0, OK), (0.0, LEARNING), (-5.0, OK)], 3, 0)  # what is learnt anew confirms nothing old
@given(st.lists(codes, min_size=1, max_size=60), st.integers(1, 3), st.integers(0, 2))
def test_slots_passed_over_change_no_event(slots: list[tuple[float, int]], of: int, no_data: int) -> None:
    numbers, state = (np.array([each]) for each in zip(*slots, strict=True))
    policy = Policy(confirm=(min(2, of), of), no_data=no_data, critical=0.3, update=2 * SLOT, repeat=5 * SLOT)
    readings = read(made(numbers.astype(float), state), policy)
    slowly, at = [], State("0")
    for column in range(len(slots)):
        at, events = step(at, readings.at(0, column), (column + 1) * SLOT, policy)
        slowly += events
    assert replay(readings, 0, policy, SLOT) == slowly


def test_what_is_a_hit() -> None:
    numbers = np.array([[-5.0, 5.0, -4.0, -4.1, -30.0, -5.0]])
    scores = made(numbers)
    scores.volume[0, 5] = 10.0
    policy = Policy(direction="down", min_change=0.45, min_volume=50, instant=20, critical=0.9)
    readings = read(scores, policy)
    assert readings.sides.tolist() == [[-1, 0, 0, 0, -1, 0]]
    assert readings.clean.tolist() == [[False, True, False, False, False, False]]
    assert (readings.instant[0, 4], readings.critical[0, 4]) == (True, True)
    assert readings.at(0, 0).change == pytest.approx(-0.5)


def test_a_budget_is_kept_and_not_far_from_used() -> None:
    rng = np.random.default_rng(2)
    scores = made(rng.standard_t(6, size=(40, 60 * PER_DAY)))
    found = tuned(scores, 0.5, Policy(), PER_DAY)
    assert found.reached
    assert found.per_week <= 0.5
    assert found.per_week == backtest(scores.at(found.threshold), Policy(), PER_DAY).per_week
    assert backtest(scores.at(found.threshold - 0.05), Policy(), PER_DAY).per_week > 0.5


def test_a_budget_out_of_reach_says_so() -> None:
    numbers = np.tile([50.0, 0.0, 0.0, 0.0, 0.0], (1, 100))
    assert not tuned(made(numbers), 0.5, Policy(), PER_DAY).reached
    with pytest.raises(ValueError, match="budget"):
        tuned(made(numbers), 0.0, Policy(), PER_DAY)


def test_calibration_leaves_normal_scores_and_divides_heavy_ones() -> None:
    """Factors from 28 days of 96 slots: normal within 10 %, t with 4 degrees of freedom clearly above, doubled 2."""
    rng = np.random.default_rng(3)
    normal, heavy = rng.normal(size=(50, 40 * 96)), rng.standard_t(4, size=(50, 40 * 96))
    for numbers, low, high in ((normal, 0.95, 1.05), (2 * normal, 1.9, 2.1), (heavy, 1.4, 2.5)):
        found = calibrated(made(numbers), 96)
        factor = numbers[:, -1] / found.score[:, -1]
        assert low < factor.mean() < high
        np.testing.assert_allclose(found.sigma[:, -1], 10 * factor)


def test_calibration_looks_back_only_and_needs_a_month() -> None:
    numbers = np.random.default_rng(4).normal(size=(2, 40 * PER_DAY)) * 2
    found, short = calibrated(made(numbers), PER_DAY), calibrated(made(numbers[:, :800]), PER_DAY)
    np.testing.assert_array_equal(found.score[:, :800], short.score)
    np.testing.assert_array_equal(found.score[:, : 28 * PER_DAY], numbers[:, : 28 * PER_DAY])
    young = np.zeros(numbers.shape)
    young[0, : 20 * PER_DAY] = LEARNING
    np.testing.assert_array_equal(calibrated(made(numbers, young), PER_DAY).score[0, 20 * PER_DAY :], numbers[0, 480:])


@given(st.lists(st.floats(-8, 8), min_size=1, max_size=30), st.sampled_from([0.05, 0.2]))
def test_discoveries_are_those_of_scipy(numbers: list[float], fdr: float) -> None:
    column = np.array(numbers)[:, None]
    adjusted = stats.false_discovery_control(2 * stats.norm.sf(np.abs(column[:, 0])), method="bh")
    sure = np.abs(adjusted - fdr) > 1e-9
    assert (discoveries(column, fdr)[sure, 0] == (adjusted <= fdr)[sure]).all()


def test_discoveries_without_tests_and_of_ten_thousand() -> None:
    assert not discoveries(np.full((3, 2), np.nan)).any()
    assert discoveries(np.zeros((0, 2))).shape == (0, 2)
    many = np.random.default_rng(5).normal(size=(10_000, 20))
    many[7, 3] = -9.0
    found = discoveries(many)
    assert found[7, 3]
    assert found.any(axis=0).sum() <= 5  # one slot in twenty has a false one
    with pytest.raises(ValueError, match="false discovery"):
        discoveries(many, 1.0)


def test_slices_speak_by_the_rate_not_by_the_threshold() -> None:
    numbers = np.zeros((40, 2))
    numbers[0, 0], numbers[:20, 1] = -3.0, -3.0
    readings = controlled(read(made(numbers).at(2.0), Policy()))
    assert np.count_nonzero(readings.sides, axis=0).tolist() == [0, 20]


@pytest.mark.parametrize("mean", [50.0, 100.0, 500.0, 2_000.0])
def test_power_agrees_with_a_simulation(mean: float) -> None:
    """Poisson counts of known mean: 80 % of the stated drops are found, and not of those a twentieth smaller.

    4,000 runs: 4 standard errors are 2.5 points.
    """
    found = minimum_visible_drop(mean, np.sqrt(mean), 4.5)
    assert found is not None
    rng = np.random.default_rng(6)
    seen = []
    for change in (found, found - 0.05):
        counts = rng.poisson(mean * (1 - change), (4_000, 2))
        z = 1.5 * (np.cbrt(counts) ** 2 - np.cbrt(mean) ** 2) / mean ** (1 / 6)
        seen.append(np.mean((z.min(axis=1) < -4.5) | (z.sum(axis=1) / np.sqrt(2) < -4.5)))
    assert seen[0] > 0.8 - 0.025
    assert seen[1] < 0.8 + 0.025


def test_nothing_is_visible_at_a_handful_of_events() -> None:
    assert minimum_visible_drop(5.0, np.sqrt(5.0), 4.5) is None


def test_power_depends_on_confirmation_and_is_bounded() -> None:
    once, twice = (minimum_visible_drop(500.0, 25.0, confirm=confirm) for confirm in ((1, 1), (2, 2)))
    assert once is not None
    assert twice is not None
    assert once < twice
    assert minimum_visible_drop([np.nan], [np.nan]) is None
    with pytest.raises(ValueError, match="recall"):
        minimum_visible_drop(1.0, 1.0, recall=1.0)


def test_views_of_other_shapes_cannot_agree() -> None:
    with pytest.raises(ValueError, match="same series"):
        agree(made(np.zeros((1, 3))), made(np.zeros((2, 3))))


def test_from_a_history_to_a_list_of_fires() -> None:
    rng = np.random.default_rng(7)
    values = rng.poisson(400.0, (2, 40 * PER_DAY)).astype(float)
    values[0, 30 * PER_DAY : 30 * PER_DAY + 6] = 0
    found = backtest(score("seasonal_level", History.counts(values, per_day=PER_DAY)), Policy(), PER_DAY)
    assert (0, 30 * PER_DAY, -1.0) in [(fire.series, fire.start, fire.change) for fire in found.fires]
    assert len(found.fires) <= 2  # at most one in vain in six judged weeks of 24 slots a day
    assert found.visible_drop == pytest.approx([0.2, 0.2], abs=0.06)


def test_scores_without_a_tail_are_left_as_they_are() -> None:
    """A fixed limit that was never passed, or a series that is always 0: warnings are errors here."""
    rare = np.zeros((2, 40 * PER_DAY))
    rare[1, 100] = 3.0
    np.testing.assert_array_equal(calibrated(made(rare), PER_DAY).score[0], rare[0])
    assert np.isfinite(calibrated(made(rare), PER_DAY).score).all()
