"""When a score deserves a message: the conditions of one slot, for a whole matrix at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assay.detect.judgement import Judgement
from assay.detect.scores import LEARNING, NO_DATA, OK, Scores
from assay.detect.series import Bools

Sides = NDArray[np.int8]
Status = Literal["ok", "learning", "no_data"]
_STATUS: dict[int, Status] = {OK: "ok", LEARNING: "learning", NO_DATA: "no_data"}


@dataclass(frozen=True, slots=True)
class Policy:
    """When an anomaly deserves a message.

    `confirm` (n, m): n of the last m slots are hits to the same side, the newest included. A hit is an anomaly in
    `direction` with a `volume` of at least `min_volume` and a relative change of at least `min_change`. A hit of
    `instant` standard deviations needs no confirmation. `resolve`: so many judged slots in a row under `below` × the
    threshold (or on the other side of a one-sided rule) end an episode. `no_data`: missing slots in a row that are
    told of; 0 for never, as critical with `no_data_critical`. From a change of `critical` on, an episode is critical.
    In seconds: while an episode is critical and not acknowledged, it is told again in its thread every `update` and as
    a new message every `repeat`; not acknowledged, it escalates after `escalate`.

    Raises ValueError unless 1 <= n <= m, resolve >= 1, 0 < below <= 1, no_data >= 0 and the durations are positive.
    """

    confirm: tuple[int, int] = (1, 1)
    direction: Literal["up", "down", "both"] = "both"
    min_volume: float = 0.0
    min_change: float = 0.0
    resolve: int = 3
    below: float = 0.5
    instant: float = inf
    no_data: int = 2
    no_data_critical: bool = False
    critical: float = inf
    update: float = inf
    repeat: float = inf
    escalate: float = inf

    def __post_init__(self) -> None:
        needed, of = self.confirm
        if not 1 <= needed <= of or self.resolve < 1:
            raise ValueError("a policy needs 1 <= n <= m in confirm, and resolve >= 1")
        if not 0 < self.below <= 1 or self.no_data < 0 or min(self.update, self.repeat, self.escalate) <= 0:
            raise ValueError("a policy needs 0 < below <= 1, no_data >= 0, and positive durations")


@dataclass(frozen=True, slots=True)
class Reading:
    """One slot of one series as the lifecycle reads it; slots are numbered without gaps.

    `side`: -1 or 1 for a hit, 0 for none. `clean`: ordinary enough to end an episode. Numbers are finite or None.
    """

    slot: int
    status: Status
    side: int = 0
    clean: bool = True
    instant: bool = False
    critical: bool = False
    value: float | None = None
    expected: float | None = None
    score: float | None = None
    change: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """The same for a matrix, shape (series, slots); column 0 is the slot number `first`."""

    scores: Scores
    sides: Sides
    clean: Bools
    instant: Bools
    critical: Bools
    first: int = 0

    def at(self, series: int, column: int) -> Reading:
        """One slot of one series."""
        here = series, column
        return Reading(
            self.first + column, _STATUS[int(self.scores.state[here])], int(self.sides[here]), bool(self.clean[here]),
            bool(self.instant[here]), bool(self.critical[here]), *self._numbers(here),
        )  # fmt: skip

    def _numbers(self, here: tuple[int, int]) -> list[float | None]:
        value, expected = float(self.scores.value[here]), float(self.scores.expected[here])
        change = (value - expected) / abs(expected) if expected else inf
        return [
            each if np.isfinite(each) else None for each in (value, expected, float(self.scores.score[here]), change)
        ]


def read(scores: Scores, policy: Policy, first: int = 0, muted: Bools | None = None) -> Readings:
    """What each slot means under a policy. `muted`, shape (series, slots): a known event, in which nothing is a hit."""
    size = np.abs(np.nan_to_num(scores.score))
    change = np.abs(scores.change)
    known = (scores.state == OK) & (~np.less(scores.volume, policy.min_volume)) & ~np.less(change, policy.min_change)
    allowed = known if muted is None else known & ~muted
    wanted = _toward(scores, policy)
    hits = allowed & wanted & (size > scores.threshold)
    sides = np.where(hits, np.sign(np.nan_to_num(scores.score)), 0).astype(np.int8)
    clean = (size < policy.below * scores.threshold) | ~wanted
    critical = hits & (np.nan_to_num(change, nan=inf) >= policy.critical)
    return Readings(scores, sides, clean, hits & (size >= policy.instant), critical, first)


def _toward(scores: Scores, policy: Policy) -> Bools:
    if policy.direction == "both":
        return np.ones(scores.shape, dtype=bool)
    toward: Bools = np.nan_to_num(scores.score) * (1 if policy.direction == "up" else -1) > 0
    return toward


def objection(judgement: Judgement, policy: Policy) -> str:
    """Why one slot is not a hit; empty when it is one."""
    if judgement.status != "anomaly":
        return {"ok": "within its bounds", "learning": "too little history", "no_data": "no data"}[judgement.status]
    if policy.direction not in ("both", judgement.direction):
        return f"the value went {judgement.direction}, the rule watches {policy.direction}"
    if judgement.volume is not None and judgement.volume < policy.min_volume:
        return f"the volume {judgement.volume:g} is under {policy.min_volume:g}"
    if judgement.change is not None and abs(judgement.change) < policy.min_change:
        return f"the change {judgement.change:+.1%} is under {policy.min_change:.1%}"
    return ""
