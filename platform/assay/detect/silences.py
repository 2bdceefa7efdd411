"""What keeps messages back or changes what is expected: silences with an end, and known events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from assay.detect.history import History
from assay.detect.scores import Scores
from assay.detect.series import Bools, divide


@dataclass(frozen=True, slots=True)
class Silence:
    """No message begins from `start` until before `end`, in seconds since 1970; of all fingerprints when None.

    Raises ValueError unless start < end < infinity.
    """

    name: str
    start: float
    end: float
    fingerprints: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not self.start < self.end < np.inf:
            raise ValueError("a silence needs start < end, and an end")

    def covers(self, fingerprint: str, at: float) -> bool:
        return self.start <= at < self.end and (self.fingerprints is None or fingerprint in self.fingerprints)


def quiet(silences: Iterable[Silence], fingerprint: str, at: float) -> tuple[str, ...]:
    """The names of the silences that cover a fingerprint now, sorted."""
    return tuple(sorted(each.name for each in silences if each.covers(fingerprint, at)))


def left_out(data: History, event: Bools) -> History:
    """The same history with the slots of a known event or incident out of every baseline; shape (series, slots)."""
    weights = np.ones(data.shape) if data.weights is None else data.weights
    return replace(data, weights=np.where(event, 0.0, weights))


def expecting(scores: Scores, event: Bools, low: float, high: float) -> Scores:
    """Scores of a known event that changes the metric by `low` to `high` (0.2 and 0.6 for +20 % to +60 %).

    Inside that range a slot is ordinary, with score 0. Outside, the expectation is the nearer end of the range, and
    its noise grows with the root of the size, as that of counts does. Raises ValueError unless -1 < low <= high.
    """
    if not -1 < low <= high:
        raise ValueError("an expected change needs -1 < low <= high")
    seen = np.nan_to_num(divide(scores.value, scores.expected), nan=1.0)
    factor = np.where(event, np.clip(seen, 1 + low, 1 + high), 1.0)
    sigma = scores.sigma * np.sqrt(factor)
    score = np.where(event, divide(scores.value - scores.expected * factor, sigma), scores.score)
    ends = [np.where(event, each * (1 + change), each) for each, change in ((scores.low, low), (scores.high, high))]
    return replace(scores, expected=scores.expected * factor, sigma=sigma, score=score, low=ends[0], high=ends[1])
