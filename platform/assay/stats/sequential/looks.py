"""The one entry for reading an experiment while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import isfinite

import numpy as np

from assay.stats.compare import require_share
from assay.stats.effect import Effect
from assay.stats.sequential.rules import Band, Course, Planned, choose

# (information, estimate, standard error) of everything seen until a look; None where there is no number.
Interim = tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Look:
    """What may be said at one look, whatever was looked at before.

    `low` and `high` are the band: intervals that hold at all looks together with probability 1 − alpha. The look stops
    when `pvalue` < `level`; `stopped` stays True from the first such look on. Mixture rules give an always valid p, to
    be held against alpha; group-sequential rules give the plain p, to be held against the level of this look. Without
    an answer `reason` says why.
    """

    number: int
    information: float | None = None
    estimate: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    pvalue: float | None = None
    level: float | None = None
    stopped: bool = False
    reason: str | None = None


def looks(effects: Sequence[Interim], rule: str, alpha: float = 0.05, *, planned: Planned) -> tuple[Look, ...]:
    """Judge every look of an experiment by a rule of `RULES`, at two-sided `alpha` over all of them.

    `effects`: one (information, estimate, standard error) per planned look, in order, each of all data so far. The
    information may be in any unit, as only ratios matter: 1 ÷ se², or units, where each gives all it ever will at once;
    `interim` takes it from an `Effect`. Estimates of two looks are taken to correlate as
    √(less ÷ more information), which holds for means and ratios of sums, with users who return too (Jennison and
    Turnbull 2000, §3.5). For m primary comparisons give alpha ÷ m.
    Raises `UsageError`: E201 unknown rule, E601 alpha outside 0..1.

    >>> week = [(1.0, 0.50, 0.50), (2.0, 0.90, 0.35), (3.0, 1.05, 0.29)]
    >>> [round(look.low, 2) for look in looks(week, "confidence_sequence", planned=Planned(looks=7))]
    [-1.27, -0.22, 0.15]
    >>> [look.stopped for look in looks(week, "none", planned=Planned(looks=7))]
    [False, False, False]
    """
    require_share("alpha", alpha)
    judge = choose(rule)
    seen = [at for at, effect in enumerate(effects) if _usable(effect)]
    told: dict[int, Look] = {}
    if seen:
        course = _course(effects, seen)
        told = dict(zip(seen, _told(course, judge(course, alpha, planned)), strict=True))
    answers = [told.get(at) or _empty(at) for at in range(len(effects))]
    stopped = accumulate((answer.stopped for answer in answers), max)
    return tuple(replace(answer, stopped=stop) for answer, stop in zip(answers, stopped, strict=True))


def interim(effect: Effect) -> Interim:
    """The look that a cumulative effect makes: (control ÷ se)², difference, se.

    Relative information, because totals per unit that grow with time keep their correlation only relative to
    the control's; it is 1 ÷ se² up to a constant where the control's value stays the same.

    >>> interim(Effect("welch", "mean", control=10.0, difference=0.5, se=0.1))
    (10000.0, 0.5, 0.1)
    """
    if not effect.se or effect.difference is None:
        return None, None, None
    return ((effect.control or 1.0) / effect.se) ** 2, effect.difference, effect.se


def _usable(effect: Interim) -> bool:
    information, estimate, se = effect
    numbers = [value for value in (information, estimate, se) if value is not None and isfinite(value)]
    return len(numbers) == 3 and numbers[0] > 0 and numbers[2] > 0


def _course(effects: Sequence[Interim], seen: Sequence[int]) -> Course:
    """Information is taken as what has been reached so far: data that are corrected later can take some away."""
    table = np.array([effects[at] for at in seen], dtype=np.float64)
    reached = np.maximum.accumulate(table[:, 0])
    return Course(np.array(seen, dtype=np.intp) + 1, reached, table[:, 1], table[:, 2])


def _told(course: Course, band: Band) -> list[Look]:
    rows = zip(
        course.numbers.tolist(),
        course.information.tolist(),
        course.estimates.tolist(),
        course.ses.tolist(),
        (course.estimates - band.reach * course.ses).tolist(),
        (course.estimates + band.reach * course.ses).tolist(),
        band.pvalues.tolist(),
        band.levels.tolist(),
        (band.pvalues < band.levels).tolist(),
        band.reasons,
        strict=True,
    )
    return [_look(*row) for row in rows]


def _look(
    number: int,
    information: float,
    estimate: float,
    se: float,
    low: float,
    high: float,
    pvalue: float,
    level: float,
    stopped: bool,
    reason: str | None,
) -> Look:
    if reason:
        return Look(number, information, estimate, se, reason=reason)
    return Look(number, information, estimate, se, low, high, pvalue, level, stopped)


def _empty(at: int) -> Look:
    return Look(at + 1, reason="this look has no effect with a standard error")
