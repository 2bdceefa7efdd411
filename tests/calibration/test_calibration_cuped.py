"""What removes variance keeps the level: CUPED, post-stratification, winsorising; and it removes what it promises."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy import stats as reference

from assay.stats import METHODS, Effect, Method, MetricColumns, Samples, compare, poststratify, stream, winsorize
from assay.stats.moments import Array
from tests.calibration.measure import first, known, measured
from tests.calibration.page import ALPHAS, ERROR, keep, kept, percent, table
from tests.calibration.shapes import CUPED, LIKES, SEED, Shape, summarised

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

every_shape = pytest.mark.parametrize("shape", CUPED, ids=lambda shape: shape.name)
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def adjusts(method: Method, shape: Shape) -> bool:
    """Whether a method answers and uses the covariates."""
    answer = first(method, shape)
    return answer is not None and answer.variance_reduction is not None


@cache
def promised(shape: Shape) -> float:
    """R² of the linearised metric on its covariates over very many units, by plain least squares."""
    rows = shape.draw(stream(SEED, shape.name, "promise"), (1, 400_000), 0.0)[0]
    part = 2 if shape.metric.denominator else 1
    residual = rows[:, 0] - (rows[:, 0].sum() / rows[:, 1].sum()) * rows[:, 1] if part == 2 else rows[:, 0]
    past = np.column_stack([np.ones(len(rows)), rows[:, part:]])
    left = residual - past @ np.linalg.lstsq(past, residual, rcond=None)[0]
    return float(1 - left.var() / residual.var())


@every_shape
@every_method
def test_cuped_keeps_the_level_and_its_intervals_cover(method: Method, shape: Shape) -> None:
    if adjusts(method, shape):
        found = measured(method, shape)
        assert found.verdict == "uniform", found
        assert kept(found.effect_runs - found.covered, found.effect_runs, 0.05), found


@every_shape
@every_method
def test_cuped_removes_what_it_promises(method: Method, shape: Shape) -> None:
    """The average reduction of experiments; in a sample of n a covariate explains 1 ÷ n by chance."""
    if adjusts(method, shape) and measured(method, shape).formula is not None:
        assert measured(method, shape).reduction == pytest.approx(promised(shape), abs=0.015)


def test_one_covariate_promises_its_squared_correlation() -> None:
    assert promised(CUPED[0]) == pytest.approx(4 / (4 + 4), abs=4 / 400_000**0.5)  # gamma(4) has a variance of 4


# --- post-stratification and winsorising ---

RUNS = 3_000
SHARES = (0.5, 0.3, 0.2)
LEVELS = (0.0, 2.0, 5.0)
LIFT = 0.3


@dataclass(frozen=True, slots=True)
class Tried:
    """p-values without an effect, and how often intervals cover and effects are found with one."""

    pvalues: Array
    covered: int
    found: int
    reduction: float | None = None


@cache
def stratified() -> Tried:
    clean = [strata(number, 0.0) for number in range(RUNS)]
    there = [strata(number, LIFT) for number in range(RUNS, 2 * RUNS)]
    reduction = float(np.mean([known(each.variance_reduction) for each in there]))
    return tried(clean, there, LIFT, reduction)


def strata(number: int, lift: float) -> Effect:
    """150 + 150 units, whose strata are drawn with them, as in a randomisation that did not know them."""
    rng, pairs = stream(SEED, "strata", number), []
    sizes = rng.multinomial(150, SHARES, 2)
    for at, level in enumerate(LEVELS):
        arms = (rng.normal(level + lift * arm, 1, (1, sizes[arm, at], 1)) for arm in (0, 1))
        pairs.append(tuple(summarised(("likes",), arm)[0] for arm in arms))
    return poststratify(LIKES, pairs)  # type: ignore[arg-type]


def tried(clean: list[Effect], there: list[Effect], truth: float, reduction: float | None = None) -> Tried:
    return Tried(
        np.array([known(each.pvalue) for each in clean]),
        sum(known(each.low) <= truth <= known(each.high) for each in there),
        sum(known(each.pvalue) < 0.05 for each in there),
        reduction,
    )


def test_post_stratification() -> None:
    found = stratified()
    _require_uniform(found.pvalues)
    assert kept(RUNS - found.covered, RUNS, 0.05)
    mean = float(np.dot(SHARES, LEVELS))
    between = float(np.dot(SHARES, np.square(LEVELS))) - mean**2
    # Of strata drawn by chance each unit's weight varies, which costs (strata − 1) ÷ n of the variance.
    assert found.reduction == pytest.approx(between / (between + 1), abs=0.01)


def _require_uniform(pvalues: Array) -> None:
    assert reference.kstest(pvalues, "uniform").pvalue > ERROR
    for alpha in ALPHAS:
        assert kept(int((pvalues < alpha).sum()), len(pvalues), alpha)


@cache
def winsorised(share: float | None) -> Tried:
    """Log-normal values (σ = 1.5), cut at a pooled quantile or not; 400 + 400 units, a lift of a quarter."""
    answers: dict[float, list[Effect]] = {0.0: [], 0.25: []}
    for lift, found in answers.items():
        for number in range(RUNS):
            rng = stream(SEED, "winsorised", number)
            arms = [Samples.of(("likes",), (1 + lift * arm) * rng.lognormal(0, 1.5, (400, 1))) for arm in (0, 1)]
            if share:
                cut = winsorize(*arms, share)
                arms = [cut.control, cut.treatment]
            found.append(compare(MetricColumns("likes"), *arms))
    return tried(answers[0.0], answers[0.25], float(np.mean([known(each.difference) for each in answers[0.25]])))


def test_winsorising_keeps_the_level_and_finds_more() -> None:
    cut, plain = winsorised(0.99), winsorised(None)
    _require_uniform(cut.pvalues)
    assert kept(RUNS - cut.covered, RUNS, 0.05)
    assert cut.found > 1.2 * plain.found


def test_the_page_says_what_was_measured() -> None:
    head = ("data", "method", *(f"p < {100 * alpha:g} %" for alpha in ALPHAS), "95 % interval covers",
            "variance removed", "promised", "runs")  # fmt: skip
    rows = [row(method, shape) for shape in CUPED for method in METHODS.values() if adjusts(method, shape)]
    others = {
        "3 strata": stratified(),
        "log-normal (σ = 1.5), cut at the pooled 99 % quantile": winsorised(0.99),
        "the same, as it is": winsorised(None),
    }
    second = table(
        ("data", *head[2:6], "power", "runs"),
        [
            [name, *rates(each.pvalues), percent(each.covered, RUNS), percent(each.found, RUNS), f"{RUNS} + {RUNS}"]
            for name, each in others.items()
        ],
    )
    keep("cuped", f"{table(head, rows)}\n{second}")


def row(method: Method, shape: Shape) -> list[str]:
    found = measured(method, shape)
    promise = "—" if found.formula is None else f"{100 * promised(shape):.1f}"
    return [
        shape.name,
        f"`{method.name}`",
        *(percent(hits, found.runs) for hits in found.false),
        percent(found.covered, found.effect_runs),
        f"{100 * known(found.reduction):.1f}",
        promise,
        f"{found.runs} + {found.effect_runs}",
    ]


def rates(pvalues: Array) -> list[str]:
    return [percent(int((pvalues < alpha).sum()), len(pvalues)) for alpha in ALPHAS]
