"""Total and slices of one rule together: how many of the slices may be wrong, and who speaks for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from assay.detect.lifecycle import Event, State, step
from assay.detect.policy import Policy, Reading, Readings
from assay.detect.series import Bools, Floats

PARENT = "parent"


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of one rule. `events` are sorted by fingerprint, the parent's first; `causes`: the slices that are hits
    while the parent fires, the strongest first."""

    states: Mapping[str, State]
    events: tuple[Event, ...]
    causes: tuple[str, ...] = ()


def discoveries(scores: Floats, fdr: float = 0.05) -> Bools:
    """Which slices of each slot deviate, with at most a share `fdr` of them wrong on average; shape (slices, slots).

    Two-sided normal p-values, step-up over the slices of one slot: Benjamini, Hochberg (1995), Controlling the false
    discovery rate, JRSS B 57, 289-300. NaN is no test. Raises ValueError unless 0 < fdr < 1.

    >>> discoveries(np.array([[-5.0], [-2.5], [0.3], [np.nan]])).ravel()
    array([ True,  True, False, False])
    """
    if not 0 < fdr < 1:
        raise ValueError("a false discovery rate lies between 0 and 1")
    p = np.where(np.isnan(scores), np.nan, 2 * special.ndtr(-np.abs(scores)))
    if not p.size:
        return np.zeros(p.shape, dtype=bool)
    ordered, tests = np.sort(p, axis=0), np.count_nonzero(~np.isnan(p), axis=0)
    ranks = np.arange(1, len(p) + 1)[:, None]
    passed = ordered <= fdr * ranks / np.maximum(tests, 1)
    limit = np.where(passed, ordered, -1.0).max(axis=0)
    found: Bools = p <= limit
    return found


def controlled(readings: Readings, fdr: float = 0.05, slices: Bools | None = None) -> Readings:
    """Readings in which slices that are no discoveries are no hits; `slices`, shape (series,): which rows are slices.

    Every condition of the policy still holds: the rate asks for more where many slices are looked at. `clean` stays.
    """
    among = np.ones(readings.scores.shape[0], dtype=bool) if slices is None else slices
    found = discoveries(np.where(among[:, None], readings.scores.score, np.nan), fdr) | ~among[:, None]
    return replace(readings, sides=np.where(found, readings.sides, 0).astype(np.int8))


def together(
    states: Mapping[str, State],
    readings: Mapping[str, Reading],
    at: float,
    policy: Policy,
    quiet: Callable[[str], tuple[str, ...]] = lambda _: (),
    parent: str | None = None,
    of_parent: Policy | None = None,
) -> Tick:
    """One step of every fingerprint of a rule: those with a state, a reading or both; their order does not matter.

    `of_parent`: the policy of the parent, where it differs from that of its slices.

    While the `parent` has an open anomaly its slices are inhibited: they are followed but say nothing, and are told of
    as causes. What is still open when the parent ends speaks then.
    """
    found, events = dict(states), list[Event]()
    for name in sorted({*states, *readings}, key=lambda each: (each != parent, each)):
        reasons = quiet(name) + ((PARENT,) if name != parent and _fires(found, parent) else ())
        own = of_parent or policy if name == parent else policy
        found[name], happened = step(states.get(name, State(name)), readings.get(name), at, own, reasons)
        events.extend(happened)
    return Tick(found, tuple(events), _causes(readings, parent) if _fires(found, parent) else ())


def _fires(states: Mapping[str, State], name: str | None) -> bool:
    return name is not None and name in states and states[name].anomaly is not None


def _causes(readings: Mapping[str, Reading], parent: str | None) -> tuple[str, ...]:
    """Slices that are hits to the side of the parent's."""
    side = readings[parent].side if parent is not None and parent in readings else 0
    hits = [
        name for name, each in readings.items() if name != parent and each.side and each.side == (side or each.side)
    ]
    return tuple(sorted(hits, key=lambda name: (-abs(readings[name].score or 0.0), name)))
