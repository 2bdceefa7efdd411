"""Is the effect the same every day?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.stats.cochran import homogeneity, usable


@dataclass(frozen=True, slots=True)
class Stability:
    """Is the effect the same every day? `odd` is the day that differs most from the rest, None if none stands out.

    `pvalue` asks for any change, `odd_pvalue` for one day that differs from all others (None below three days).
    """

    pvalue: float | None = None
    statistic: float | None = None
    df: int | None = None
    odd: str | None = None
    reason: str | None = None
    odd_pvalue: float | None = None


def day_stability(effects: Sequence[tuple[str, float, float]], alpha: float = 0.05) -> Stability:
    """Cochran's Q test (Cochran 1954) that (day, difference, se) share one difference.

    Each effect is that of one day alone, over all units exposed up to and on that day; differences that cumulate over
    days are for `sequential.looks`. `odd` is named only if its leave-one-out difference is significant at `alpha` after
    Šidák over the days, and there are three or more: against one odd day in a week this has more power than Q. Days are
    treated as independent: users who return make both tests a little conservative.

    >>> week = [("mon", -0.010, 0.002), ("tue", -0.011, 0.002), ("wed", -0.009, 0.002), ("thu", 0.005, 0.002)]
    >>> day_stability(week).odd
    'thu'
    """
    if len(effects) < 2:
        return Stability(reason="two days with an effect are needed")
    if not all(usable(difference, se) for _, difference, se in effects):
        return Stability(reason="one of the days has no standard error")
    days, differences, ses = zip(*effects, strict=True)
    found = homogeneity(differences, ses)
    named = found.odd is not None and found.odd_pvalue is not None and found.odd_pvalue < alpha
    odd = days[found.odd] if named and found.odd is not None else None
    return Stability(found.pvalue, found.statistic, found.df, odd, odd_pvalue=found.odd_pvalue)
