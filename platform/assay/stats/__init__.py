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
from assay.stats.compare import Arm, compare
from assay.stats.corrections import CORRECTIONS, adjust
from assay.stats.decision import Gate, Result, Verdict, decide
from assay.stats.effect import Effect, NoAnswer
from assay.stats.estimand import Derived, Estimand, MetricColumns, Point, Quantile
from assay.stats.gates.days import Stability, day_stability
from assay.stats.gates.shape import (
    Bimodality,
    Distribution,
    Spread,
    bimodality,
    distribution,
    own_history,
    spread,
)
from assay.stats.gates.size import Imbalance, Twyman, imbalance, twyman
from assay.stats.gates.traffic import (
    Crossovers,
    Exposure,
    MissingCovariate,
    crossovers,
    exposure,
    missing_covariate,
)
from assay.stats.histogram import Histogram
from assay.stats.moments import Moments
from assay.stats.power import Plan, plan, power_at, unit_sd
from assay.stats.registry import METHODS, Method, choose, method
from assay.stats.samples import Samples
from assay.stats.setting import Setting
from assay.stats.srm import SrmResult, srm
from assay.stats.streams import derive, stream

__all__ = [
    "CORRECTIONS",
    "METHODS",
    "Arm",
    "Bimodality",
    "Buckets",
    "Crossovers",
    "Derived",
    "Distribution",
    "Effect",
    "Estimand",
    "Exposure",
    "Gate",
    "Histogram",
    "Imbalance",
    "Method",
    "MetricColumns",
    "MissingCovariate",
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
    "Twyman",
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
    "exposure",
    "imbalance",
    "method",
    "missing_covariate",
    "own_history",
    "plan",
    "power_at",
    "spread",
    "srm",
    "stream",
    "twyman",
    "unit_sd",
]
