"""Did the units stay where they were put, and did every variant show itself to its share of them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import chdtrc

from assay.errors import AssayError, UsageError


@dataclass(frozen=True, slots=True)
class Crossovers:
    """Units that were seen in more than one variant; `share` is 0..1 of all units."""

    share: float | None = None
    acceptable: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """Pearson's chi-square that all variants expose the same share of their units; `shares` are 0..1."""

    shares: Mapping[str, float]
    pvalue: float | None = None
    statistic: float | None = None
    df: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MissingCovariate:
    """Units without a past. `share` is 0..1 of all units; `pvalue`: that it is the same in every variant."""

    share: float | None = None
    acceptable: bool | None = None
    pvalue: float | None = None
    reason: str | None = None


def crossovers(n_crossed: int, n_total: int, tolerance: float = 0.001) -> Crossovers:
    """The share of units that changed variants, acceptable up to `tolerance`.

    A crossed unit dilutes the effect in proportion, so the limit is a share, not a test. Raises `UsageError` E601
    unless 0 ≤ n_crossed ≤ n_total.

    >>> crossovers(3, 20_000).acceptable
    True
    """
    if not 0 <= n_crossed <= n_total:
        raise _impossible(f"{n_crossed} crossed units of {n_total}")
    if n_total == 0:
        return Crossovers(reason="there are no units")
    share = n_crossed / n_total
    return Crossovers(share, share <= tolerance)


def exposure(exposed: Mapping[str, int], assigned: Mapping[str, int]) -> Exposure:
    """Do all variants expose the same share of the units assigned to them? Pearson's homogeneity test (1900).

    A variant that shows itself less often, as it loads slowly or crashes, has lost its weakest units: the rest cannot
    be compared (Fabijan et al. 2019). Raises `UsageError` E601 unless both name the same two or more variants and
    0 ≤ exposed ≤ assigned.

    >>> found = exposure({"control": 900, "treatment": 820}, {"control": 1000, "treatment": 1000})
    >>> round(found.statistic, 1), found.pvalue < 0.001
    (26.6, True)
    """
    _require(exposed, assigned)
    if not all(assigned.values()):
        return Exposure({}, reason="one of the variants has no units")
    shares = {name: exposed[name] / assigned[name] for name in assigned}
    statistic = _chi_square(exposed, assigned)
    df = len(assigned) - 1
    return Exposure(shares, float(chdtrc(df, statistic)), statistic, df)


def missing_covariate(missing: Mapping[str, int], units: Mapping[str, int], tolerance: float = 0.5) -> MissingCovariate:
    """The share of units without a past, per variant, acceptable up to `tolerance` in all.

    CUPED gives them the mean, so it helps less the more there are; new users may also react differently. A share that
    differs between the variants (`exposure`'s test) is a fault of the assignment. Raises `UsageError` E601 as
    `exposure` does.

    >>> missing_covariate({"control": 310, "treatment": 290}, {"control": 1000, "treatment": 1000}).share
    0.3
    """
    _require(missing, units)
    if not all(units.values()):
        return MissingCovariate(reason="one of the variants has no units")
    share = sum(missing.values()) / sum(units.values())
    return MissingCovariate(share, share <= tolerance, exposure(missing, units).pvalue)


def _chi_square(part: Mapping[str, int], whole: Mapping[str, int]) -> float:
    """Σ n (pᵢ − p)² ÷ (p (1 − p)); 0 where every unit is the same."""
    p = sum(part.values()) / sum(whole.values())
    if p in (0, 1):
        return 0.0
    return sum((part[name] - n * p) ** 2 / n for name, n in whole.items()) / (p * (1 - p))


def _require(part: Mapping[str, int], whole: Mapping[str, int]) -> None:
    fits = len(whole) > 1 and set(part) == set(whole)
    if not (fits and all(0 <= part[name] <= whole[name] for name in whole)):
        raise _impossible(f"{dict(part)} of {dict(whole)}")


def _impossible(numbers: str) -> AssayError:
    return UsageError.of(
        "E601",
        f"{numbers} is impossible.",
        why="The first are a part of the second, for the same variants.",
        fix="Count distinct units in both numbers.",
    )
