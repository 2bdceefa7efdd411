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
from assay.stats import sequential
from assay.stats.arrivals import Arrivals
from assay.stats.bayes import Posterior, Prior, beta_binomial, posterior
from assay.stats.buckets import Buckets
from assay.stats.compare import Arm, compare
from assay.stats.corrections import CORRECTIONS, adjust, adjusted_alpha
from assay.stats.decision import decide
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
from assay.stats.grouped import moments_by
from assay.stats.heterogeneity import Interaction, SliceEffect, heterogeneity
from assay.stats.histogram import Histogram
from assay.stats.levene import levene
from assay.stats.moments import Moments
from assay.stats.novelty import Novelty, novelty
from assay.stats.power import CurvePoint, Design, Plan, curve, design, plan, power_at, unit_sd
from assay.stats.quantiles import clustered_quantile
from assay.stats.registry import METHODS, Method, choose, method
from assay.stats.relative import NonInferiority, noninferiority
from assay.stats.replay import AA, Level, aa, aa_many, judge
from assay.stats.resample import resample
from assay.stats.samples import Samples
from assay.stats.sequential import Look, Planned, sequential_srm
from assay.stats.setting import Setting
from assay.stats.simulate import power_surface
from assay.stats.srm import SliceSrm, SrmResult, SrmSlices, srm, srm_slices
from assay.stats.stratify import poststratify
from assay.stats.streams import derive, stream
from assay.stats.surface import PowerPoint, Surface
from assay.stats.verdict import Gate, Progress, Result, Verdict
from assay.stats.winsorize import Winsorized, winsorize

__all__ = [
    "AA",
    "CORRECTIONS",
    "METHODS",
    "Arm",
    "Arrivals",
    "Bimodality",
    "Buckets",
    "Crossovers",
    "CurvePoint",
    "Derived",
    "Design",
    "Distribution",
    "Effect",
    "Estimand",
    "Exposure",
    "Gate",
    "Histogram",
    "Imbalance",
    "Interaction",
    "Level",
    "Look",
    "Method",
    "MetricColumns",
    "MissingCovariate",
    "Moments",
    "NoAnswer",
    "NonInferiority",
    "Novelty",
    "Plan",
    "Planned",
    "Point",
    "Posterior",
    "PowerPoint",
    "Prior",
    "Progress",
    "Quantile",
    "Result",
    "Samples",
    "Setting",
    "SliceEffect",
    "SliceSrm",
    "Spread",
    "SrmResult",
    "SrmSlices",
    "Stability",
    "Surface",
    "Twyman",
    "Verdict",
    "Winsorized",
    "aa",
    "aa_many",
    "adjust",
    "adjusted_alpha",
    "beta_binomial",
    "bimodality",
    "choose",
    "clustered_quantile",
    "compare",
    "crossovers",
    "curve",
    "day_stability",
    "decide",
    "derive",
    "design",
    "distribution",
    "exposure",
    "heterogeneity",
    "imbalance",
    "judge",
    "levene",
    "method",
    "missing_covariate",
    "moments_by",
    "noninferiority",
    "novelty",
    "own_history",
    "plan",
    "posterior",
    "poststratify",
    "power_at",
    "power_surface",
    "resample",
    "sequential",
    "sequential_srm",
    "spread",
    "srm",
    "srm_slices",
    "stream",
    "twyman",
    "unit_sd",
    "winsorize",
]
