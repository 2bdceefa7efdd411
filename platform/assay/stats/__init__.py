"""The stats engine: moments in, effects and verdicts out. Numbers only, usable alone in a notebook.

>>> from assay import stats
>>> control = stats.Moments.of(["likes", "views"], [[2, 10], [3, 12], [5, 20], [1, 9]])
>>> treatment = stats.Moments.of(["likes", "views"], [[3, 10], [5, 12], [6, 20], [2, 9]])
>>> effect = stats.compare(stats.MetricColumns("likes", "views"), control, treatment)
>>> round(effect.control, 3), round(effect.treatment, 3), effect.n_control
(0.216, 0.314, 4)
>>> stats.adjust([0.01, 0.03], "holm")
(0.02, 0.03)

A new method is one file in `methods/` with one decorated function: `compare`, the definitions and the contract tests
find it in `METHODS`.
"""

from __future__ import annotations

import assay.stats.methods  # noqa: F401  it registers every method
from assay.stats.buckets import Buckets
from assay.stats.compare import compare
from assay.stats.corrections import CORRECTIONS, adjust
from assay.stats.decision import Gate, Result, Verdict, decide
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Derived, Estimand, MetricColumns, Point, Quantile
from assay.stats.histogram import Histogram
from assay.stats.moments import Moments
from assay.stats.power import Plan, plan, power_at, unit_sd
from assay.stats.registry import METHODS, Method, choose, method
from assay.stats.samples import Samples
from assay.stats.setting import Setting
from assay.stats.srm import SrmResult, srm
from assay.stats.streams import derive, stream
from assay.stats.validity import (
    Bimodality,
    Crossovers,
    Distribution,
    Spread,
    Stability,
    bimodality,
    crossovers,
    day_stability,
    distribution,
    spread,
)

__all__ = [
    "CORRECTIONS",
    "METHODS",
    "Bimodality",
    "Buckets",
    "Crossovers",
    "Derived",
    "Distribution",
    "Effect",
    "Estimand",
    "Gate",
    "Histogram",
    "Method",
    "MetricColumns",
    "Moments",
    "NoAnswer",
    "Plan",
    "Point",
    "Quantile",
    "Result",
    "Samples",
    "Setting",
    "Spread",
    "SrmResult",
    "Stability",
    "Verdict",
    "adjust",
    "bimodality",
    "choose",
    "compare",
    "crossovers",
    "day_stability",
    "decide",
    "derive",
    "distribution",
    "method",
    "plan",
    "power_at",
    "spread",
    "srm",
    "stream",
    "unit_sd",
]
