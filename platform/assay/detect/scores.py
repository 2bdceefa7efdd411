"""The output of every detector: how far each slot is from what was expected, in standard deviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from assay.detect.history import History
from assay.detect.judgement import Judgement, Status
from assay.detect.series import Bools, Floats, Kind, divide

OK, LEARNING, NO_DATA = 0, 1, 2
States = NDArray[np.int8]
Record = TypeVar("Record", "Expectation", "Scores")
_NAMES: tuple[Status, ...] = ("ok", "learning", "no_data")


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """What a detector says; float64, shape (series, newest slots).

    `expected` and `sigma` (one standard deviation) in the metric's unit. `score`: standard deviations from the
    expectation, signed, on the scale on which the noise is symmetrical. `low` and `high`: the values at which one slot
    alone reaches the threshold. NaN in `expected` or `sigma`, or no positive sigma: the series is still learning.
    """

    expected: Floats
    sigma: Floats
    score: Floats
    low: Floats
    high: Floats
    threshold: float
    silence: bool = False  # whether the detector judges missing slots itself

    def newest(self, slots: int) -> Expectation:
        """The last columns only."""
        return _columns(self, slice(self.expected.shape[1] - slots, None))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Every judged slot; float64, shape (series, slots), and `state` int8: OK, LEARNING or NO_DATA.

    Where the state is not OK, everything but `value` is NaN: such a slot is never compared with anything.
    `volume`: the events that carry the judgement: the expected count, or the denominator of a ratio or gauge; NaN if
    unknown.
    """

    value: Floats
    expected: Floats
    sigma: Floats
    score: Floats
    low: Floats
    high: Floats
    volume: Floats
    state: States
    threshold: float
    kind: Kind = "count"

    @property
    def shape(self) -> tuple[int, int]:
        series, slots = self.value.shape
        return series, slots

    @property
    def change(self) -> Floats:
        """(value - expected) / |expected|; NaN where 0 is expected."""
        return divide(self.value - self.expected, np.abs(self.expected))

    @property
    def flagged(self) -> Bools:
        """|score| beyond the threshold."""
        beyond: Bools = np.abs(np.nan_to_num(self.score)) > self.threshold
        return beyond

    def newest(self, slots: int) -> Scores:
        """The last columns only."""
        return _columns(self, slice(self.shape[1] - slots, None))

    def slots(self, chosen: slice) -> Scores:
        """Some of the columns."""
        return _columns(self, chosen)

    def at(self, threshold: float) -> Scores:
        """The same scores under another threshold; `low` and `high` move with it, in proportion."""
        low, high = (
            self.expected + (each - self.expected) * threshold / self.threshold for each in (self.low, self.high)
        )
        if self.kind != "gauge":
            low = np.maximum(low, 0.0)
        return replace(self, low=low, high=high, threshold=threshold)

    def series(self, rows: Sequence[int]) -> Scores:
        """Some of the series, in this order; -1 for one that is not there, which learns."""
        nothing = np.full((1, self.shape[1]), np.nan)
        learning = np.full(nothing.shape, LEARNING, dtype=np.int8)
        matrices: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), learning if name == "state" else nothing])[list(rows)]
            for name in _matrices(self)
        }
        return replace(self, **matrices)

    def scaled(self, factor: Floats) -> Scores:
        """Scores divided by a positive factor and sigmas multiplied by it; `factor` broadcasts to the shape."""
        low, high = (self.expected + (each - self.expected) * factor for each in (self.low, self.high))
        if self.kind != "gauge":
            low = np.maximum(low, 0.0)
        return replace(self, sigma=self.sigma * factor, score=self.score / factor, low=low, high=high)

    def judgements(self, slot: int = -1) -> tuple[Judgement, ...]:
        """One slot of every series, as messages and charts tell of it."""
        beyond = _beyond(self.value, self.low, self.high)
        measures = (self.expected, self.low, self.high, self.volume, self.score, beyond, self.change)
        columns = [_optional(each[:, slot]) for each in measures]
        status = [
            "anomaly" if flag else _NAMES[code]
            for flag, code in zip(self.flagged[:, slot], self.state[:, slot], strict=True)
        ]
        return tuple(map(Judgement, status, _optional(self.value[:, slot]), *columns))


