"""What people write with NumPy, SciPy and Pingouin: the loops of the case study, and scipy.stats.bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pingouin
from scipy import stats

from benchmarks.sides import data
from benchmarks.sides.serve import Work, serve


def power(path: str, effects: Sequence[float], sizes: Sequence[int], tests: Sequence[str], simulations: int) -> Work:
    """The case study's loop: both groups drawn anew, the effect added to one, Pingouin's t-test on linearised likes.

    Unlike there, both are drawn from all users: a difference that the groups had would be added to the effect.
    """
    likes, views = data.load(path, 2).T
    pool = likes - likes.sum() / views.sum() * views

    def one(effect: float, size: int, test: str, random: Any) -> float:
        control, treatment = random.choice(pool, size), random.choice(pool, size)
        found = pingouin.ttest(treatment + effect * views.mean(), control, correction=test == "welch")
        return float(found.iloc[0][_P])

    def work() -> list[list[list[float]]]:
        random = np.random.default_rng(1)
        return [
            [
                [np.mean([one(effect, size, test, random) < 0.05 for _ in range(simulations)]) for effect in effects]
                for size in sizes
            ]
            for test in tests
        ]

    return work


def exact_power(path: str, effect: float, size: int, simulations: int) -> Work:
    """The bootstrap itself, for the correctness gate: Welch's test of the delta method, units drawn one by one."""
    history = data.load(path, 2)
    lift = effect * history[:, 1].sum() / history[:, 0].sum()

    def drawn(random: Any) -> tuple[float, float]:
        likes, views = history[random.integers(0, len(history), size)].T
        value = likes.sum() / views.sum()
        return value, float(np.var(likes - value * views, ddof=1)) / size / views.mean() ** 2

    def work() -> float:
        random, found = np.random.default_rng(2), 0
        for _ in range(simulations):
            (control, before), (treatment, after) = drawn(random), drawn(random)
            gap, variance = treatment * (1 + lift) - control, before + after * (1 + lift) ** 2
            found += abs(gap) > 1.96 * variance**0.5
        return found / simulations

    return work


def ratio(control: str, treatment: str, resamples: int, batch: int) -> Work:
    arms = data.load(control, 2), data.load(treatment, 2)

    def statistic(first: Any, second: Any, axis: int) -> Any:
        sums = first.sum(axis=axis), second.sum(axis=axis)
        return sums[1][0] / sums[1][1] - sums[0][0] / sums[0][1]

    return lambda: _bootstrap(arms, statistic, resamples, batch)


def ratio_loop(control: str, treatment: str, resamples: int) -> Work:
    """The case study's bootstrap of the global rate: users are drawn by index, resample by resample."""
    arms = [tuple(map(np.ascontiguousarray, data.load(path, 2).T)) for path in (control, treatment)]

    def drawn(arm: Any, random: Any) -> float:
        likes, views = arm
        users = random.integers(0, len(likes), len(likes))
        return float(likes[users].sum() / views[users].sum())

    def work() -> list[float]:
        random = np.random.default_rng(1)
        gaps = [drawn(arms[1], random) - drawn(arms[0], random) for _ in range(resamples)]
        return [float(np.mean(gaps)), *np.quantile(gaps, (0.025, 0.975)).tolist()]

    return work


def ratio_delta(control: str, treatment: str) -> Work:
    """The delta method, for the correctness gate."""

    def arm(path: str) -> tuple[float, float]:
        likes, views = data.load(path, 2).T
        value = likes.sum() / views.sum()
        return value, float(np.var(likes - value * views, ddof=1)) / len(likes) / views.mean() ** 2

    def work() -> list[float]:
        (before, first), (after, second) = arm(control), arm(treatment)
        reach = 1.959964 * (first + second) ** 0.5
        return [after - before, after - before - reach, after - before + reach]

    return work


def median(control: str, treatment: str, resamples: int, batch: int) -> Work:
    arms = data.load(control, 1)[:, 0], data.load(treatment, 1)[:, 0]

    def statistic(first: Any, second: Any, axis: int) -> Any:
        return np.median(second, axis=axis) - np.median(first, axis=axis)

    return lambda: _bootstrap(arms, statistic, resamples, batch)


def replays(path: str, count: int) -> Work:
    """The case study's A/A: users shuffled, linearised on the simulated control, Pingouin's Welch test."""
    likes, views = map(np.ascontiguousarray, data.load(path, 2).T)

    def work() -> list[float]:
        random, found = np.random.default_rng(1), []
        for _ in range(count):
            first, second = np.array_split(random.permutation(len(likes)), 2)
            rate = likes[first].sum() / views[first].sum()
            arms = (likes[each] - rate * views[each] for each in (first, second))
            found.append(float(pingouin.ttest(*arms, correction=True).iloc[0][_P]))
        return found

    return work


def _bootstrap(arms: Any, statistic: Any, resamples: int, batch: int) -> list[float]:
    found = stats.bootstrap(
        arms, statistic, n_resamples=resamples, batch=batch, method="percentile", axis=0, rng=np.random.default_rng(1)
    ).confidence_interval
    return [float(statistic(*arms, axis=0)), float(found.low), float(found.high)]


_P = "p_val" if "p_val" in pingouin.ttest([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], correction=True) else "p-val"

if __name__ == "__main__":
    serve({each.__name__: each for each in (
        power, exact_power, ratio, ratio_loop, ratio_delta, median, replays
    )})  # fmt: skip
