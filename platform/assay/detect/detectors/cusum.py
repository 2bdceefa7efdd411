"""Cumulative sums: small shifts that last."""

from __future__ import annotations

import numpy as np

from assay.detect.history import History
from assay.detect.noise import least_noise
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, linear
from assay.detect.series import Floats
from assay.detect.windows import trailing


@detector
def cusum(
    data: History,
    newest: int,
    *,
    threshold: float = 5.0,
    slack: float = 0.5,
    history: int = 14,
    min_history: int = 7,
) -> Expectation:
    """Sums of standardised deviations beyond `slack`, upwards and downwards; the score is the larger one.

    Mean and standard deviation are those of the slots of the `history` days before, so it suits series without a
    season. Sums end at twice the threshold, so that they come down again after an incident. `low` and `high` are those
    of one slot alone. Source: Page (1954), Continuous inspection schemes, Biometrika 41, 100-115; Montgomery (2012),
    section 9.1. Raises DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and slack >= 0 and 1 <= min_history <= history):
        raise refuse(
            "cusum", "Sums need a positive threshold, some history and no negative slack.",
            "Keep threshold > 0, slack >= 0 and 1 <= min_history <= history.",
            threshold=threshold, slack=slack, history=history, min_history=min_history,
        )  # fmt: skip
    mean, sigma, number = trailing(data.baseline, history * data.per_day)
    expected = np.where(number >= min_history * data.per_day, mean, np.nan)
    straight = linear(data, expected, np.maximum(sigma, least_noise(expected, data)), threshold)
    sums = _sums(straight.score, slack, 2 * threshold)
    found = Expectation(expected, straight.sigma, sums, straight.low, straight.high, threshold)
    return found.newest(newest)


def _sums(score: Floats, slack: float, limit: float) -> Floats:
    """The larger one of both sums, signed; NaN where there is no score, which moves neither."""
    steps = np.nan_to_num(score)
    up, down = np.zeros(len(score)), np.zeros(len(score))
    sums = np.empty(score.shape)
    for slot in range(score.shape[1]):
        judged = ~np.isnan(score[:, slot])
        up = np.where(judged, np.clip(up + steps[:, slot] - slack, 0, limit), up)
        down = np.where(judged, np.clip(down - steps[:, slot] - slack, 0, limit), down)
        sums[:, slot] = np.where(up > down, up, -down)
    return np.where(np.isnan(score), np.nan, sums)
