"""The case study's grid: 23 configurations × 7 windows of a week on 77 days, on two cores."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
from numpy.random import default_rng

from assay.forecast import Candidate, Events, Series, backtest, select

DAYS, HORIZON, WINDOWS = 77, 7, 7
BASELINES = ("naive", "seasonal_naive", "drift")


def candidates() -> tuple[Candidate, ...]:
    """Orbit's twenty of the case study, and three baselines."""
    dlt = [
        Candidate("dlt", {"estimator": estimator, "trend": trend, "regressors": regressors})
        for estimator in ("map", "mcmc") for trend in ("linear", "loglinear") for regressors in (False, True)
    ]  # fmt: skip
    dlt += [
        Candidate("dlt", {"estimator": estimator, "trend": "linear", "penalty": penalty})
        for estimator in ("map", "mcmc") for penalty in ("auto_ridge", "lasso")
    ]  # fmt: skip
    lgt = [
        Candidate("lgt", {"estimator": each, "regressors": regressors})
        for each in ("map", "mcmc")
        for regressors in (False, True)
    ]
    ets = [Candidate("orbit_ets", {"estimator": each}) for each in ("map", "mcmc")]
    ktr = [Candidate("ktr", {"regressors": each}) for each in (False, True)]
    return (*(Candidate(each) for each in BASELINES), *ets, *lgt, *dlt, *ktr)


def measured() -> dict[str, Any]:
    """Seconds of the clock, and what was chosen."""
    random = default_rng(1)
    week = np.resize([1.0, 1.02, 1.03, 1.05, 1.06, 0.98, 0.97], DAYS)
    flags = np.zeros((DAYS + HORIZON, 2))
    flags[41:49, 0], flags[40, 1] = 1, 1
    values = 700_000 * np.exp(np.cumsum(random.normal(0.005, 0.04, DAYS)) + 0.5 * flags[:DAYS, 0]) * week
    events = Events(flags, ("flash mob", "ads"), (True, True))
    started = perf_counter()
    tested = backtest(Series(values), candidates(), HORIZON, WINDOWS, "rolling", min_train=28, events=events, workers=2)
    choice = select(tested, "smape")
    return {
        "configurations": len(tested.tested), "seconds": round(perf_counter() - started, 1),
        "failed": [each.candidate.name for each in tested.tested if each.failed],
        "chosen": choice.chosen.name, "smape": choice.score, "unseen": choice.unseen, "baseline": choice.baseline_score,
    }  # fmt: skip
