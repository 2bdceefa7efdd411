"""The normal mixture: a boundary for every look at once, known in closed form."""

from __future__ import annotations

import numpy as np
from scipy.special import lambertw

from assay.stats.moments import Array
from assay.stats.sequential.rules import Band


def mixture(z: Array, ratio: Array, alpha: float) -> Band:
    """The band of Robbins (1970) under an effect drawn from N(0, τ²). `z`, `ratio`: shape (k,), ratio r = τ² ÷ se².

    The likelihood ratio Λ = exp(z² r ÷ 2(1 + r)) ÷ √(1 + r) is a martingale without an effect, so that it ever exceeds
    1 ÷ alpha with probability at most alpha (Ville 1939). The p-value is 1 ÷ the largest Λ so far.
    """
    log_pvalues = np.log1p(ratio) / 2 - z**2 * (ratio / (1 + ratio)) / 2
    pvalues = np.exp(np.minimum(np.minimum.accumulate(log_pvalues), 0.0))
    reach = np.sqrt((1 + ratio) / ratio * (np.log1p(ratio) - 2 * np.log(alpha)))
    return Band(reach, pvalues, np.full(len(z), alpha), (None,) * len(z))


def narrowest(alpha: float) -> float:
    """The ratio at which the band is narrowest: −W₋₁(−alpha² ÷ e) − 1 (Waudby-Smith et al. 2024, appendix B.2).

    >>> round(narrowest(0.05), 2)
    8.21
    """
    return -float(lambertw(-(alpha**2) / np.e, -1).real) - 1