def finish(data: History, found: Expectation) -> Scores:
    """Tell the three states apart, and hide what means nothing in two of them."""
    slots = found.expected.shape[1]
    value = data.values[:, data.shape[1] - slots :]
    volume = found.expected if data.kind == "count" else data.trials(slots)
    known = np.isfinite(found.expected) & np.isfinite(found.score) & (found.sigma > 0)
    missing = np.isnan(value) & (not found.silence)
    state = np.where(missing, NO_DATA, np.where(known, OK, LEARNING)).astype(np.int8)

    def shown(matrix: Floats) -> Floats:
        return np.where(state == OK, matrix, np.nan)

    return Scores(
        value, shown(found.expected), shown(found.sigma), shown(found.score), shown(found.low), shown(found.high),
        shown(volume), state, found.threshold, data.kind,
    )  # fmt: skip


def linear(data: History, expected: Floats, sigma: Floats, threshold: float) -> Expectation:
    """(value - expected) / sigma, with bounds where values can be: 0 for counts, 0 and 1 for shares."""
    value = data.values[:, data.shape[1] - expected.shape[1] :]
    low, high = possible(data, expected - threshold * sigma, expected + threshold * sigma)
    return Expectation(expected, sigma, divide(value - expected, sigma), low, high, threshold)


def possible(data: History, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Bounds where values can be: from 0 up for counts and ratios, up to 1 for shares."""
    if data.kind != "gauge":
        low = np.maximum(low, 0.0)
    return low, np.where(data.shares, np.minimum(high, 1.0), high)


def agree(first: Scores, second: Scores, weight: float = 1.5) -> Scores:
    """Two views must exceed: the smaller of |first| and weight × |second|, 0 where their signs differ.

    Where the second view is not OK, the first one decides alone. Raises ValueError for other shapes.
    """
    if first.shape != second.shape:
        raise ValueError("two views need the same series and slots")
    other = second.score * weight
    least = np.where(
        first.score * other > 0, np.sign(first.score) * np.minimum(np.abs(first.score), np.abs(other)), 0.0
    )
    return replace(first, score=np.where((second.state == OK) & (first.state == OK), least, first.score))


def empty(data: History, newest: int, threshold: float) -> Scores:
    """No series or no slots."""
    nothing = np.full((data.shape[0], newest), np.nan)
    state = np.full(nothing.shape, NO_DATA, dtype=np.int8)
    return Scores(nothing, nothing, nothing, nothing, nothing, nothing, nothing, state, threshold, data.kind)


def joined(parts: Sequence[Scores]) -> Scores:
    """Several sets of series over the same slots, one after the other. Raises ValueError for none."""
    if not parts:
        raise ValueError("there is nothing to join")
    matrices = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])
        for each in fields(parts[0])
        if each.name not in ("threshold", "kind")
    }
    return Scores(**matrices, threshold=parts[0].threshold, kind=parts[0].kind)


def side_by_side(parts: Sequence[Scores]) -> Scores:
    """The same series over consecutive slots, judged apart. Raises ValueError for none."""
    if not parts:
        raise ValueError("there is nothing to join")
    matrices: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts], axis=1) for name in _matrices(parts[0])
    }
    return replace(parts[-1], **matrices)


def _matrices(scores: Scores) -> list[str]:
    return [each.name for each in fields(scores) if isinstance(getattr(scores, each.name), np.ndarray)]


def _columns(record: Record, chosen: slice) -> Record:
    matrices = {each.name: getattr(record, each.name) for each in fields(record)}
    cut: dict[str, Any] = {
        name: matrix[:, chosen] for name, matrix in matrices.items() if isinstance(matrix, np.ndarray)
    }
    return replace(record, **cut)


def _beyond(value: Floats, low: Floats, high: Floats) -> Floats:
    """Distance beyond the violated bound relative to its size; 0 inside, NaN if the bound is 0."""
    low, high = np.where(np.isinf(low), -np.finfo(float).max, low), np.where(np.isinf(high), np.finfo(float).max, high)
    above, below = divide(value - high, np.abs(high)), divide(value - low, np.abs(low))
    inside = np.where(np.isnan(low), np.nan, 0.0)
    return np.where(value > high, above, np.where(value < low, below, inside))


def _optional(numbers: Floats) -> list[float | None]:
    return [float(each) if np.isfinite(each) else None for each in numbers]
