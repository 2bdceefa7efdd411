"""Sample ratio mismatch: did the traffic arrive in the planned proportions?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import chdtrc

from assay.errors import UsageError


@dataclass(frozen=True, slots=True)
class SrmResult:
    """Pearson's chi-square against the planned split; `expected` is in units. Without a test, `reason` says why."""

    expected: Mapping[str, float]
    pvalue: float | None = None
    statistic: float | None = None
    df: int | None = None
    reason: str | None = None


def srm(counts: Mapping[str, int], weights: Mapping[str, float]) -> SrmResult:
    """Goodness of fit of the units per variant to their weights, for any number of variants (Pearson 1900).

    Fabijan et al. (2019) on why to test at a small alpha, such as 0.001. The p is approximate when an expected count
    is below 5. An empty variant is a finding, not an error; no units at all give a reason.
    Raises `UsageError` E601 unless counts and weights name the same two or more variants, with positive weights.

    >>> srm({"control": 510_000, "treatment": 490_000}, {"control": 1, "treatment": 1}).pvalue < 1e-88
    True
    """
    _require(counts, weights)
    total, whole = sum(counts.values()), sum(weights.values())
    expected = {name: total * weight / whole for name, weight in weights.items()}
    if total == 0:
        return SrmResult(expected, reason="no variant has any units")
    statistic = sum((counts[name] - wanted) ** 2 / wanted for name, wanted in expected.items())
    df = len(counts) - 1
    return SrmResult(expected, float(chdtrc(df, statistic)), statistic, df)


def _require(counts: Mapping[str, int], weights: Mapping[str, float]) -> None:
    fits = len(counts) > 1 and set(counts) == set(weights)
    if not (fits and all(n >= 0 for n in counts.values()) and all(0 < w < float("inf") for w in weights.values())):
        raise UsageError.of(
            "E601",
            f"Counts {dict(counts)} and weights {dict(weights)} do not fit together.",
            why="Each of two or more variants needs a count from zero up and a positive weight.",
            fix="Name the same variants in both.",
        )
