"""Which slices moved: a likelihood-ratio scan over the values of each dimension.

Every slice is compared with the rest of its dimension by the ratio after / before. Counts are Poisson, and given its
sum before + after a slice is binomial, so the comparison is the G test of a two-by-two table. This is the scan
statistic of Kulldorff (1997), A spatial scan statistic, Comm. Stat. Theory Methods 26, 1481-1496, with slices instead
of circles, Bonferroni's bound over the slices looked at instead of a simulation, and G divided by the dispersion
(McCullagh, Nelder, 1989, Generalized Linear Models, section 4.5) for events that come in bursts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from assay.detect.series import Floats, divide

Slice = tuple[str, float, float]  # value, count before, count after
MEDIAN_CHI2 = 0.4549364  # the median of chi-squared with one degree of freedom
ENOUGH = 8  # values of a dimension whose median residual means something


@dataclass(frozen=True, slots=True)
class Cause:
    """Slices of one dimension that moved apart from the rest, the strongest evidence first.

    `share`: their part of the total change; over 1 if the rest moved against it. `before` and `after` are their sums.
    """

    dimension: str
    values: tuple[str, ...]
    share: float
    before: float
    after: float


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One dimension; counts are float64, shape (slices,)."""

    dimension: str
    values: tuple[str, ...]
    before: Floats
    after: Floats

    @property
    def change(self) -> float:
        return float(self.after.sum() - self.before.sum())

    @property
    def seen(self) -> Floats:
        """Events before and after together."""
        return self.before + self.after

    @property
    def share(self) -> Floats:
        """The part of each slice's events that came after."""
        return self.after / self.seen

    def without(self, chosen: Sequence[int]) -> Table:
        values = tuple(value for at, value in enumerate(self.values) if at not in chosen)
        return Table(self.dimension, values, np.delete(self.before, chosen), np.delete(self.after, chosen))


def explain(
    dimensions: Mapping[str, Sequence[Slice]], *, alpha: float = 0.01, dispersion: float | None = None
) -> tuple[Cause, ...]:
    """The slices behind a change of the total, or nothing.

    `dimensions`: per dimension every value with its count before and after; each dimension splits the same events.
    Only slices that moved with the total count as causes, found greedily: the strongest one leaves the rest, and the
    rest is scanned again. Dimensions mirror one another (a dead city darkens its country), so only the one with the
    strongest evidence is told. `alpha` bounds the chance of naming a cause of mere noise. `dispersion` is the variance
    over Poisson's (events per user, for events); None estimates it from the slices.

    Raises ValueError for negative or infinite counts, alpha outside (0, 1) or a dispersion that is not positive.
    """
    tables = [_table(name, slices) for name, slices in dimensions.items()]
    tables = [each for each in tables if len(each.values) > 1]
    if not 0 < alpha < 1 or (dispersion is not None and not dispersion > 0):
        raise ValueError("explain needs 0 < alpha < 1 and a positive dispersion")
    if not tables:
        return ()
    critical = one_sided(alpha / sum(len(each.values) for each in tables))
    factor = spread(tables) if dispersion is None else dispersion
    _, table, chosen = max((_scan(each, critical * factor) for each in tables), key=lambda each: each[0])
    return (_cause(table, chosen),) if chosen else ()


def spread(tables: Sequence[Table]) -> float:
    """The variance over Poisson's, seen in the slices that are not broken; at least 1.

    A rough estimate against the median share of each dimension finds the broken slices (fewer than half may be), the
    second is made without them. Dimensions of a few values say too little: without a larger one counts are Poisson.
    """
    tables = [each for each in tables if len(each.values) >= ENOUGH]
    rough = pearson([_squared_residuals(each, np.median(each.share)) for each in tables])
    critical = one_sided(0.01 / max(1, sum(len(each.values) for each in tables)))
    left = [each.without(_scan(each, critical * rough, either=True)[2]) for each in tables]
    return pearson([_squared_residuals(each, each.after.sum() / each.seen.sum()) for each in left])


def pearson(squares: Sequence[Floats]) -> float:
    """The mean of squared residuals within three robust standard deviations.

    Below the 95 % point of its distribution under Poisson, 1 + 1.645 sqrt(2 / slices), it is taken as 1: otherwise its
    own noise would hide small slices.
    """
    pooled = np.concatenate([*squares, np.zeros(0)])
    if not len(pooled):
        return 1.0
    ordinary = pooled[pooled <= 9 * max(1.0, float(np.median(pooled)) / MEDIAN_CHI2)]
    estimate = float(np.mean(ordinary))
    return estimate if estimate > 1 + 1.645 * np.sqrt(2 / len(ordinary)) else 1.0


def _squared_residuals(table: Table, share: float) -> Floats:
    """(after - seen × share)² over its binomial variance; nothing where all or none of the events are after."""
    squares = (table.after - table.seen * share) ** 2
    return divide(squares, table.seen * share * (1 - share)) if 0 < share < 1 else np.zeros(0)


def _scan(table: Table, critical: float, either: bool = False) -> tuple[float, Table, list[int]]:
    """The evidence above what chance allows, the table, and the slices that carry it, the strongest first.

    With `either`, slices that moved against the total count too.
    """
    rest, evidence = np.arange(len(table.values)), 0.0
    chosen: list[int] = []
    while True:
        gains = _gains(table, rest, either)
        best = int(np.argmax(gains))
        if gains[best] <= critical:
            return evidence, table, chosen
        chosen.append(int(rest[best]))
        rest = np.delete(rest, best)
        evidence += float(gains[best]) - critical


def _gains(table: Table, rest: NDArray[np.intp], either: bool) -> Floats:
    """The G statistic of each slice in `rest` against the others there; 0 for one that moved the wrong way."""
    before, after = table.before[rest], table.after[rest]
    others_before, others_after = before.sum() - before, after.sum() - after
    lean = after * others_before - before * others_after  # the sign of the slice's ratio minus that of the others
    gains = g_statistic(before, after, others_before, others_after)
    return np.where((lean * table.change > 0) | either, gains, 0.0)


def g_statistic(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """2 Σ observed × ln(observed / expected) of the table [[a, b], [c, d]]: the likelihood-ratio test of one ratio."""
    parts = special.xlogy([a, b, c, d], [a, b, c, d]).sum(axis=0)
    margins = special.xlogy([a + b, c + d, a + c, b + d], [a + b, c + d, a + c, b + d]).sum(axis=0)
    total = a + b + c + d
    statistic: Floats = np.maximum(2 * (parts - margins + special.xlogy(total, total)), 0.0)
    return statistic


def one_sided(level: float) -> float:
    """The quantile of G for one direction: chi-squared, one degree of freedom, at 1 - 2 × level."""
    return float(special.chdtri(1, min(2 * level, 1.0)))


def _cause(table: Table, chosen: list[int]) -> Cause:
    before, after = float(table.before[chosen].sum()), float(table.after[chosen].sum())
    values = tuple(table.values[each] for each in chosen)
    return Cause(table.dimension, values, (after - before) / table.change, before, after)


def _table(dimension: str, slices: Sequence[Slice]) -> Table:
    """The slices with any events at all, checked."""
    counts = np.array([(before, after) for _, before, after in slices], dtype=np.float64).reshape(-1, 2)
    if not np.all(np.isfinite(counts)) or np.any(counts < 0):
        raise ValueError(f"{dimension}: counts are finite and not negative")
    alive = counts.sum(axis=1) > 0
    values = tuple(value for (value, _, _), keep in zip(slices, alive, strict=True) if keep)
    return Table(dimension, values, *counts[alive].T)
