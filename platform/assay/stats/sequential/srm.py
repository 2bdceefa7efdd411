"""Sequential sample ratio mismatch: an alarm on the day it can be known, without false ones for looking every day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, log

from scipy.special import gammaln

from assay.errors import UsageError
from assay.stats.srm import require


@dataclass(frozen=True, slots=True)
class SrmLook:
    """All units until a look. `pvalue` is always valid: it may be held against one alpha after every look."""

    counts: Mapping[str, int]
    pvalue: float | None = None
    reason: str | None = None


def sequential_srm(
    counts: Sequence[Mapping[str, int]], weights: Mapping[str, float], concentration: float = 10_000
) -> tuple[SrmLook, ...]:
    """Lindon and Malek (2022), Anytime-valid inference for multinomial count data: p = 1 ÷ the largest Bayes factor.

    `counts`: new units per variant, one mapping per look. The alternative mixes shares over a Dirichlet law around the
    planned ones; with two equal variants the default `concentration` gives a share a standard deviation of √(¼ ÷
    10,000), half a percentage point, the size of mismatches that matter. Smaller values look for larger ones.
    Raises `UsageError` E601 unless counts and weights fit, as `srm` does.

    >>> week = [{"control": 5_000, "treatment": 4_800}] * 7
    >>> [look.pvalue < 0.001 for look in sequential_srm(week, {"control": 1, "treatment": 1})]
    [False, False, False, False, True, True, True]
    """
    for each in counts:
        require(each, weights)
    if not concentration > 0:
        raise UsageError.of(
            "E601", f"concentration is {concentration}.", why="It counts imagined units.", fix="Leave it out."
        )
    totals = list(accumulate(counts, lambda a, b: {name: a[name] + b[name] for name in a}))
    logs = accumulate((_log_pvalue(total, weights, concentration) for total in totals), min)
    return tuple(_look(total, value) for total, value in zip(totals, logs, strict=True))


def _look(total: Mapping[str, int], log_pvalue: float) -> SrmLook:
    if not any(total.values()):
        return SrmLook(total, reason="no variant has any units")
    return SrmLook(total, exp(min(0.0, log_pvalue)))


def _log_pvalue(total: Mapping[str, int], weights: Mapping[str, float], concentration: float) -> float:
    """log of P(counts | planned shares) ÷ P(counts | Dirichlet around them)."""
    whole = sum(weights.values())
    found = float(gammaln(concentration + sum(total.values())) - gammaln(concentration))
    for name, count in total.items():
        share = weights[name] / whole
        found += count * log(share) - float(gammaln(concentration * share + count) - gammaln(concentration * share))
    return found
