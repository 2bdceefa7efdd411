"""From gates and results to a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from assay.stats import reasons
from assay.stats.relative import noninferiority
from assay.stats.verdict import Gate, Outcome, Progress, Result, Verdict, Word

Rule = Literal["any_primary", "all_primary"]

# Two-sided level of harm that stops an experiment before its end without a sequential rule: |z| > 3.29 at every look
# costs next to no error (Haybittle 1971; Peto et al. 1976).
CLEAR_HARM = 0.001


def decide(
    gates: Sequence[Gate],
    results: Sequence[Result],
    rule: Rule = "any_primary",
    alpha: float = 0.05,
    progress: Progress | None = None,
) -> Verdict:
    """The verdict of an experiment.

    1. A failed gate: `blocked`, no effect is discussed.
    2. Before the planned end a metric without a `look` cannot win or lose, as looking every day finds effects where
       there are none: `keep_running`, unless a guardrail is broken at `CLEAR_HARM`.
    3. A primary metric significantly worse, or a guardrail surely beyond its margin: `do_not_ship`.
    4. Enough primaries significantly better (`rule`) and every guardrail inside its margin: `ship`.
    5. Otherwise `keep_running`. Warnings are passed on; secondary metrics that clearly changed are told
       and never decide.

    With several variants the best verdict counts, and among those to ship the largest gain in the first primary.
    A guardrail with a margin is a non-inferiority test at alpha ÷ 2, one-sided (`noninferiority`); all guardrails must
    pass, so they need no correction (Berger 1982). Without a margin it fails only if significantly worse. Where a
    result has a `look`, that decides, before the end and at it. Without `progress` the experiment counts as ended.

    >>> decide([Gate("srm", "fail", 1e-9, "the split is 55 to 45")], []).verdict
    'blocked'
    """
    failed = [gate for gate in gates if gate.status == "fail"]
    warnings = reasons.warnings(gates)
    if failed:
        return Verdict("blocked", (*reasons.withheld(failed), *warnings))
    variants = list(dict.fromkeys(result.variant for result in results))
    each = [
        _judge(variant, [r for r in results if r.variant == variant], rule, alpha, progress) for variant in variants
    ]
    if not each:
        return Verdict("keep_running", ("there is no result yet", *warnings))
    best = min(each, key=lambda verdict: (_ORDER.index(verdict.verdict), -_gain(verdict.variant, results)))
    told = [reason for verdict in each for reason in verdict.reasons]
    return Verdict(best.verdict, (*told, *reasons.progress(best.verdict, progress), *warnings), best.variant)


_ORDER: tuple[Word, ...] = ("ship", "keep_running", "do_not_ship", "blocked")


def _judge(variant: str, results: Sequence[Result], rule: Rule, alpha: float, progress: Progress | None) -> Verdict:
    """The verdict on one variant, every reason led by its name."""
    primary, secondary, guards = ([r for r in results if r.role == role] for role in _ROLES)
    wins: list[Outcome] = ["unclear" if _early(r, progress) else outcome(r, alpha) for r in primary]
    kept = [guardrail(r, CLEAR_HARM if _early(r, progress) else alpha) for r in guards]
    word = _word(wins, kept, rule)
    told = [
        *(_tell(r, win, alpha, progress) for r, win in zip(primary, wins, strict=True)),
        *(reasons.secondary(r) for r in secondary if not _early(r, progress) and r.significant(alpha)),
        *(reasons.guardrail(r, found) for r, found in zip(guards, kept, strict=True)),
    ]
    return Verdict(word, tuple(f"{variant}: {reason}" for reason in told), variant if word == "ship" else None)


def _tell(result: Result, found: Outcome, alpha: float, progress: Progress | None) -> str:
    return reasons.so_far(result) if _early(result, progress) else reasons.primary(result, found, alpha, progress)


_ROLES = ("primary", "secondary", "guardrail")


def _early(result: Result, progress: Progress | None) -> bool:
    """Before the planned end, and no sequential rule has read this metric."""
    return progress is not None and not progress.ended and result.look is None


def _word(wins: Sequence[Outcome], guards: Sequence[Outcome], rule: Rule) -> Word:
    if "bad" in wins or "bad" in guards:
        return "do_not_ship"
    enough: Callable[[Sequence[bool]], bool] = any if rule == "any_primary" else all
    won = bool(wins) and enough([win == "good" for win in wins])
    return "ship" if won and "unclear" not in guards else "keep_running"


def outcome(result: Result, alpha: float) -> Outcome:
    """Good or bad only if significant and the metric has a good direction; a `look` decides where there is one."""
    difference = result.effect.difference
    if difference is None or not result.good or not result.significant(alpha):
        return "unclear"
    return "good" if (difference > 0) == (result.good == "up") else "bad"


def guardrail(result: Result, alpha: float) -> Outcome:
    """Good if the metric surely stays inside its margin, bad if it surely does not."""
    if result.margin is None:
        return "bad" if outcome(result, alpha) == "bad" else "unclear" if result.effect.reason else "good"
    test = noninferiority(result.judged, result.margin, result.good)
    if test.pvalue is None or test.pvalue_harm is None:
        return "unclear"
    return "good" if test.pvalue < alpha / 2 else "bad" if test.pvalue_harm < alpha / 2 else "unclear"


def _gain(variant: str | None, results: Sequence[Result]) -> float:
    """Relative change of the first primary metric in its good direction."""
    for result in results:
        if result.variant == variant and result.role == "primary":
            change = result.effect.relative or 0.0
            return -change if result.good == "down" else change
    return 0.0
