"""The structural time series and its checks: published, simulated and impossible cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from assay.errors import UsageError
from assay.forecast.impact import Study, counterfactual, impact
from assay.forecast.impact.effect import effect
from benchmarks.forecast.worlds import treated as world

REFERENCE = json.loads((Path(__file__).parent / "reference" / "causalimpact_vignette.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_published_example(seed: int) -> None:
    """Within a quarter of the published standard deviation, and the ends within 0.4 of it."""
    values, controls = np.array(REFERENCE["y"]), np.array(REFERENCE["x1"])[:, None]
    study = Study(values, controls, 70, log=False, season=1, prior="causalimpact", draws=2000, seed=seed)
    found, published = study.effect(), REFERENCE["effect"]
    assert found.average.value == pytest.approx(published["value"], abs=0.25 * published["sd"])
    assert found.average.low == pytest.approx(published["low"], abs=0.4 * published["sd"])
    assert found.average.high == pytest.approx(published["high"], abs=0.4 * published["sd"])
    assert found.relative.value == pytest.approx(REFERENCE["relative"], abs=0.002)
    assert found.pvalue < 0.005


def test_a_constant_effect_moves_the_estimate_by_exactly_that() -> None:
    values, controls = world(1)
    plain = Study(values, controls, 84, log=False).effect()
    values[84:] += 50.0
    moved = Study(values, controls, 84, log=False).effect()
    assert moved.average.value - plain.average.value == pytest.approx(50.0, abs=1e-9)
    assert moved.cumulative.low - plain.cumulative.low == pytest.approx(14 * 50.0, abs=1e-6)


@pytest.mark.parametrize("log", [True, False])
def test_the_unit_does_not_matter(log: bool) -> None:
    values, controls = world(2, 0.2)
    plain = Study(values, controls, 84, log=log).effect()
    scaled = Study(values * 1000, controls * [1, 10, 100], 84, log=log).effect()
    assert scaled.relative.value == pytest.approx(plain.relative.value, rel=1e-6)
    assert scaled.average.low == pytest.approx(1000 * plain.average.low, rel=1e-6)


def test_missing_days_stay_missing() -> None:
    values, controls = world(3, 0.3)
    values[[10, 11, 40, 90]] = np.nan
    found = Study(values, controls, 84).effect()
    assert np.isnan(found.days[6])
    assert np.count_nonzero(np.isnan(found.days)) == 1
    assert found.relative.low < 0.3 < found.relative.high


def test_of_many_controls_the_useful_ones_are_used() -> None:
    values, controls = world(4)
    noise = np.exp(default_rng(9).normal(7, 0.3, (98, 8)))
    found = counterfactual(np.log(values[:84]), np.log(np.hstack([controls, noise])))
    assert found.included[:3].sum() > 1
    assert np.max(found.included[3:]) < 0.25


def test_the_effect_by_hand() -> None:
    found = effect(np.array([12.0, np.nan, 15.0]), np.array([[10.0, 9, 11], [12, 9, 13], [11, 9, 12]]))
    assert found.cumulative.value == pytest.approx(27 - (21 + 25 + 23) / 3)
    assert found.average.value == pytest.approx((27 - 23) / 2)
    assert found.pvalue == pytest.approx(2 * 1 / 4)
    np.testing.assert_allclose(found.expected, [11, 9, 12])


def test_a_real_effect_is_found_and_believed() -> None:
    said = impact(*world(5, 0.25, before=112), 112, draws=500)
    assert said.found
    assert said.trust == "ok", said.reasons
    assert said.effect.relative.low < 0.25 < said.effect.relative.high
    assert said.visible < 0.25


def test_no_effect_is_not_found() -> None:
    said = impact(*world(6, 0.0, before=112), 112, draws=500)
    assert not said.found
    assert said.effect.relative.low < 0 < said.effect.relative.high


def test_without_controls_it_is_suggestive_at_most() -> None:
    said = impact(world(7, 0.6, before=112)[0], None, 112, draws=500)
    assert said.trust != "ok"
    assert "suggestive at most" in " ".join(said.reasons)


def test_a_touched_control_is_told() -> None:
    values, controls = world(8, 0.4, before=112)
    controls[112:, 1] *= 1.4
    said = impact(values, controls, 112, draws=500)
    assert said.trust == "weak"
    assert "may have touched them too" in " ".join(said.reasons)


@pytest.mark.parametrize("others", [1, 3])
def test_a_control_that_contains_the_treated_series_is_told(others: int) -> None:
    """The total beside its largest part: the total rises too, and would hide the effect."""
    values, controls = world(20, 0.4, before=112)
    said = impact(values, np.column_stack([controls[:, :others], values + controls.sum(axis=1)]), 112, draws=500)
    assert said.trust == "weak"
    assert "moved by themselves" in " ".join(said.reasons)


def test_a_short_history_is_weak() -> None:
    said = impact(*world(9, 0.3, before=42), 42, draws=500)
    assert said.trust == "weak"
    assert "42 days lie before the event; 56 are wanted" in " ".join(said.reasons)


def test_a_break_just_before_the_event_is_refused() -> None:
    values, controls = world(10, before=112)
    values[98:] *= 5
    said = impact(values, controls, 112, draws=500)
    assert said.trust == "refused"
    assert "not understood" in said.reasons[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"controls": np.ones((98, 0)), "start": 10}, "Fewer than 14 days"),
        ({"start": 98}, "do not fit together"),
        ({"values": np.zeros(98)}, "positive numbers"),
        ({"values": np.full(98, 5.0)}, "never changes"),
        ({"controls": np.full((98, 1), np.nan)}, "do not fit together"),
        ({"values": np.where(np.arange(98) < 84, np.arange(98) + 1.0, np.nan)}, "No day after the start"),
    ],
)
def test_impossible_questions_are_refused(change: dict[str, Any], why: str) -> None:
    values, controls = world(11)
    with pytest.raises(UsageError, match=why):
        impact(**({"values": values, "controls": controls, "start": 84} | change))


def test_a_control_that_is_the_treated_series_is_refused() -> None:
    values, controls = world(12)
    with pytest.raises(UsageError, match="Control 1 moves exactly"):
        impact(values, np.column_stack([controls[:, 0], 3 * values]), 84)


def test_the_same_seed_gives_the_same_draws() -> None:
    values, controls = world(13)
    first, second = (Study(values, controls, 84, seed=4).effect() for _ in range(2))
    assert first.cumulative == second.cumulative


@pytest.mark.slow
@pytest.mark.orbit
@pytest.mark.filterwarnings("ignore")
def test_orbits_second_opinion_agrees() -> None:
    said = impact(*world(5, 0.25, before=112), 112, draws=500, second=True)
    assert said.second
    assert said.second.relative == pytest.approx(0.25, abs=0.06)
    assert not said.second.disagrees
