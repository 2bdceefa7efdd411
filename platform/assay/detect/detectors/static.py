"""Bounds that somebody wrote down."""

from __future__ import annotations

import numpy as np

from assay.detect.history import History
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation


@detector
def static(data: History, newest: int, *, low: float = -1e999, high: float = 1e999) -> Expectation:
    """Ordinary from `low` to `high`, both included; infinite (1e999 as a literal) where left out.

    Needs no history. The expectation is the nearest ordinary value, and the score the distance to it relative to its
    size, plus 1: beyond 1 outside the bounds, 0 inside. Raises DefinitionsError (E104) unless low <= high.
    """
    if not low <= high:
        raise refuse("static", "No value lies between such bounds.", "Keep low <= high.", low=low, high=high)
    value = data.values[:, data.shape[1] - newest :]
    expected = np.clip(value, low, high)
    size = np.maximum(np.abs(expected), 1.0)
    score = np.where(value == expected, 0.0, (value - expected) / size + np.sign(value - expected))
    lows, highs = (np.full(value.shape, bound) for bound in (low, high))
    return Expectation(np.nan_to_num(expected), np.nan_to_num(size, nan=1.0), score, lows, highs, 1.0)
