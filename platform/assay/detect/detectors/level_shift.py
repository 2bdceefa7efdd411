"""A level that changed and stays: two neighbouring windows against one another."""

from __future__ import annotations

import numpy as np

from assay.detect.history import History
from assay.detect.noise import least_noise
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, linear
from assay.detect.series import Floats, divide
from assay.detect.windows import trailing


@detector
def level_shift(
    data: History, newest: int, *, threshold: float = 4.0, window: int = 12, history: int = 14, min_history: int = 7
) -> Expectation:
    """The mean of the last `window` slots against the `window` before them, both less the same slots a week earlier.

    Their difference is compared with its own standard deviation over the `history` days before, which is never under
    that of counting. The expectation is the value without the shift. As ADTK's LevelShiftAD, with the season taken
    out. Raises DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and window >= 2 and 1 <= min_history <= history):
        raise refuse(
            "level_shift", "A window holds two slots at least.",
            "Keep threshold > 0, window >= 2 and 1 <= min_history <= history.",
            threshold=threshold, window=window, history=history, min_history=min_history,
        )  # fmt: skip
    shift = _shift(data, window)
    past = _lagged(shift, 1)
    _, sigma, number = trailing(past, history * data.per_day)
    value = data.values[:, data.shape[1] - newest :]
    known = (number >= min_history * data.per_day)[:, data.shape[1] - newest :]
    shift, sigma = (each[:, data.shape[1] - newest :] for each in (shift, sigma))
    expected = np.where(
        known & ~np.isnan(shift), np.maximum(value - shift, 0.0) if data.kind != "gauge" else value - shift, np.nan
    )
    sigma = np.maximum(sigma, least_noise(expected, data) * np.sqrt(4 / window))
    found = linear(data, expected, sigma, threshold)
    return Expectation(expected, sigma, divide(shift, sigma), found.low, found.high, threshold)


def _shift(data: History, window: int) -> Floats:
    """Mean of the last `window` slots, the present one included, less that of the `window` before; NaN with gaps."""
    apart = data.values - _lagged(data.baseline, 7 * data.per_day)
    mean, _, number = trailing(_ahead(apart), window)
    mean = np.where(number >= window, mean, np.nan)
    return mean - _lagged(mean, window)


def _ahead(matrix: Floats) -> Floats:
    """So that "before each slot" includes the slot."""
    return np.pad(matrix[:, 1:], ((0, 0), (0, 1)), constant_values=np.nan)


def _lagged(matrix: Floats, slots: int) -> Floats:
    return np.pad(matrix, ((0, 0), (slots, 0)), constant_values=np.nan)[:, : matrix.shape[1]]
