"""GrowthBook's gbstats: frequentist tests with regression adjustment, from sums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import RegressionAdjustedStatistic, SampleMeanStatistic

from benchmarks.sides import data
from benchmarks.sides.serve import Work, serve


def from_moments(path: str) -> Work:
    arms = data.summaries(path)
    pairs = [
        (_statistic(arms[0], *pair), _statistic(arms[treatment], *pair))
        for pair in data.PAIRS
        for treatment in range(1, data.VARIANTS)
    ]
    setting = FrequentistConfig(difference_type="absolute")

    def work() -> list[list[float]]:
        found = (TwoSidedTTest(*pair, setting).compute_result() for pair in pairs)
        return [[float(each.expected), *map(float, each.ci)] for each in found]

    return work


def _statistic(arm: Mapping[str, Any], metric: str, covariate: str) -> RegressionAdjustedStatistic:
    n, mean = arm["n"], arm["mean"]
    products = arm["cov"][metric] * (n - 1) + n * mean[metric] * mean[covariate]
    return RegressionAdjustedStatistic(n, _sums(arm, metric), _sums(arm, covariate), products, 0.0)


def _sums(arm: Mapping[str, Any], name: str) -> SampleMeanStatistic:
    n, mean = arm["n"], arm["mean"][name]
    return SampleMeanStatistic(n, n * mean, arm["var"][name] * (n - 1) + n * mean * mean)


if __name__ == "__main__":
    serve({"from_moments": from_moments})
