"""What a verdict says to people: sentences that a product manager can read."""

from __future__ import annotations

from collections.abc import Sequence

from assay.stats.effect import Effect
from assay.stats.power import noncentrality, power_at
from assay.stats.verdict import Gate, Outcome, Progress, Result, Word


def withheld(failed: Sequence[Gate]) -> tuple[str, ...]:
    """Why no effect is discussed."""
    return ("The result is withheld: the data of this experiment cannot be trusted.", *map(_gate, failed))


def warnings(gates: Sequence[Gate]) -> tuple[str, ...]:
    return tuple(f"warning, {_gate(gate)}" for gate in gates if gate.status == "warn")


def primary(result: Result, outcome: Outcome, alpha: float, progress: Progress | None) -> str:
    """One sentence on a primary metric; without significance it says what size of effect is ruled out."""
    effect, name = result.judged, result.metric
    if effect.difference is None or effect.low is None or effect.high is None:
        return f"{name} has no result because {effect.reason}."
    size, low, high = _sizes(effect)
    if outcome != "unclear":
        return f"{name} changed by {size} (between {low} and {high}), clearly {_JUDGED[outcome]} than the control."
    if not result.good and result.significant(alpha):
        return f"{name} clearly changed by {size} (between {low} and {high}), but neither direction is declared good."
    ruled_out = f"{name} shows no clear change yet ({size}); a change below {low} or above {high} is ruled out."
    return f"{ruled_out}{_power(result, alpha, progress)}"


_JUDGED = {"good": "better", "bad": "worse"}


def so_far(result: Result) -> str:
    """A primary metric before the planned end, without a sequential rule."""
    if result.effect.difference is None:
        return f"{result.metric} has no result because {result.effect.reason}."
    return f"{result.metric} stands at {_sizes(result.effect)[0]} so far, which is not judged before the end."


def secondary(result: Result) -> str:
    """A secondary metric that clearly changed."""
    size, low, high = _sizes(result.judged)
    return f"{result.metric}, which explains and does not decide, changed by {size} (between {low} and {high})."


def guardrail(result: Result, outcome: Outcome) -> str:
    effect, name = result.judged, result.metric
    if effect.difference is None or effect.low is None:
        return f"guardrail {name} cannot be judged because {effect.reason}."
    _, low, high = _sizes(effect)
    allowed = "no clear harm" if result.margin is None else f"at most {_percent(result.margin)}"
    said = {"good": "is kept", "bad": "is broken", "unclear": "is not proven yet"}[outcome]
    return f"guardrail {name} {said}: its change is between {low} and {high}, allowed is {allowed}."


def progress(word: Word, now: Progress | None) -> tuple[str, ...]:
    """How far the experiment is, what looking early would do, and how long it would take to go on."""
    if now is None:
        return ()
    told = []
    if not now.ended:
        told.append(f"Day {now.days} of {now.planned_days}: {_LOOKING[now.may_judge]}")
    if now.planned_units:
        told.append(_units(word, now, now.planned_units))
    return tuple(told)


_LOOKING = {
    True: "the declared sequential rule allows to look before the planned end.",
    False: "judging before the planned end would find effects that are not there, as every look is one more chance of "
    "an error. Wait for the end, or declare a sequential rule.",
}


def _units(word: Word, now: Progress, planned: int) -> str:
    said = f"{now.units:,} of {planned:,} planned units are in ({_share(now.units / planned)})"
    if word != "keep_running" or now.units >= planned:
        return f"{said}."
    return f"{said}; {_more_days(now.days_missing(planned))}."


def _more_days(days: int | None) -> str:
    if days is None:
        return "no unit has arrived yet"
    return f"at the present pace {days} more day{'' if days == 1 else 's'} would be needed"


def _power(result: Result, alpha: float, now: Progress | None) -> str:
    """What the data so far could have found, and how long it takes to be as sure as the design wanted."""
    mde, se = result.mde, result.effect.se
    if not mde or not se:
        return ""
    reached = power_at(mde / se, alpha)
    said = f" A true change of ±{mde:g} would have been found with a probability of {_share(reached)}"
    if now is None or reached >= now.power:
        return f"{said}."
    needed = now.units * (noncentrality(now.power, alpha) * se / mde) ** 2
    return f"{said}; for {_share(now.power)} {_more_days(now.days_missing(needed))}."


def _gate(gate: Gate) -> str:
    detail = f": {gate.detail}" if gate.detail else " failed" if gate.status == "fail" else ""
    return f"gate {gate.name}{detail}"


def _sizes(effect: Effect) -> tuple[str, str, str]:
    """Size and interval as relative changes, or in the metric's unit where the control is zero."""
    relative = effect.relative, effect.relative_low, effect.relative_high
    if None not in relative:
        size, low, high = (_percent(x) for x in relative if x is not None)
        return size, low, high
    size, low, high = (
        f"{x:+.3g}" if x is not None else "unknown" for x in (effect.difference, effect.low, effect.high)
    )
    return size, low, high


def _share(share: float) -> str:
    return f"{100 * share:.0f} %"


def _percent(share: float) -> str:
    """+7.82 %, with a real minus sign."""
    return f"{100 * share:+.{1 if abs(share) >= 0.1 else 2}f} %".replace("-", "−")
