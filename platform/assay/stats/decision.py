"""From gates and results to a verdict, with reasons that a product manager can read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from assay.stats.effect import Effect

Word = Literal["ship", "do_not_ship", "keep_running", "blocked"]
Rule = Literal["any_primary", "all_primary"]
Outcome = Literal["good", "bad", "unclear"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One validity check: may the experiment be believed? `detail` is a sentence for people."""

    name: str
    status: Literal["pass", "warn", "fail"]
    pvalue: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One metric of one variant. `margin`: the relative change a guardrail may still show (−0.01: a fall of 1 %)."""

    metric: str
    role: Literal["primary", "secondary", "guardrail"]
    variant: str
    effect: Effect
    pvalue_adjusted: float | None
    good: Literal["up", "down"] | None = "up"
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and why. `variant` is the one to ship, None for the other verdicts."""

    verdict: Word
    reasons: tuple[str, ...]
    variant: str | None = None


def decide(
    gates: Sequence[Gate], results: Sequence[Result], rule: Rule = "any_primary", alpha: float = 0.05
) -> Verdict:
    """The verdict of an experiment.

    1. A failed gate: `blocked`, no effect is discussed.
    2. A primary metric significantly worse, or a guardrail surely beyond its margin: `do_not_ship`.
    3. Enough primaries significantly better (`rule`) and every guardrail inside its margin: `ship`.
    4. Otherwise `keep_running`. Warnings are passed on; secondary metrics explain and never decide.

    With several variants the best verdict counts, and among those to ship the largest gain in the first primary.
    A guardrail is a non-inferiority test: it passes when the bad end of its relative interval is inside the margin
    (Wellek 2010, ch. 2). Without a margin it fails only if significantly worse.

    >>> decide([Gate("srm", "fail", 1e-9, "the split is 55 to 45")], []).verdict
    'blocked'
    """
    failed = [gate for gate in gates if gate.status == "fail"]
    warnings = tuple(f"warning, {_gate(gate)}" for gate in gates if gate.status == "warn")
    if failed:
        held = "The result is withheld: the data of this experiment cannot be trusted."
        return Verdict("blocked", (held, *map(_gate, failed), *warnings))
    variants = list(dict.fromkeys(result.variant for result in results))
    each = [_judge(variant, [r for r in results if r.variant == variant], rule, alpha) for variant in variants]
    if not each:
        return Verdict("keep_running", ("there is no result yet", *warnings))
    best = min(each, key=lambda verdict: (_ORDER.index(verdict.verdict), -_gain(verdict.variant, results)))
    reasons = [reason for verdict in each for reason in verdict.reasons]
    return Verdict(best.verdict, (*reasons, *warnings), best.variant)


_ORDER: tuple[Word, ...] = ("ship", "keep_running", "do_not_ship", "blocked")


def _judge(variant: str, results: Sequence[Result], rule: Rule, alpha: float) -> Verdict:
    """The verdict on one variant, every reason led by its name."""
    primary = [result for result in results if result.role == "primary"]
    guardrails = [result for result in results if result.role == "guardrail"]
    wins = [_outcome(result, alpha) for result in primary]
    guards = [_guardrail(result, alpha) for result in guardrails]
    word = _word(wins, guards, rule)
    reasons = [_tell(result, alpha) for result in primary] + [_tell_guardrail(result, alpha) for result in guardrails]
    return Verdict(word, tuple(f"{variant}: {reason}" for reason in reasons), variant if word == "ship" else None)


def _word(wins: Sequence[Outcome], guards: Sequence[Outcome], rule: Rule) -> Word:
    if "bad" in wins or "bad" in guards:
        return "do_not_ship"
    enough: Callable[[Sequence[bool]], bool] = any if rule == "any_primary" else all
    won = bool(wins) and enough([win == "good" for win in wins])
    return "ship" if won and "unclear" not in guards else "keep_running"


def _outcome(result: Result, alpha: float) -> Outcome:
    """Good or bad only if significant and the metric has a good direction."""
    difference = result.effect.difference
    if result.pvalue_adjusted is None or difference is None or result.pvalue_adjusted >= alpha or not result.good:
        return "unclear"
    return "good" if (difference > 0) == (result.good == "up") else "bad"


def _guardrail(result: Result, alpha: float) -> Outcome:
    if result.margin is None:
        return "bad" if _outcome(result, alpha) == "bad" else "unclear" if result.effect.reason else "good"
    low, high, margin = result.effect.relative_low, result.effect.relative_high, result.margin
    if low is None or high is None:
        return "unclear"
    if not _limits_falls(margin, result.good):  # mirrored, so that below a fall is what is bad
        low, high, margin = -high, -low, -margin
    return "good" if low > margin else "bad" if high < margin else "unclear"


def _limits_falls(margin: float, good: str | None) -> bool:
    """Which side a margin limits: its sign says so; at zero the metric's good direction does."""
    return margin < 0 if margin else good != "down"


def _gain(variant: str | None, results: Sequence[Result]) -> float:
    """Relative change of the first primary metric in its good direction."""
    for result in results:
        if result.variant == variant and result.role == "primary":
            change = result.effect.relative or 0.0
            return -change if result.good == "down" else change
    return 0.0


def _gate(gate: Gate) -> str:
    detail = f": {gate.detail}" if gate.detail else " failed" if gate.status == "fail" else ""
    return f"gate {gate.name}{detail}"


def _tell(result: Result, alpha: float) -> str:
    """One sentence on a primary metric; without significance it says what size of effect is ruled out."""
    effect, name = result.effect, result.metric
    if effect.difference is None or effect.low is None or effect.high is None:
        return f"{name} has no result because {effect.reason}."
    outcome = _outcome(result, alpha)
    size, low, high = _sizes(effect)
    if outcome != "unclear":
        return f"{name} changed by {size} (between {low} and {high}), clearly {_JUDGED[outcome]} than the control."
    if result.pvalue_adjusted is not None and result.pvalue_adjusted < alpha:
        return f"{name} clearly changed by {size} (between {low} and {high}), but neither direction is declared good."
    return f"{name} shows no clear change yet ({size}); a change below {low} or above {high} is ruled out."


_JUDGED = {"good": "better", "bad": "worse"}


def _tell_guardrail(result: Result, alpha: float) -> str:
    effect, name, outcome = result.effect, result.metric, _guardrail(result, alpha)
    if effect.difference is None:
        return f"guardrail {name} cannot be judged because {effect.reason}."
    _, low, high = _sizes(effect)
    allowed = "no clear harm" if result.margin is None else f"at most {_percent(result.margin)}"
    said = {"good": "is kept", "bad": "is broken", "unclear": "is not proven yet"}[outcome]
    return f"guardrail {name} {said}: its change is between {low} and {high}, allowed is {allowed}."


def _sizes(effect: Effect) -> tuple[str, str, str]:
    """Size and interval as relative changes, or in the metric's unit where the control is zero."""
    relative = effect.relative, effect.relative_low, effect.relative_high
    absolute = effect.difference, effect.low, effect.high
    shown = [_percent(x) for x in relative if x is not None] or [f"{x:+.3g}" for x in absolute if x is not None]
    return shown[0], shown[1], shown[2]


def _percent(share: float) -> str:
    """+7.82 %, with a real minus sign."""
    return f"{100 * share:+.{1 if abs(share) >= 0.1 else 2}f} %".replace("-", "−")
