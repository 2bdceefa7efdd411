"""The interval of a stored forecast."""

from __future__ import annotations

import numpy as np
from scipy import special

from assay.detect.history import History
from assay.detect.noise import least_noise
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, possible


@detector
def forecast(data: History, newest: int, *, threshold: float = 3.0, coverage: float = 0.9) -> Expectation:
    """Deviations from `data.band`, whose interval covers the share `coverage`, in its own standard deviations.

    The two sides of the interval may differ. Slots without a forecast learn. Raises DefinitionsError (E104) for
    impossible parameters, ValueError for a history without a band.
    """
    if not (threshold > 0 and 0 < coverage < 1):
        raise refuse(
            "forecast", "An interval covers a share.", "Keep threshold > 0 and 0 < coverage < 1.",
            threshold=threshold, coverage=coverage,
        )  # fmt: skip
    if data.band is None:
        raise ValueError("the detector forecast needs a history with a band")
    wide = float(special.ndtri((1 + coverage) / 2))
    columns = slice(data.shape[1] - newest, None)
    expected, low, high = (each[:, columns] for each in (data.band.expected, data.band.low, data.band.high))
    least = least_noise(expected, data)
    below, above = np.fmax((expected - low) / wide, least), np.fmax((high - expected) / wide, least)
    value = data.values[:, columns]
    sigma = np.where(value < expected, below, above)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = (value - expected) / sigma
    bounds = possible(data, expected - threshold * below, expected + threshold * above)
    return Expectation(expected, sigma, score, *bounds, threshold)
