"""What counts as news, on series made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from math import exp

import numpy as np
import pytest

from assay.jobs.outputs.blocks.news import moved
from assay.jobs.queries.query import Row

FIRST, DAYS = date(2025, 5, 1), 60
LAST = FIRST + timedelta(days=DAYS - 1)
WEEK = timedelta(days=7)


def rows(values: Iterable[float | None]) -> dict[date, Row]:
    days = (FIRST + timedelta(days=at) for at in range(1000))
    return {day: Row("x", day, {}, value) for day, value in zip(days, values, strict=False)}


def noisy(level: Callable[[int], float], seed: int = 7) -> list[float | None]:
    draws = np.random.default_rng(seed).normal(0, 0.02, DAYS)
    return [level(at) * exp(draws[at]) for at in range(DAYS)]


def growing(at: int) -> float:
    return 1000 * 1.02**at


def three_days(at: int) -> float:
    """A peak every third day, which a week does not fit."""
    return 1500.0 if at % 3 == 0 else 1000.0


def test_growth_is_no_news_and_its_end_is() -> None:
    found = moved(rows(noisy(growing)), LAST, WEEK)
    assert found is not None
    assert found.usual is not None
    assert found.usual[0] < 1.02**7 - 1 < found.usual[1]
    assert not found.news
    assert moved(rows(noisy(lambda at: growing(min(at, DAYS - 8)))), LAST, WEEK).news  # type: ignore[union-attr]


@pytest.mark.parametrize("back", range(6))
def test_a_rhythm_that_the_distance_does_not_fit_is_no_news(back: int) -> None:
    found = moved(rows(noisy(three_days)), LAST - timedelta(days=back), WEEK)
    assert found is not None
    assert not found.news


def test_a_surge_within_a_rhythm_is() -> None:
    values = noisy(three_days)
    values[-1] = 4000.0
    assert moved(rows(values), LAST, WEEK).news  # type: ignore[union-attr]


def test_an_odd_day_does_not_widen_the_range() -> None:
    calm, odd = noisy(lambda _: 1000.0), noisy(lambda _: 1000.0)
    odd[40] = 10.0
    ranges = [moved(rows(each), LAST, WEEK).usual for each in (calm, odd)]  # type: ignore[union-attr]
    assert ranges[0] == pytest.approx(ranges[1], abs=0.05)


def test_what_never_moves_may_move_by_two_percent() -> None:
    assert not moved(rows([1000.0] * (DAYS - 1) + [1019.0]), LAST, WEEK).news  # type: ignore[union-attr]
    assert moved(rows([1000.0] * (DAYS - 1) + [1021.0]), LAST, WEEK).news  # type: ignore[union-attr]


def test_everything_lost_is_news_and_has_a_strength() -> None:
    found = moved(rows([*noisy(lambda _: 1000.0)[:-1], 0.0]), LAST, WEEK)
    assert found is not None
    assert found.news
    assert found.strength > 10


def test_without_history_nothing_is_called_usual_or_news() -> None:
    found = moved(rows([1000.0] * 20 + [5000.0]), FIRST + timedelta(days=20), WEEK)
    assert found is not None
    assert (found.usual, found.news, found.strength) == (None, False, 0.0)


@pytest.mark.parametrize("values", [[None] * DAYS, [0.0] * DAYS, [], [*([5.0] * (DAYS - 1)), None]])
def test_without_two_sides_there_is_no_change(values: list[float | None]) -> None:
    assert moved(rows(values), LAST, WEEK) is None
