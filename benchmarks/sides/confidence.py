"""spotify-confidence: z tests with regression adjustment, from a table of sums."""

from __future__ import annotations

import pandas
from spotify_confidence.analysis.frequentist.z_test_linreg import ZTestLinreg

from benchmarks.sides import data
from benchmarks.sides.serve import Work, serve


def from_moments(path: str) -> Work:
    rows = []
    for variant, arm in enumerate(data.summaries(path)):
        n, mean, var = arm["n"], arm["mean"], arm["var"]
        for metric, covariate in data.PAIRS:
            square = {name: var[name] * (n - 1) + n * mean[name] ** 2 for name in (metric, covariate)}
            cross = arm["cov"][metric] * (n - 1) + n * mean[metric] * mean[covariate]
            rows.append((str(variant), metric, n, n * mean[metric], square[metric], n * mean[covariate],
                         square[covariate], cross))  # fmt: skip
    table = pandas.DataFrame(
        rows, columns=["variant", "metric", "n", "sum", "squares", "past", "past_squares", "cross"]
    )

    def work() -> list[list[float]]:
        test = ZTestLinreg(
            table, "sum", "squares", "n", "past", "past_squares", "cross",
            categorical_group_columns=["variant", "metric"], treatment_column="variant", metric_column="metric",
        )  # fmt: skip
        found = test.multiple_difference("0", groupby="metric", level_as_reference=True)
        found = found.set_index(["metric", "level_2"])[["difference", "ci_lower", "ci_upper"]]
        return [
            [float(value) for value in found.loc[(metric, str(treatment))]]
            for metric, _ in data.PAIRS
            for treatment in range(1, data.VARIANTS)
        ]

    return work


if __name__ == "__main__":
    serve({"from_moments": from_moments})
