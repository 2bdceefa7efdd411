"""Tukey's fences around the quartiles of the same clock slot."""

from __future__ import annotations

import numpy as np

from assay.detect.history import History
from assay.detect.noise import least_noise
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, possible
from assay.detect.series import Floats
from assay.detect.windows import as_slots, filled, over_days, same_slot

IQR = 1.349  # the interquartile range of normal values in standard deviations


@detector
def tukey(
    data: History, newest: int, *, threshold: float = 3.0, history: int = 30, min_history: int = 14
) -> Expectation:
    """Ordinary from Q1 - threshold × IQR to Q3 + threshold × IQR of the same slot on the `history` days before.

    The score is the distance beyond the quartile in interquartile ranges, which are never under 1.349 of the least
    noise of the metric's kind; 1.5 is Tukey's inner fence, 3 his outer one. Source: Tukey (1977), Exploratory Data
    Analysis, section 2C. Raises DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and 4 <= min_history <= history):
        raise refuse(
            "tukey", "Quartiles need four values.", "Keep threshold > 0 and 4 <= min_history <= history.",
            threshold=threshold, history=history, min_history=min_history,
        )  # fmt: skip
    days, first = same_slot(data, newest)

    def quartiles(window: Floats) -> list[Floats]:
        enough = filled(window, min_history)[..., None]
        return [_quantile(np.where(enough, window, np.nan), share) for share in (0.25, 0.5, 0.75)]

    q1, middle, q3 = (as_slots(each, data, newest) for each in over_days(days, first, history, quartiles))
    spread = np.maximum(q3 - q1, IQR * least_noise(middle, data))
    value = data.values[:, data.shape[1] - newest :]
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.where(value > q3, (value - q3) / spread, np.where(value < q1, (value - q1) / spread, 0.0))
    low, high = possible(data, q1 - threshold * spread, q3 + threshold * spread)
    return Expectation(middle, spread / IQR, score, low, high, threshold)


def _quantile(window: Floats, share: float) -> Floats:
    """Along the last axis without NaN, by linear interpolation; NaN where there is nothing."""
    if not window.shape[-1]:
        return np.full(window.shape[:-1], np.nan)
    ordered = np.sort(window, axis=-1)
    at = share * (np.count_nonzero(~np.isnan(window), axis=-1) - 1)
    below = np.maximum(np.floor(at), 0).astype(np.intp)
    above = np.minimum(below + 1, window.shape[-1] - 1)
    lower, upper = (np.take_along_axis(ordered, each[..., None], -1)[..., 0] for each in (below, above))
    quantile: Floats = np.where(at > below, lower + (at - below) * (upper - lower), lower)
    return quantile
