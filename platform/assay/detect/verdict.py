"""From judgements of consecutive slots to a state: confirmation, suppression and recovery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assay.detect.judgement import Judgement
from assay.detect.policy import Policy

State = Literal["ok", "pending", "firing", "resolved", "learning", "no_data"]
_QUIET = {"ok": "within its bounds", "learning": "too little history", "no_data": "nothing to judge"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state after the newest slot, why, and at which index of the sequence the open or just resolved episode began.

    `no_data` and `learning` describe the newest slot only: with `since` set, the episode is still open behind them.
    """

    state: State
    reason: str
    since: int | None = None


def follow(judgements: Sequence[Judgement], policy: Policy) -> Verdict:
    """Replay consecutive slots of one series, oldest first; pure, so that live and backtest agree.

    An episode that began before the first judgement is not known here: pass enough slots to cover it. Raises
    ValueError for an empty sequence.
    """
    if not judgements:
        raise ValueError("there is no state without a judgement")
    sides = [_side(each, policy) for each in judgements]
    since, clean = None, 0
    for at, judgement in enumerate(judgements):
        if clean >= policy.resolve:
            since = None
        clean = 0 if sides[at] else clean + (judgement.status in ("ok", "anomaly"))
        if since is None:
            clean = 0
            since = at if _confirmed(sides[: at + 1], policy.confirm) else None
    return _verdict(judgements[-1], policy, since, clean)


def objection(judgement: Judgement, policy: Policy) -> str:
    """Why this slot is not a hit; empty when it is one."""
    if judgement.status != "anomaly":
        return _QUIET[judgement.status]
    if policy.direction not in ("both", judgement.direction):
        return f"the value went {judgement.direction}, the rule watches {policy.direction}"
    if judgement.volume is not None and judgement.volume < policy.min_volume:
        return f"the volume {judgement.volume:g} is under {policy.min_volume:g}"
    if judgement.change is not None and abs(judgement.change) < policy.min_change:
        return f"the change {judgement.change:+.1%} is under {policy.min_change:.1%}"
    return ""


def _side(judgement: Judgement, policy: Policy) -> str | None:
    return None if objection(judgement, policy) else judgement.direction


def _confirmed(sides: Sequence[str | None], confirm: tuple[int, int]) -> bool:
    needed, of = confirm
    return sides[-1] is not None and sides[-of:].count(sides[-1]) >= needed


def _verdict(newest: Judgement, policy: Policy, since: int | None, clean: int) -> Verdict:
    reason = objection(newest, policy)
    if newest.status == "learning" or newest.status == "no_data":
        return Verdict(newest.status, reason, since)
    if since is not None and clean >= policy.resolve:
        return Verdict("resolved", f"{clean} slots without a hit", since)
    if since is not None:
        return Verdict("firing", reason or "confirmed", since)
    return Verdict("ok", reason) if reason else Verdict("pending", "waits for {} of {}".format(*policy.confirm))
