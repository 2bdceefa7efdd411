"""Forecasts' intervals and effects of dated events, on simulated days whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.random import default_rng

from assay.forecast import Backtest, Candidate, Series, backtest
from assay.forecast.impact import Study, impact
from assay.forecast.series import Floats
from benchmarks.forecast.worlds import treated, weekly
from tests.calibration.page import keep, not_above, percent, table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


# --- intervals of forecasts ---

SERIES, DAYS = 8, 84
MODELS = ("seasonal_naive", "theta", "ets", "ucm", "ensemble")
WITHOUT_ORBIT = Candidate("ensemble", {"members": ("ets", "ucm", "theta")}, label="ensemble")


def _heavy(seed: int) -> Floats:
    return weekly(DAYS, seed) * np.exp(0.05 * default_rng(seed).standard_t(3, DAYS))


def _broken(seed: int) -> Floats:
    """The level falls by a third on the 50th day."""
    return weekly(DAYS, seed) * np.where(np.arange(DAYS) < 50, 1.0, 0.67)


SHAPES: dict[str, Callable[[int], Floats]] = {
    "a wandering level": lambda seed: weekly(DAYS, seed),
    "heavy tails": _heavy,
    "a level break": _broken,
}


@cache
def backtests(shape: str) -> tuple[Backtest, ...]:
    candidates = (*MODELS[:-1], WITHOUT_ORBIT)
    return tuple(backtest(Series(SHAPES[shape](seed)), candidates, windows=7) for seed in range(SERIES))


def coverage(shape: str, model: str) -> tuple[float, float]:
    """Of the days of all windows: inside the model's own interval of 90 %, and inside the calibrated one."""
    found = [each.of(model) for each in backtests(shape)]
    own = np.array([window.errors for each in found for window in each.windows])
    return float(np.mean(np.abs(own) <= 1.6448536)), float(np.mean([each.coverage for each in found]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", MODELS)
def test_calibrated_intervals_of_90_percent_cover_80_to_97(model: str, shape: str) -> None:
    assert 0.80 <= coverage(shape, model)[1] <= 0.97


# --- effects of dated events ---

EVENTS, LIFT, BEFORE = 40, 0.1, 98
DESIGNS: dict[str, tuple[bool, float, str]] = {
    "three controls": (True, 0.0, "weak"),
    "three controls, a level of its own": (True, 0.02, "weak"),
    "no control": (False, 0.0, "weak"),
    "no control, R's prior": (False, 0.0, "causalimpact"),
}


@cache
def fakes(design: str) -> tuple[int, int]:
    """Events without an effect that were called one: by the model alone, and with the checks."""
    controlled, step, prior = DESIGNS[design]
    worlds = [treated(seed, before=BEFORE, step=step) for seed in range(EVENTS)]
    said = [impact(values, beside if controlled else None, BEFORE, prior=prior, draws=300) for values, beside in worlds]
    return sum(each.effect.pvalue <= 0.05 for each in said), sum(each.found for each in said)


@cache
def held(design: str) -> int:
    """Intervals of 95 % that hold an effect of 10 %."""
    controlled, step, prior = DESIGNS[design]
    worlds = [treated(seed, LIFT, BEFORE, step=step) for seed in range(EVENTS)]
    none = np.zeros((len(worlds[0][0]), 0))
    studies = [
        Study(values, beside if controlled else none, BEFORE, prior=prior, draws=500) for values, beside in worlds
    ]
    found = [each.effect().relative for each in studies]
    return sum(each.low <= LIFT <= each.high for each in found)


@pytest.mark.parametrize("design", DESIGNS)
def test_an_effect_that_is_not_there_is_rarely_found(design: str) -> None:
    assert not_above(fakes(design)[1], EVENTS, 0.05 if DESIGNS[design][0] else 0.10)


@pytest.mark.parametrize("design", [each for each in DESIGNS if "R's" not in each])
def test_intervals_hold_the_effect(design: str) -> None:
    assert held(design) >= 0.9 * EVENTS


def test_the_page_says_what_was_measured_of_forecasts() -> None:
    rows = [
        [model, *(f"{100 * own:.1f} → {100 * calibrated:.1f}" for own, calibrated in _over(model))] for model in MODELS
    ]
    effects = [[design, *(percent(each, EVENTS) for each in (*fakes(design), held(design)))] for design in DESIGNS]
    keep(
        "forecasts",
        table(("model", *SHAPES), rows)
        + "\n"
        + table(
            ("events without an effect", "called one by the model", "and by the checks", "95 % interval covers"),
            effects,
        ),
    )


def _over(model: str) -> list[tuple[float, float]]:
    return [coverage(shape, model) for shape in SHAPES]
