"""Shewhart's chart of individuals."""

from __future__ import annotations

import numpy as np

from assay.detect.history import History
from assay.detect.noise import least_noise
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, linear
from assay.detect.windows import trailing

D2 = 1.128  # the expected range of two normal values in standard deviations


@detector
def shewhart(
    data: History, newest: int, *, threshold: float = 3.0, history: int = 14, min_history: int = 7
) -> Expectation:
    """Mean ± threshold × (mean moving range / 1.128) over the slots of the `history` days before.

    For series without a season, such as error shares or daily totals. The scale is never under the least noise of the
    metric's kind. A series learns until `min_history` days of slots are there. Source: Montgomery (2012), Introduction
    to Statistical Quality Control, section 6.4. Raises DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and 1 <= min_history <= history):
        raise refuse(
            "shewhart", "A chart needs a positive threshold and some history.",
            "Keep threshold > 0 and 1 <= min_history <= history.",
            threshold=threshold, history=history, min_history=min_history,
        )  # fmt: skip
    values, length = data.baseline, history * data.per_day
    mean, _, number = trailing(values, length)
    ranges = np.abs(np.diff(values, axis=1, prepend=np.nan))
    sigma = trailing(ranges, length)[0] / D2
    expected = np.where(number >= min_history * data.per_day, mean, np.nan)[:, data.shape[1] - newest :]
    sigma = np.maximum(sigma[:, data.shape[1] - newest :], least_noise(expected, data))
    return linear(data, expected, sigma, threshold)
