"""What a method does on a shape of data: false positives, coverage and power, counted over seeded experiments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import hypot, sqrt

import numpy as np
from scipy import stats as reference

from assay.stats import Effect, Estimand, Method, Moments, Quantile, compare, power_at, unit_sd
from tests.calibration.page import ALPHAS, ERROR, kept, not_above
from tests.calibration.shapes import Shape, moments, population, samples

# Experiments without an effect, and with one.
RUNS = {"moments": (10_000, 5_000), "samples": (1_500, 1_000), "buckets": (250, 250)}
QUICK_OR_SLOW = {"bucketed_t": (1_000, 1_000), "mann_whitney": (250, 250)}
REPLICATES = 640  # the p-values are multiples of 2 ÷ 641, and 1, 5 and 10 % lie just above one of them
NORMAL_THEORY = ("mean", "ratio")  # estimands for which power has a formula; what is put in their place has its own law


@dataclass(frozen=True, slots=True)
class Measured:
    """`false` are false positives at `ALPHAS`; `covered`, `found` and `reduction` are of experiments with an effect."""

    false: tuple[int, ...]
    runs: int
    uniformity: float
    covered: int
    found: int
    effect_runs: int
    formula: float | None
    reduction: float | None

    @property
    def verdict(self) -> str:
        judged = list(zip(self.false, ALPHAS, strict=True))
        if self.uniformity > ERROR and all(kept(hits, self.runs, alpha) for hits, alpha in judged):
            return "uniform"
        kept_down = all(not_above(hits, self.runs, alpha) for hits, alpha in judged)
        return "conservative" if kept_down else "too many"


def question(method: Method, shape: Shape) -> Estimand | None:
    """What is asked of a method: the metric, the 90 % quantile of its numerator, or nothing, as another stands in."""
    if shape.metric.kind in method.estimands:
        return shape.metric
    return Quantile(shape.metric.numerator, 0.9) if "quantile" in method.estimands else None


@cache
def first(method: Method, shape: Shape) -> Effect | None:
    """The answer to the first experiment."""
    asked = question(method, shape)
    (pair,) = samples(shape, False, 1)
    return asked and compare(asked, *pair, test=method.name, replicates=REPLICATES)


def silence(method: Method, shape: Shape) -> str | None:
    """Why a method gives no number on this shape, None if it does."""
    answer = first(method, shape)
    return answer.reason if answer else f"a {shape.metric.kind} is read by `{method.otherwise}` instead"


@cache
def measured(method: Method, shape: Shape) -> Measured:
    runs, effect_runs = QUICK_OR_SLOW.get(method.name, RUNS[method.needs])
    pvalues = np.array([known(each.pvalue) for each in effects(method, shape, False, runs)])
    there = effects(method, shape, True, effect_runs)
    truth, reductions = true_value(shape, there), [each.variance_reduction for each in there]
    return Measured(
        tuple(int((pvalues < alpha).sum()) for alpha in ALPHAS),
        runs,
        float(reference.kstest(pvalues, "uniform").pvalue),
        sum(known(each.low) <= truth <= known(each.high) for each in there),
        sum(known(each.pvalue) < 0.05 for each in there),
        effect_runs,
        formula(shape) if there[0].estimand in NORMAL_THEORY else None,
        None if reductions[0] is None else float(np.mean([known(each) for each in reductions])),
    )


def effects(method: Method, shape: Shape, effect: bool, runs: int) -> list[Effect]:
    """The answer to each experiment; experiments with the same moments are asked once."""
    asked = question(method, shape)
    assert asked is not None
    if method.needs != "moments":
        pairs = enumerate(samples(shape, effect, runs))
        return [compare(asked, *pair, test=method.name, seed=at, replicates=REPLICATES) for at, pair in pairs]
    told: dict[tuple[float, ...], Effect] = {}
    found = []
    for pair in moments(shape, effect, runs):
        key = _key(*pair)
        if key not in told:
            told[key] = compare(asked, *pair, test=method.name)
        found.append(told[key])
    return found


def _key(*arms: Moments) -> tuple[float, ...]:
    return tuple(
        value for arm in arms for part in (arm.sums, arm.comoments) for value in part.round(6).ravel().tolist()
    )


def true_value(shape: Shape, found: list[Effect]) -> float:
    """What was put in; for a method that estimates something of its own, what it finds on average."""
    own = found[0].estimand not in NORMAL_THEORY
    return float(np.mean([known(each.difference) for each in found])) if own else shape.truth


@cache
def formula(shape: Shape) -> float:
    """Power by the normal law, with the spreads of very many units of both arms."""
    arms = [population(shape, lift) for lift in (0.0, shape.lift)]
    se = hypot(*(unit_sd(shape.metric, arm) / sqrt(n) for arm, n in zip(arms, shape.n, strict=True)))
    return power_at(shape.truth / se, 0.05)


def known(value: float | None) -> float:
    assert value is not None
    return value
