"""Assay's own side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from assay import stats
from assay.jobs.experiments.moments import moments
from assay.jobs.experiments.units import EVERYONE
from benchmarks.sides import data, warehouse
from benchmarks.sides.serve import Work, serve

RATE = stats.MetricColumns("likes", "views")
METRICS = tuple(stats.MetricColumns(metric, None, covariate) for metric, covariate in data.PAIRS)
Ends = list[float]


def power(path: str, effects: Sequence[float], sizes: Sequence[int], tests: Sequence[str], simulations: int) -> Work:
    history = _samples(path)

    def work() -> Any:
        return stats.power_surface(RATE, history, effects, sizes, tests=tests, simulations=simulations).power.tolist()

    return work


def ratio(control: str, treatment: str, test: str) -> Work:
    arms = _samples(control), _samples(treatment)
    return lambda: _ends(stats.compare(RATE, *arms, test=test))


def median(control: str, treatment: str, replicates: int = 10_000) -> Work:
    arms = [stats.Samples.of(["minutes"], data.load(path, 1)) for path in (control, treatment)]
    return lambda: _ends(stats.compare(stats.Quantile("minutes", 0.5), *arms, test="quantile", replicates=replicates))


def buckets(control: str, treatment: str) -> Work:
    """Aggregation in the warehouse and the bootstrap of what it gives."""
    units = warehouse.units(("likes", "views"), {"control": control, "treatment": treatment})

    def work() -> Ends:
        arms = units.buckets("benchmark", {})
        return _ends(stats.compare(RATE, arms["control"], arms["treatment"], test="bootstrap"))

    return work


def from_moments(path: str) -> Work:
    summaries = data.summaries(path)
    arms = [[_moments(each, *pair) for each in summaries] for pair in data.PAIRS]
    return lambda: _compared(arms)


def from_columns(path: str) -> Work:
    columns = data.frame(path)
    metrics = {metric.numerator: metric for metric in METRICS}

    def work() -> list[Ends]:
        found = stats.moments_by(columns, columns["variant"], metrics)
        return _compared([each[variant] for variant in range(data.VARIANTS)] for each in found.values())

    return work


def from_rows(path: str, part: Literal["all", "query", "rest"] = "all") -> Work:
    """From the rows of a warehouse: the query for their moments, the rest, or both."""
    units = warehouse.units(data.COLUMNS[1:], {"": path}, variants=True)

    def query() -> Mapping[str, Mapping[str, Any]]:
        return units.moments({})[EVERYONE]

    def rest(rows: Mapping[str, Mapping[str, Any]]) -> list[Ends]:
        return _compared([moments(row, pair) for row in rows.values()] for pair in data.PAIRS)

    answered = query()
    works: dict[str, Work] = {
        "all": lambda: rest(query()),
        "query": lambda: len(query()),
        "rest": lambda: rest(answered),
    }
    return works[part]


def replays(path: str, count: int) -> Work:
    history = _samples(path)
    return lambda: _judged(stats.aa(RATE, history, replays=count))


def bucketed_replays(path: str, count: int) -> Work:
    units = warehouse.units(("x_likes", "x_views"), {"": path})
    rate = stats.MetricColumns("x_likes", "x_views")
    return lambda: _judged(stats.aa(rate, units.buckets("benchmark", {}, past=True)[""], replays=count))


def many_replays(path: str, count: int) -> Work:
    units = warehouse.units(data.COLUMNS[1:], {"": path}, variants=True)
    past = {covariate: stats.MetricColumns(covariate) for _, covariate in data.PAIRS}

    def work() -> list[Any]:
        history = units.buckets("benchmark", {}, past=True)[""]
        return [_judged(each) for each in stats.aa_many(past, history, replays=count).values()]

    return work


def _samples(path: str) -> stats.Samples:
    return stats.Samples.of(("likes", "views"), data.load(path, 2))


def _moments(found: Mapping[str, Any], metric: str, covariate: str) -> stats.Moments:
    mean, var, cov = (found[name] for name in ("mean", "var", "cov"))
    spread = np.array([[var[metric], cov[metric]], [cov[metric], var[covariate]]])
    sums = found["n"] * np.array([mean[metric], mean[covariate]])
    return stats.Moments(found["n"], (metric, covariate), sums, (found["n"] - 1) * spread)


def _compared(arms: Iterable[Sequence[stats.Moments]]) -> list[Ends]:
    """Every treatment against the control, metric by metric; `arms` hold the variants of each."""
    return [
        _ends(stats.compare(metric, control, treatment))
        for metric, (control, *treatments) in zip(METRICS, arms, strict=True)
        for treatment in treatments
    ]


def _ends(effect: stats.Effect) -> Ends:
    assert effect.reason is None, effect.reason
    return [float(value or 0.0) for value in (effect.difference, effect.low, effect.high)]


def _judged(found: stats.AA) -> dict[str, Any]:
    rates = {str(level.alpha): level.rate for level in found.levels}
    return {"rates": rates, "pvalues": found.pvalues.tolist(), "verdict": found.verdict}


if __name__ == "__main__":
    serve({each.__name__: each for each in (
        power, ratio, median, buckets, from_moments, from_columns, from_rows, replays, bucketed_replays, many_replays
    )})  # fmt: skip
