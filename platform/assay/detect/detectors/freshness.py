"""Silence: how unlikely it is that nothing came for so long."""

from __future__ import annotations

import numpy as np
from scipy import special

from assay.detect.history import History
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation
from assay.detect.series import Floats, divide
from assay.detect.windows import as_slots, filled, over_days, same_slot


@detector
def freshness(
    data: History, newest: int, *, threshold: float = 4.0, history: int = 28, min_history: int = 7, max_lag: int = 2
) -> Expectation:
    """Empty slots in a row (zero or missing) against what those slots brought on the `history` days before.

    A run of them has the Poisson probability exp(-Σ expected), and the score is the normal quantile of that; but a run
    shorter than `max_lag` slots is never beyond the threshold. So a feed may sleep at night. Missing slots are judged,
    not passed over: the state is never no_data. For counts of the raw feed; a ratio or gauge is empty where it has no
    value. Raises DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and 1 <= min_history <= history and max_lag >= 1):
        raise refuse(
            "freshness", "A lag is counted in slots, and compared with some history.",
            "Keep threshold > 0, 1 <= min_history <= history and max_lag >= 1.",
            threshold=threshold, history=history, min_history=min_history, max_lag=max_lag,
        )  # fmt: skip
    expected = _usual(data, history, min_history)
    values = np.nan_to_num(data.values)
    empty = np.isnan(data.values) if data.kind != "count" else values == 0
    surprise = _runs(np.where(empty, np.nan_to_num(expected), 0.0), empty)
    run = _runs(empty.astype(np.float64), empty)
    score = np.where(empty, np.minimum(special.ndtri_exp(-np.minimum(surprise, 1e6)), 0.0), 0.0)
    score = np.where(run < max_lag, np.maximum(score, -threshold), score)
    score = np.where(np.isnan(expected), np.nan, score)
    sigma = np.sqrt(np.maximum(expected, 1.0))
    low = np.where(surprise > 0, 1.0, 0.0)
    found = Expectation(expected, sigma, score, low, np.full(low.shape, np.inf), threshold, silence=True)
    return found.newest(newest)


def _usual(data: History, history: int, least: int) -> Floats:
    """The mean of the same slot on the days before; 10 where a ratio or gauge always had a value."""
    days, first = same_slot(data, data.shape[1])
    if data.kind != "count":
        days = np.where(np.isnan(days), 0.0, 10.0)

    def mean(window: Floats) -> list[Floats]:
        number = np.count_nonzero(~np.isnan(window), axis=-1).astype(np.float64)
        return [np.where(filled(window, least), divide(np.nansum(window, axis=-1), number), np.nan)]

    return as_slots(over_days(days, first, history, mean)[0], data, data.shape[1])


def _runs(amounts: Floats, empty: np.ndarray) -> Floats:
    """Sums over the empty slots in a row that end at each slot."""
    total = np.cumsum(amounts, axis=1)
    before: Floats = np.maximum.accumulate(np.where(empty, 0.0, total), axis=1)
    return total - before
