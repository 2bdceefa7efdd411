"""Moving mean ± sigma."""

from __future__ import annotations

import numpy as np

from assay.detect.history import History
from assay.detect.noise import least_noise
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, linear
from assay.detect.windows import trailing


@detector
def moving_average(data: History, newest: int, *, threshold: float = 3.0, window: int = 14) -> Expectation:
    """Mean ± threshold × standard deviation of the `window` slots before (Bollinger's bands).

    For series without a season. The scale is never under the least noise of the metric's kind. A series learns until
    all slots of a window are there. Raises DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and window >= 3):
        raise refuse(
            "moving_average", "A standard deviation needs three values.", "Keep threshold > 0 and window >= 3.",
            threshold=threshold, window=window,
        )  # fmt: skip
    mean, sigma, number = (each[:, data.shape[1] - newest :] for each in trailing(data.baseline, window))
    expected = np.where(number >= window, mean, np.nan)
    return linear(data, expected, np.maximum(sigma, least_noise(expected, data)), threshold)
