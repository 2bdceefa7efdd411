"""Decompositions against tables computed by hand, and the properties that make them decompositions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.detect import contribution

_COUNT = st.integers(0, 10_000)
_ROW = st.tuples(_COUNT, _COUNT, _COUNT, _COUNT)  # numerator and denominator before, numerator and denominator after
_TABLES = st.lists(_ROW, min_size=1, max_size=12).filter(
    lambda rows: sum(row[1] for row in rows) and sum(row[3] for row in rows)
)


def _effects(rows) -> contribution.Effects:
    """Numerators without a denominator are impossible: likes need views."""
    table = np.array(rows, dtype=float)
    table[:, 0] *= table[:, 1] > 0
    table[:, 2] *= table[:, 3] > 0
    return contribution.of_ratio(*table.T)


def _change(rows) -> float:
    over_before, under_before, over_after, under_after = (
        sum(row[at] for row in rows if at % 2 or row[at + 1]) for at in range(4)
    )
    return over_after / under_after - over_before / under_before


def test_a_total_by_hand() -> None:
    parts = contribution.of_total(np.array([100.0, 50.0, 0.0]), np.array([40.0, 55.0, 5.0]))
    assert parts.tolist() == [-60.0, 5.0, 5.0]


def test_pure_rate_by_hand() -> None:
    """A: 20/100 → 10/100, B: 30/100 → 30/100; the ratio falls from 0.25 to 0.20, all of it A's rate."""
    effects = _effects([(20, 100, 10, 100), (30, 100, 30, 100)])
    assert effects.rate == pytest.approx([-0.05, 0.0])
    assert effects.mix == pytest.approx([0.0, 0.0])


def test_pure_mix_by_hand() -> None:
    """A stays at 0.5, B at 0.1; A's share goes from 1/2 to 3/4: 0.3 → 0.4, and the ratio's middle is 0.35."""
    effects = _effects([(50, 100, 75, 150), (10, 100, 5, 50)])
    assert effects.rate == pytest.approx([0.0, 0.0])
    assert effects.mix == pytest.approx([0.25 * 0.15, -0.25 * -0.25])


def test_mix_and_rate_by_hand() -> None:
    """A: 40/80 → 30/40, B: 2/20 → 12/60. Shares 0.8 → 0.4 and 0.2 → 0.6; ratios 0.5 → 0.75 and 0.1 → 0.2."""
    effects = _effects([(40, 80, 30, 40), (2, 20, 12, 60)])
    assert effects.rate == pytest.approx([0.6 * 0.25, 0.4 * 0.1])
    assert effects.mix == pytest.approx([-0.4 * (0.625 - 0.42), 0.4 * (0.15 - 0.42)])
    assert (effects.mix + effects.rate).sum() == pytest.approx(0.42 - 0.42)


def test_simpsons_paradox_is_told_as_mix() -> None:
    """Both slices improve and the ratio falls."""
    effects = _effects([(90, 100, 19, 20), (10, 100, 99, 900)])
    assert min(effects.rate) > 0
    assert effects.mix.sum() < -effects.rate.sum()


def test_a_new_slice_changes_the_mix_only() -> None:
    effects = _effects([(20, 100, 20, 100), (0, 0, 50, 100)])
    assert effects.rate == pytest.approx([0.0, 0.0])
    assert effects.mix.sum() == pytest.approx(0.35 - 0.2)


@given(_TABLES)
def test_the_parts_sum_to_the_change(rows) -> None:
    effects = _effects(rows)
    assert (effects.mix + effects.rate).sum() == pytest.approx(_change(rows), abs=1e-9, rel=1e-9)


@given(_TABLES, st.randoms())
def test_the_order_of_slices_does_not_matter(rows, random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    effects, shuffled = _effects(rows), _effects([rows[at] for at in order])
    assert shuffled.mix == pytest.approx(effects.mix[order], abs=1e-12)
    assert shuffled.rate == pytest.approx(effects.rate[order], abs=1e-12)


@given(_TABLES)
def test_time_turned_round_turns_the_signs(rows) -> None:
    effects, back = _effects(rows), _effects([(c, d, a, b) for a, b, c, d in rows])
    assert back.mix == pytest.approx(-effects.mix, abs=1e-12)
    assert back.rate == pytest.approx(-effects.rate, abs=1e-12)


@given(_TABLES, st.integers(1, 1000), st.integers(1, 1000))
def test_only_ratios_and_shares_matter(rows, before: int, after: int) -> None:
    """Ten times the traffic with the same shares and ratios is the same change."""
    effects = _effects(rows)
    scaled = _effects([(a * before, b * before, c * after, d * after) for a, b, c, d in rows])
    assert scaled.mix == pytest.approx(effects.mix, abs=1e-9)
    assert scaled.rate == pytest.approx(effects.rate, abs=1e-9)


@pytest.mark.parametrize("rows", [[(0, 0, 1, 1)], [(1, 1, 0, 0)], [(1, 2, 1, 2), (0, -1, 1, 1)]])
def test_impossible_denominators_are_refused(rows) -> None:
    with pytest.raises(ValueError, match="denominators"):
        contribution.of_ratio(*np.array(rows, dtype=float).T)
