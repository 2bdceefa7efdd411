"""What a decision is made from, and the verdict itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from assay.stats.effect import Effect
from assay.stats.relative import relative_error
from assay.stats.sequential import Look

Word = Literal["ship", "do_not_ship", "keep_running", "blocked"]
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
    """One metric of one variant. `margin`: the relative change a guardrail may still show (−0.01: a fall of 1 %).

    `pvalue_adjusted` is corrected over the family that decides, and `adjusted` is the effect once more, with the
    intervals of that correction. `look` is the last one of a declared sequential rule; it then decides instead of the
    p-value. `mde`: the smallest difference worth finding, in the metric's unit.
    """

    metric: str
    role: Literal["primary", "secondary", "guardrail"]
    variant: str
    effect: Effect
    pvalue_adjusted: float | None
    good: Literal["up", "down"] | None = "up"
    margin: float | None = None
    adjusted: Effect | None = None
    look: Look | None = None
    mde: float | None = None

    def significant(self, alpha: float) -> bool:
        """Whether the metric clearly changed: by its look if there is one, otherwise by its corrected p-value."""
        if self.look is not None:
            return self.look.stopped
        return self.pvalue_adjusted is not None and self.pvalue_adjusted < alpha

    @property
    def judged(self) -> Effect:
        """The effect with the intervals that decide: of the look, of the correction, or its own."""
        if self.look is None:
            return self.adjusted or self.effect
        return _widened(self.effect, self.look)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an experiment is: `days` of `planned_days`, `units` in all variants of `planned_units`.

    `sequential` is the declared rule, "none" without one. `power` is what it was designed for.
    """

    units: int
    days: int
    planned_days: int
    planned_units: int | None = None
    sequential: str = "none"
    power: float = 0.8

    @property
    def ended(self) -> bool:
        return self.days >= self.planned_days

    @property
    def may_judge(self) -> bool:
        """At the planned end, or at any time under a sequential rule."""
        return self.ended or self.sequential != "none"

    def days_missing(self, wanted: float) -> int | None:
        """Days until there are `wanted` units, if they go on to arrive as they did; None if none arrived."""
        return ceil((wanted - self.units) * self.days / self.units) if self.units and self.days else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and why. `variant` is the one to ship, None for the other verdicts."""

    verdict: Word
    reasons: tuple[str, ...]
    variant: str | None = None


def _widened(effect: Effect, look: Look) -> Effect:
    """The effect with the band of a look in place of its intervals, in both units."""
    if effect.difference is None or not effect.se or look.low is None or look.high is None or not look.se:
        reason = effect.reason or look.reason or "the sequential rule has no answer"
        return replace(effect, low=None, high=None, relative_low=None, relative_high=None, reason=reason)
    reach = (look.high - look.low) / 2 / look.se
    low, high, error = (
        effect.difference - reach * effect.se,
        effect.difference + reach * effect.se,
        relative_error(effect),
    )
    if error is None or effect.relative is None:
        return replace(effect, low=low, high=high, relative_low=None, relative_high=None)
    ends = effect.relative - reach * error.low, effect.relative + reach * error.high
    return replace(effect, low=low, high=high, relative_low=ends[0], relative_high=ends[1])
