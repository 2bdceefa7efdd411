"""Which slices stand out: planted ones are found and named, ordinary days are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.detect.standout import Split, standout

CITIES = tuple("ABCDEFGHIJ")
MEANS = np.array([400.0, 200, 100, 100, 80, 60, 40, 30, 20, 10])


def _days(generator: np.random.Generator, means: np.ndarray, days: int = 5) -> np.ndarray:
    return generator.poisson(means[:, None], (len(means), days)).astype(float)


def _totals(seed: int = 1, days: int = 5) -> np.ndarray:
    return _days(np.random.default_rng(seed), MEANS, days)


def test_dead_cities_are_named_the_strongest_first() -> None:
    numbers = _totals()
    numbers[[1, 3], -1] = 0
    found = standout([Split("city", CITIES, numbers)])
    assert found is not None
    assert (found.dimension, found.values, found.effect, found.against) == ("city", ("B", "D"), None, False)
    assert (found.before, found.after) == (np.median(numbers[[1, 3], :-1], axis=1).sum(), 0)
    change = numbers[:, -1].sum() - np.median(numbers[:, :-1], axis=1).sum()
    assert found.share == pytest.approx(-found.before / change)


def test_dead_cities_are_named_although_the_rest_grows() -> None:
    """The whole rises; the cities fell against it, and the rest is not called the cause."""
    numbers = _totals()
    numbers[:, -1] *= 1.5
    numbers[[1, 3], -1] = 0
    found = standout([Split("city", CITIES, numbers)])
    assert found is not None
    assert (found.values, found.against) == (("B", "D"), True)


def test_only_the_strongest_dimension_is_told() -> None:
    numbers = _totals()
    numbers[0, -1] = 0
    country = np.stack([numbers[:5].sum(axis=0), numbers[5:].sum(axis=0)])
    found = standout([Split("country", ("X", "Y"), country), Split("city", CITIES, numbers)])
    assert found is not None
    assert (found.dimension, found.values) == ("city", ("A",))


def test_of_two_slices_the_one_that_moved_with_the_whole() -> None:
    numbers = np.array([[500.0, 500, 500, 500, 500], [400.0, 400, 400, 400, 800]])
    found = standout([Split("source", ("organic", "ads"), numbers)])
    assert found is not None
    assert (found.values, found.share) == (("ads",), 1.0)


def test_a_doubled_day_is_nobodys_fault() -> None:
    numbers = _totals(2)
    numbers[:, -1] *= 2
    assert standout([Split("city", CITIES, numbers)]) is None


def test_ordinary_days_are_left_alone() -> None:
    """One in a hundred may be named: of 300, more than 10 have a chance of 0.1 %."""
    named = [standout([Split("city", CITIES, _totals(seed))]) is not None for seed in range(300)]
    assert sum(named) <= 10


def test_a_restless_slice_is_judged_by_its_own_days() -> None:
    """A jumps by a half every week; another half is nothing new."""
    numbers = _totals(3)
    numbers[0] = [400, 600, 400, 600, 620]
    assert standout([Split("city", CITIES, numbers)]) is None
    numbers[0] = [400, 405, 395, 400, 620]
    assert standout([Split("city", CITIES, numbers)]) is not None


def test_one_strange_day_in_the_baseline_hides_nothing() -> None:
    numbers = _totals(4)
    numbers[0, 2] = 0
    numbers[0, -1] = 0
    found = standout([Split("city", CITIES, numbers)])
    assert found is not None
    assert found.values == ("A",)


def test_a_single_day_to_compare_with() -> None:
    numbers = _totals(5, days=2)
    assert standout([Split("city", CITIES, numbers)]) is None
    numbers[2, -1] = 0
    found = standout([Split("city", CITIES, numbers)])
    assert found is not None
    assert found.values == ("C",)


def _ratio(seed: int, rates: np.ndarray, size: float = 100) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    below = _days(generator, MEANS * size)
    above = generator.binomial(below.astype(int), rates[:, None]).astype(float)
    return above, below


def test_a_rate_is_told_as_a_rate() -> None:
    above, below = _ratio(6, np.full(10, 0.2))
    assert standout([Split("city", CITIES, above, below)]) is None
    above[1, -1] = round(below[1, -1] * 0.15)
    found = standout([Split("city", CITIES, above, below)])
    assert found is not None
    assert (found.values, found.effect) == (("B",), "rate")
    assert found.after == pytest.approx(0.15, abs=1e-4)


def test_a_mix_is_told_as_a_mix() -> None:
    """A's ratio is half of the others', and its traffic doubles: no ratio moved, but the whole fell."""
    rates = np.array([0.1, *[0.2] * 9])
    above, below = _ratio(7, rates)
    above[0, -1], below[0, -1] = above[0, -1] * 2, below[0, -1] * 2
    found = standout([Split("city", CITIES, above, below)])
    assert found is not None
    assert (found.values, found.effect) == (("A",), "mix")


def test_a_mix_that_changes_nothing_is_not_told() -> None:
    """All ratios are alike, so more traffic in one city explains nothing."""
    above, below = _ratio(8, np.full(10, 0.2))
    above[0, -1], below[0, -1] = above[0, -1] * 2, below[0, -1] * 2
    assert standout([Split("city", CITIES, above, below)]) is None


def test_sums_of_any_unit_say_the_same() -> None:
    numbers = _totals(9)
    numbers[1, -1] = 0
    for unit in (1e-6, 1.0, 1e6):
        found = standout([Split("city", CITIES, numbers * unit)], counts=False)
        assert found is not None
        assert found.values == ("B",)
        assert standout([Split("city", CITIES, _totals(9) * unit)], counts=False) is None


def test_the_noise_of_sums_must_be_known() -> None:
    numbers = np.array([[500.0, 500], [400.0, 800]])
    assert standout([Split("source", ("organic", "ads"), numbers)], counts=False) is None


def test_parts_must_carry_the_change() -> None:
    """Inside a dead city the messenger grows: what fell is the feed, and of that the larger part."""
    numbers = np.array([[250.0, 250, 250, 250, 0], [25.0, 25, 25, 25, 60], [5.0, 5, 5, 5, 0]])
    names = ("feed only", "messenger only", "both")
    found = standout([Split("part", names, numbers, parts=True)])
    assert found is not None
    assert found.values == ("feed only",)


@given(st.randoms(), st.integers(0, 50))
@settings(max_examples=30)
def test_the_order_of_slices_does_not_matter(random, seed: int) -> None:
    numbers = _totals(seed)
    numbers[[0, 4], -1] = 0
    order = list(range(len(CITIES)))
    random.shuffle(order)
    shuffled = standout([Split("city", tuple(CITIES[at] for at in order), numbers[order])])
    assert shuffled == standout([Split("city", CITIES, numbers)])


@pytest.mark.parametrize(
    "numbers", [np.ones((2, 1)), np.ones((3, 2)), np.array([[1.0, np.nan], [1, 1]]), np.array([[1.0, -1], [1, 1]])]
)
def test_impossible_numbers_are_refused(numbers: np.ndarray) -> None:
    with pytest.raises(ValueError, match="city"):
        Split("city", ("A", "B"), numbers)


def test_nothing_to_compare() -> None:
    assert standout([]) is None
    assert standout([Split("city", ("A",), np.ones((1, 3)))]) is None
    assert standout([Split("city", ("A", "B"), np.zeros((2, 3)))]) is None
    assert standout([Split("city", ("A", "B"), np.zeros((2, 3)), np.zeros((2, 3)))]) is None
