"""tea-tasting: experiments from aggregates, tables and engines, bootstrap, simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tea_tasting as tt
from tea_tasting.aggr import Aggregates

from benchmarks.sides import data
from benchmarks.sides.serve import Work, serve

RATE = tt.RatioOfMeans("likes", "views")
METRICS = {metric: tt.Mean(metric, covariate) for metric, covariate in data.PAIRS}


def power(path: str, effect: float, simulations: int) -> Work:
    """Random splits of the users in two, likes of one of them raised by `effect` on the ratio."""
    likes, views = data.load(path, 2).T
    table, lift = pa.table({"likes": likes, "views": views}), 1 + effect * views.sum() / likes.sum()

    def treat(arm: pa.Table) -> pa.Table:
        return arm.set_column(arm.schema.get_field_index("likes"), "likes", pc.multiply(arm["likes"], lift))

    def work() -> float:
        found = tt.Experiment(rate=RATE).simulate(table, simulations, rng=1, treat=treat)
        return float(np.mean([result["rate"].pvalue < 0.05 for result in found]))

    return work


def ratio(control: str, treatment: str, resamples: int, batch: int) -> Work:
    table = _arms(("likes", "views"), control, treatment)

    def statistic(sample: Any, axis: int) -> Any:
        sums = sample.sum(axis=axis)
        return sums[0] / sums[1]

    metric = tt.Bootstrap(("likes", "views"), statistic, n_resamples=resamples, method="percentile", batch=batch, rng=1)
    return lambda: _ends(tt.Experiment(it=metric).analyze(table)["it"])


def median(control: str, treatment: str, resamples: int, batch: int) -> Work:
    table = _arms(("minutes",), control, treatment)
    metric = tt.Quantile("minutes", 0.5, n_resamples=resamples, method="percentile", batch=batch, rng=1)
    return lambda: _ends(tt.Experiment(it=metric).analyze(table)["it"])


def from_moments(path: str) -> Work:
    arms = {
        number: Aggregates(
            each["n"], each["mean"], each["var"], {pair: each["cov"][pair[0]] for pair in data.PAIRS}
        )
        for number, each in enumerate(data.summaries(path))
    }  # fmt: skip
    return lambda: _compared(arms)


def from_polars(path: str) -> Work:
    import polars

    table = polars.DataFrame(data.frame(path))
    return lambda: _compared(table)


def from_pandas(path: str) -> Work:
    import pandas

    table = pandas.DataFrame(data.frame(path))
    return lambda: _compared(table)


def from_arrow(path: str) -> Work:
    table = pa.table(data.frame(path))
    return lambda: _compared(table)


def from_duckdb(path: str) -> Work:
    import ibis

    table = ibis.duckdb.connect().create_table("units", pa.table(data.frame(path)))
    return lambda: _compared(table)


def replays(path: str, count: int) -> Work:
    table = pa.table(dict(zip(("likes", "views"), data.load(path, 2).T, strict=True)))

    def work() -> list[float]:
        found = tt.Experiment(rate=RATE).simulate(table, count, rng=1)
        return [float(result["rate"].pvalue) for result in found]

    return work


def many_replays(path: str, count: int) -> Work:
    past = [covariate for _, covariate in data.PAIRS]
    columns = data.frame(path)
    table = pa.table({name: columns[name] for name in past})
    experiment = tt.Experiment({name: tt.Mean(name) for name in past})
    return lambda: [
        [float(each.pvalue) for each in found.values()] for found in experiment.simulate(table, count, rng=1)
    ]


def _arms(names: Sequence[str], *paths: str) -> pa.Table:
    arms = [data.load(path, len(names)) for path in paths]
    columns = dict(zip(names, np.concatenate(arms).T, strict=True))
    return pa.table(columns | {"variant": np.repeat([0, 1], [len(arm) for arm in arms])})


def _compared(source: Any) -> list[list[float]]:
    found = tt.Experiment(METRICS).analyze(source, control=0, all_variants=True)
    return [_ends(found[0, treatment][name]) for name in METRICS for treatment in range(1, data.VARIANTS)]


def _ends(found: Any) -> list[float]:
    return [float(found.effect_size), float(found.effect_size_ci_lower), float(found.effect_size_ci_upper)]


if __name__ == "__main__":
    serve({each.__name__: each for each in (
        power, ratio, median, from_moments, from_polars, from_pandas, from_arrow, from_duckdb, replays,
        many_replays,
    )})  # fmt: skip
