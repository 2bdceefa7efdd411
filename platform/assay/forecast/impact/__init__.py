"""The causal effect of a dated event: an estimate, and the checks without which it is only a number.

    Study ──effect──▶ Effect ─┐
      ├──in_time, in_space──▶ Placebos ─┼─▶ Impact: found or not, and whether to believe it
      └──holdout──▶ Holdout ──┘

`differences` is for many units, `synthetic_control` for a few that resemble the treated one.
"""

from __future__ import annotations

from assay.forecast.impact.checks import Holdout, Placebos
from assay.forecast.impact.differences import Differences, differences
from assay.forecast.impact.effect import Effect, Estimate
from assay.forecast.impact.gibbs import Counterfactual, counterfactual
from assay.forecast.impact.second import Second
from assay.forecast.impact.study import Study
from assay.forecast.impact.synthetic import Synthetic, synthetic_control
from assay.forecast.impact.verdict import Impact, impact

__all__ = [
    "Counterfactual", "Differences", "Effect", "Estimate", "Holdout", "Impact", "Placebos", "Second", "Study",
    "Synthetic", "counterfactual", "differences", "impact", "synthetic_control",
]  # fmt: skip
