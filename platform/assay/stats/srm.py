"""Sample ratio mismatch: did the traffic arrive in the planned proportions?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import chdtrc

from assay.errors import UsageError
from assay.stats.corrections import adjust


@dataclass(frozen=True, slots=True)
class SrmResult:
    """Pearson's chi-square against the planned split; `expected` is in units. Without a test, `reason` says why."""

    expected: Mapping[str, float]
    pvalue: float | None = None
    statistic: float | None = None
    df: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SliceSrm:
    """One slice or day: its own test, and the p-value after correction over all slices that could be tested."""

    slice: str
    counts: Mapping[str, int]
    pvalue: float | None = None
    pvalue_adjusted: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SrmSlices:
    """`pvalue`: the smallest adjusted one, and `worst` the slice it belongs to. `slices`: all, also the untested."""

    slices: tuple[SliceSrm, ...]
    pvalue: float | None = None
    worst: str | None = None
    reason: str | None = None


def srm(counts: Mapping[str, int], weights: Mapping[str, float]) -> SrmResult:
    """Goodness of fit of the units per variant to their weights, for any number of variants (Pearson 1900).

    Fabijan et al. (2019) on why to test at a small alpha, such as 0.001. The p is approximate when an expected count
    is below 5. An empty variant is a finding, not an error; no units at all give a reason.
    Raises `UsageError` E601 unless counts and weights name the same two or more variants, with positive weights.

    >>> srm({"control": 510_000, "treatment": 490_000}, {"control": 1, "treatment": 1}).pvalue < 1e-88
    True
    """
    require(counts, weights)
    total, whole = sum(counts.values()), sum(weights.values())
    expected = {name: total * weight / whole for name, weight in weights.items()}
    if total == 0:
        return SrmResult(expected, reason="no variant has any units")
    statistic = sum((counts[name] - wanted) ** 2 / wanted for name, wanted in expected.items())
    df = len(counts) - 1
    return SrmResult(expected, float(chdtrc(df, statistic)), statistic, df)


def srm_slices(
    counts: Mapping[str, Mapping[str, int]], weights: Mapping[str, float], correction: str = "holm"
) -> SrmSlices:
    """`srm` in every slice or on every day, corrected over them: which part of the traffic arrived out of proportion?

    `counts`: slice → units per variant. Slices that expect fewer than 5 units in a variant are told but not tested, as
    the chi-square law does not hold there. Raises `UsageError`: E601 as `srm`, E201 for an unknown correction.

    >>> days = {"mon": {"a": 500, "b": 510}, "tue": {"a": 600, "b": 420}, "wed": {"a": 2, "b": 1}}
    >>> found = srm_slices(days, {"a": 1, "b": 1})
    >>> found.worst, found.pvalue < 0.001, found.slices[2].reason
    ('tue', True, 'fewer than 5 units are expected in a variant')
    """
    tests = {name: srm(units, weights) for name, units in counts.items()}
    reasons = {name: test.reason or _few(test.expected) for name, test in tests.items()}
    pvalues = [None if reasons[name] else test.pvalue for name, test in tests.items()]
    rows = zip(counts.items(), pvalues, adjust(pvalues, correction), strict=True)
    slices = tuple(SliceSrm(name, units, p, adjusted, reasons[name]) for (name, units), p, adjusted in rows)
    tested = [(each.pvalue_adjusted, each.slice) for each in slices if each.pvalue_adjusted is not None]
    if not tested:
        return SrmSlices(slices, reason="no slice has enough units")
    return SrmSlices(slices, *min(tested))


def _few(expected: Mapping[str, float]) -> str | None:
    return "fewer than 5 units are expected in a variant" if min(expected.values()) < 5 else None


def require(counts: Mapping[str, int], weights: Mapping[str, float]) -> None:
    """`UsageError` E601 unless both name the same two or more variants, with positive weights."""
    fits = len(counts) > 1 and set(counts) == set(weights)
    if not (fits and all(n >= 0 for n in counts.values()) and all(0 < w < float("inf") for w in weights.values())):
        raise UsageError.of(
            "E601",
            f"Counts {dict(counts)} and weights {dict(weights)} do not fit together.",
            why="Each of two or more variants needs a count from zero up and a positive weight.",
            fix="Name the same variants in both.",
        )
