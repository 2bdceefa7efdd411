"""Exponentially weighted mean and variance: the second view of an agreement."""

from __future__ import annotations

import numpy as np

from assay.detect.history import History
from assay.detect.noise import least_noise
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, linear
from assay.detect.series import Floats, divide


@detector
def ewma(
    data: History, newest: int, *, threshold: float = 4.0, half_life: float = 6.0, min_slots: int = 14
) -> Expectation:
    """The mean of the past with weights that halve every `half_life` slots, ± threshold × that of its own errors.

    For series without a season, or beside a seasonal detector (`agree`). The scale is never under the least noise of
    the metric's kind. A series learns for `min_slots` slots. Source: Montgomery (2012), Introduction to Statistical
    Quality Control, section 10.4 (moving centre line). Raises DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and half_life > 0 and min_slots >= 2):
        raise refuse(
            "ewma", "An error needs two values.", "Keep threshold > 0, half_life > 0 and min_slots >= 2.",
            threshold=threshold, half_life=half_life, min_slots=min_slots,
        )  # fmt: skip
    memory = 0.5 ** (1 / half_life)
    mean = weighted_before(data.baseline, memory)
    squares = weighted_before((data.baseline - mean) ** 2, memory ** (1 / 4))
    seen = np.cumsum(~np.isnan(data.baseline), axis=1) - ~np.isnan(data.baseline)
    mean = np.where(seen >= min_slots, mean, np.nan)[:, data.shape[1] - newest :]
    sigma = np.sqrt(squares[:, data.shape[1] - newest :])
    return linear(data, mean, np.fmax(sigma, least_noise(mean, data)), threshold)


def weighted_before(matrix: Floats, memory: float) -> Floats:
    """Σ memory^j x_(t-j) / Σ memory^j over the known slots before each one; NaN before the first."""
    from scipy.signal import lfilter  # half a second, and few detectors need it

    known = ~np.isnan(matrix)
    above, below = (
        lfilter([1.0], [1.0, -memory], each, axis=1) for each in (np.where(known, matrix, 0.0), known.astype(float))
    )
    return divide(*(np.pad(each, ((0, 0), (1, 0)))[:, :-1] for each in (above, below)))
