"""The case study's grid: 23 configurations × 7 windows of a week on 77 days, on two cores."""

from __future__ import annotations

import resource
from time import perf_counter

import numpy as np
from numpy.random import default_rng

from assay.forecast import Candidate, Events, Series, backtest, select
from benchmarks.measure import gate

DAYS, HORIZON, WINDOWS = 77, 7, 7
LIMIT, CORES = 180, 2
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


def measured() -> str:
    """Seconds of the processor and of the clock, and what was chosen."""
    random = default_rng(1)
    week = np.resize([1.0, 1.02, 1.03, 1.05, 1.06, 0.98, 0.97], DAYS)
    flags = np.zeros((DAYS + HORIZON, 2))
    flags[41:49, 0], flags[40, 1] = 1, 1
    values = 700_000 * np.exp(np.cumsum(random.normal(0.005, 0.04, DAYS)) + 0.5 * flags[:DAYS, 0]) * week
    events = Events(flags, ("flash mob", "ads"), (True, True))
    before, started = _processor(), perf_counter()
    tested = backtest(Series(values), candidates(), HORIZON, WINDOWS, "rolling", min_train=28, events=events, workers=2)
    seconds, used = perf_counter() - started, _processor() - before
    choice, failed = select(tested, "smape"), [each.candidate.name for each in tested.tested if each.failed]
    gate(not failed, f"failed: {failed}")
    met = "yes" if used <= CORES * LIMIT else "no"
    return (
        f"The case study's grid, {len(tested.tested)} configurations × {WINDOWS} windows, two processes: {used:.0f} "
        f"CPU s (target: {LIMIT} s of {CORES} cores: {met}), {seconds:.0f} s of the clock. Chosen: "
        f"{choice.chosen.name}, SMAPE {choice.score:.1%}, {choice.unseen:.1%} on windows that did not choose; "
        f"{choice.baseline} {choice.baseline_score:.1%}."
    )


def _processor() -> float:
    used = [resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
