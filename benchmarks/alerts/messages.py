"""How many messages an incident, a campaign and quiet slices make, and whether an outage is ever silent."""

from __future__ import annotations

import numpy as np

from assay.detect import History, Policy, backtest, calibrated, controlled, left_out, read, score
from assay.detect.backtest import replay
from benchmarks.alerts import rivals
from benchmarks.alerts.generator import PER_DAY, VOLUMES, World

OUTAGE, CAMPAIGN = 24, 7 * PER_DAY
SLICES = Policy(confirm=(2, 2), min_change=0.15, min_volume=50)
_LENGTH = 86_400 / PER_DAY


def measured() -> dict[str, str]:
    """Notes: messages of an outage, a campaign and clean slices; slots until a full outage is noticed."""
    return {"outage": _outage(), "campaign": _campaign(), "slices": _slices(), "silence": _silence()}


def _outage() -> str:
    """20 series, each by itself; what is sent from the first slot of the outage to a day after its end."""
    rng = np.random.default_rng(11)
    values = World.of(500, 20, rng).times(0.0, 50 * PER_DAY + 40, OUTAGE).counts(rng)
    start = 50 * PER_DAY + 40
    own = _mean_messages(History.counts(values), start, start + OUTAGE + PER_DAY)
    rule = np.abs(rivals.case_study(values, 20 * PER_DAY)[:, start - 40 * PER_DAY :][:, : OUTAGE + PER_DAY]) > 4
    case = rule.sum(1).mean()
    return f"Messages for an outage of six hours: Assay {own:.1f}, the case study's rule {case:.1f} (target 2)."


def _campaign() -> str:
    rng = np.random.default_rng(12)
    start = 46 * PER_DAY
    values = World.of(500, 20, rng).times(1.6, start, CAMPAIGN).counts(rng)
    event = np.zeros(values.shape, dtype=bool)
    event[:, start : start + CAMPAIGN] = True
    data = History.counts(values)
    end = start + CAMPAIGN
    declared = _mean_messages(left_out(data, event), start, end, muted=event)
    after = _mean_messages(left_out(data, event), end, end + PER_DAY, muted=event)
    secret = _mean_messages(data, start, end + PER_DAY)
    rule = np.abs(rivals.case_study(values, 14 * PER_DAY)[:, : CAMPAIGN + PER_DAY]) > 4
    return (
        f"Messages for a campaign of seven days: declared {declared:.1f} (target 0) and {after:.1f} on the day after; "
        f"not declared, with the day after, {secret:.1f}; the case study's rule {rule.sum(1).mean():.0f}."
    )


def _mean_messages(data: History, start: int, end: int, muted: np.ndarray | None = None) -> float:
    scores = calibrated(score("seasonal_level", data), PER_DAY)
    found = backtest(scores, Policy(min_change=0.1), PER_DAY, muted=muted)
    within = [event for event in found.events if event.notify and start <= event.slot < end]
    return len(within) / data.shape[0]


def _slices() -> str:
    """200 clean slices of one rule, 14 days: messages a day, at most one a tick."""
    rng = np.random.default_rng(13)
    values = np.concatenate([World.of(volume, 100, rng).counts(rng) for volume in (100, 500)])
    scores = score("seasonal_level", History.counts(values), 14 * PER_DAY, span=1)
    readings = controlled(read(scores.at(2.0), SLICES))
    events = [event for row in range(len(values)) for event in replay(readings, row, SLICES, _LENGTH)]
    own = len({event.at for event in events if event.notify}) / 14
    rule = (np.abs(rivals.case_study(values, 14 * PER_DAY)) > 4).sum() / 14
    return (
        f"Messages a day of 200 clean slices: Assay {own:.2f} (target 0.3: {'yes' if own <= 0.3 else '**no**'}), "
        f"the case study's rule {rule:.0f}."
    )


def _silence() -> str:
    """From the first slot without events, or without rows, to the message; the slowest of all hours and series."""
    slowest = {}
    for name, nothing in (("zeros", 0.0), ("missing rows", np.nan)):
        slowest[name] = [
            max(_slots_until_noticed(volume, hour, nothing) for hour in range(0, PER_DAY, 6)) for volume in VOLUMES
        ]
    told = "; ".join(f"{name} {' / '.join(f'{each:g}' for each in found)}" for name, found in slowest.items())
    volumes = " / ".join(f"{volume:,}" for volume in VOLUMES)
    return f"Slots until a full outage is noticed, the slowest at {volumes} events a slot: {told} (target 2, always)."


def _slots_until_noticed(volume: int, hour: int, nothing: float) -> float:
    rng = np.random.default_rng([14, volume, hour])
    at = 40 * PER_DAY + hour
    values = World.of(volume, 20, rng, days=41).counts(rng)
    values = np.concatenate([values, np.full((20, PER_DAY), nothing)], axis=1)
    values[:, at:] = nothing
    scores = score("seasonal_level", History.counts(values), values.shape[1] - at + 1)
    events = backtest(scores, Policy(), PER_DAY).events
    first = {event.fingerprint: max(event.slot, 1) for event in reversed(events) if event.notify}
    return max(first.values()) if len(first) == 20 else np.inf
