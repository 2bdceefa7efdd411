"""What a rule can see: the smallest drop that is found in time, at a given volume and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from assay.detect.policy import Policy
from assay.detect.scores import Scores
from assay.detect.series import Floats, divide

RECALL = 0.8
_DROPS = np.arange(0.01, 1.005, 0.01)


def minimum_visible_drop(
    expected: ArrayLike, sigma: ArrayLike, threshold: float = 4.0, *, confirm: tuple[int, int] = (1, 1),
    span: int = 2, recall: float = RECALL,
) -> float | None:  # fmt: skip
    """The smallest share of a metric that, lost for two slots, is found within them with the probability `recall`.

    `expected` and `sigma`: numbers, or arrays over the slots of a day, whose mean recall counts; slots that are not
    finite are left out. None if not even a total loss is found so often. `span` and `confirm` as the rule's.

    >>> minimum_visible_drop(500.0, 25.0)
    0.17
    >>> minimum_visible_drop(5.0, 2.3) is None
    True

    With z = drop × expected / sigma, and the noise of counts shrinking with the root of what is left, a slot is found
    with probability Φ((z - k) / sqrt(1 - drop)), the sum of two with Φ((z sqrt(2) - k) / sqrt(1 - drop)). Two
    independent looks find as 1 - (1 - p)²; two confirmations need p². Raises ValueError unless 0 < recall < 1.
    """
    if not 0 < recall < 1:
        raise ValueError("a recall lies between 0 and 1")
    ratio = divide(np.atleast_1d(np.asarray(expected, float)), np.atleast_1d(np.asarray(sigma, float)))
    found = recalls(ratio[np.isfinite(ratio)][None], threshold, confirm, span)[0]
    seen = np.flatnonzero(found >= recall)
    return round(float(_DROPS[seen[0]]), 2) if len(seen) else None


def recalls(ratio: Floats, threshold: float, confirm: tuple[int, int], span: int) -> Floats:
    """Mean recall of drops of 1 % to 100 %: (series, slots) of expected / sigma → (series, 100). NaN is left out."""
    known = np.isfinite(ratio)
    number = np.maximum(known.sum(axis=1), 1)
    columns = [
        np.where(known, _recall(np.nan_to_num(ratio), float(drop), threshold, confirm, span), 0.0).sum(axis=1) / number
        for drop in _DROPS
    ]
    return np.stack(columns, axis=1)


def visible_drop(scores: Scores, policy: Policy, per_day: int, span: int = 2, recall: float = RECALL) -> Floats:
    """`minimum_visible_drop` of every series from its last seven days, shape (series,); NaN where nothing is seen."""
    week = scores.newest(min(scores.shape[1], 7 * per_day))
    found = recalls(divide(np.abs(week.expected), week.sigma), scores.threshold, policy.confirm, span) >= recall
    drops: Floats = np.where(found.any(axis=1), _DROPS[np.argmax(found, axis=1)], np.nan)
    least: Floats = np.maximum(drops, policy.min_change).astype(np.float64)
    return least


def _recall(ratio: Floats, drop: float, threshold: float, confirm: tuple[int, int], span: int) -> Floats:
    left = np.sqrt(max(1 - drop, 1e-3))
    single = special.ndtr((ratio * drop - threshold) / left)
    if confirm[0] > 1:
        return single**2 if confirm[0] == 2 else np.zeros(single.shape)
    both = special.ndtr((ratio * drop * np.sqrt(2) - threshold) / left) if span == 2 else np.zeros(single.shape)
    recall: Floats = np.maximum(1 - (1 - single) ** 2, both)
    return recall
