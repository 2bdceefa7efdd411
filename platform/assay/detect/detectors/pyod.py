"""Any detector of PyOD's, through its parameter-free ECOD: an optional extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from assay.detect.history import WEEK, History
from assay.detect.noise import median
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation, linear
from assay.detect.series import Floats, divide
from assay.detect.windows import as_slots, filled, over_days, same_slot
from assay.errors import UsageError


@detector
def pyod(
    data: History, newest: int, *, threshold: float = 4.0, history: int = 28, min_history: int = 14
) -> Expectation:
    """How unlike the `history` days before a slot is, by PyOD's ECOD on two features of each slot.

    The features are the deviations from the median of the same clock slot and from the slot before, in that median's
    size. ECOD's score is standardised by median and MAD of the past ones, and signed by the first feature. A series is
    fitted by itself, once for every judged day: for tens of series. Source: Li et al. (2022), ECOD, IEEE TKDE 35,
    12181-12193. Raises DefinitionsError (E104) for impossible parameters, UsageError (E601) without PyOD.
    """
    if not (threshold > 0 and 2 <= min_history <= history):
        raise refuse(
            "pyod", "A model needs some days to learn from.", "Keep threshold > 0 and 2 <= min_history <= history.",
            threshold=threshold, history=history, min_history=min_history,
        )  # fmt: skip
    model = _ecod()
    usual = _usual(data, history, min_history)
    features = _features(data, usual)
    score = np.full(data.values.shape, np.nan)
    first = (data.shape[1] - newest) // data.per_day
    for day in range(max(first, min_history), data.days):
        past = slice(max(day - history, 0) * data.per_day, day * data.per_day)
        today = slice(day * data.per_day, min((day + 1) * data.per_day, data.shape[1]))
        for row in range(data.shape[0]):
            score[row, today] = _judged(model, features[row, past], features[row, today])
    expected, score = (each[:, data.shape[1] - newest :] for each in (usual, score))
    value = data.values[:, data.shape[1] - newest :]
    sigma = divide(np.abs(value - expected), np.maximum(np.abs(score), 1e-9))
    straight = linear(data, expected, sigma, threshold)
    return Expectation(expected, np.maximum(sigma, 1e-9), score, straight.low, straight.high, threshold)


def _ecod() -> Any:
    try:
        return import_module("pyod.models.ecod").ECOD
    except ImportError as error:
        raise UsageError.of(
            "E601",
            "The detector pyod needs PyOD, which is not installed.",
            why="It is an optional extra: most alerts need none of its hundred dependencies.",
            fix="Install it: pip install 'assay-platform[pyod]'; or use the detector seasonal_level.",
        ) from error


def _usual(data: History, history: int, least: int) -> Floats:
    days, first = same_slot(data, data.shape[1])

    def centre(window: Floats) -> list[Floats]:
        return [np.where(filled(window, least), median(window), np.nan)]

    return as_slots(over_days(days, first, history, centre)[0], data, data.shape[1])


def _features(data: History, usual: Floats) -> Floats:
    """Shape (series, slots, 2); NaN where the median is not known."""
    size = np.maximum(np.abs(usual), 1.0)
    apart = (data.values - usual) / size
    return np.stack([apart, apart - np.pad(apart, ((0, 0), (1, 0)))[:, :-1]], axis=-1)


def _judged(model: Any, past: Floats, today: Floats) -> Floats:
    """Standardised scores of the slots of a day; NaN where a feature is missing or too little was learnt."""
    score = np.full(len(today), np.nan)
    known, judged = (np.isfinite(each).all(axis=1) for each in (past, today))
    if known.sum() < WEEK or not judged.any():
        return score
    fitted = model().fit(past[known])
    centre, scores = np.median(fitted.decision_scores_), fitted.decision_function(today[judged])
    scale = 1.4826 * np.median(np.abs(fitted.decision_scores_ - centre))
    score[judged] = np.sign(today[judged, 0]) * np.maximum(scores - centre, 0.0) / max(scale, 1e-9)
    return score
