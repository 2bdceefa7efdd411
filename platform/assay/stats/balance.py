"""Salt search: how alike variants were before the experiment, for every salt that could split them.

Choosing the split with the best balance of what is known before the start is rerandomisation. Source: Morgan and Rubin
(2012), Rerandomization to improve covariate balance in experiments, Annals of Statistics 40, 1263-1282: estimates stay
unbiased, and the usual intervals are conservative, because balanced splits vary less than they assume.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import UsageError
from assay.stats.moments import Array
from assay.stats.srm import srm

SRM_LEVEL = 0.01  # stricter than the gate's 0.001: there are many other salts


@dataclass(frozen=True, slots=True)
class Feature:
    """What should be alike in all variants: Σ weight · mean of a column, in units of `sd`, its deviation per unit."""

    name: str
    weights: Mapping[str, float]
    sd: float


@dataclass(frozen=True, slots=True)
class Balance:
    """How alike the variants of one salt are: `imbalance` is the largest absolute standardised difference from the
    control, in `feature` of `variant`, and None when a variant is empty. `srm` is the p of the counts."""

    salt: str
    counts: Mapping[str, int]
    srm: float | None = None
    imbalance: float | None = None
    feature: str | None = None
    variant: str | None = None

    @property
    def acceptable(self) -> bool:
        return self.imbalance is not None and self.srm is not None and self.srm >= SRM_LEVEL


@dataclass(frozen=True, slots=True)
class SaltSearch:
    """The best of the tried salts beside the present one and all the others.

    `median` is over the acceptable ones, and `rank` the share (0..1) of them that are at least as balanced as the
    present salt: what luck alone gives.
    """

    best: Balance
    present: Balance
    median: float
    rank: float | None
    tried: int
    rejected: int


def balances(
    salts: Sequence[str],
    weights: Mapping[str, float],
    columns: Sequence[str],
    counts: ArrayLike,
    sums: ArrayLike,
    features: Sequence[Feature],
) -> list[Balance]:
    """The balance of each salt, from sums per variant; the first variant of `weights` is the control.

    counts: (salts, variants) units; sums: (salts, variants, columns). The standardised difference is that of Austin
    (2009), Statistics in Medicine 28, 3083-3107, with the deviation of all units together, which no salt changes.

    >>> likes = Feature("likes", {"likes": 1.0}, sd=2.0)
    >>> halves = {"control": 1, "treatment": 1}
    >>> balances(["a"], halves, ["likes"], [[10, 10]], [[[30], [32]]], [likes])[0].feature
    'likes'
    """
    n, total = np.asarray(counts, dtype=np.float64), np.asarray(sums, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total / n[..., None]
    scaled = np.array([[each.weights.get(name, 0.0) / each.sd for each in features] for name in columns])
    differences = np.abs((means[:, 1:] - means[:, :1]) @ scaled)
    return [
        _balance(salt, dict(zip(weights, map(int, units), strict=True)), weights, found, features)
        for salt, units, found in zip(salts, n, differences, strict=True)
    ]


def _balance(
    salt: str, counts: dict[str, int], weights: Mapping[str, float], found: Array, features: Sequence[Feature]
) -> Balance:
    pvalue = srm(counts, weights).pvalue
    if not found.size or not all(counts.values()):
        return Balance(salt, counts, pvalue)
    variant, feature = divmod(int(found.argmax()), len(features))
    worst = float(found[variant, feature])
    return Balance(salt, counts, pvalue, worst, features[feature].name, list(weights)[variant + 1])


def search(present: Balance, tried: Iterable[Balance]) -> SaltSearch:
    """The best acceptable salt. Raises `UsageError` W601 when none is: too few units, or nothing to compare.

    >>> found = search(Balance("x", {}, 0.5, 0.03), [Balance("x-1", {}, 0.4, 0.02), Balance("x-2", {}, 0.9, 0.04)])
    >>> found.best.salt, found.rank
    ('x-1', 0.5)
    """
    known = list(tried)
    good = [each for each in known if each.acceptable]
    sizes = [each.imbalance for each in good if each.imbalance is not None]
    if not good:
        raise UsageError.of(
            "W601",
            f"None of {len(known)} salts gives variants that can be compared.",
            why="Each variant needs units in the history, in about the planned proportions, and metrics that vary.",
            fix="Take a longer history, or more traffic.",
        )
    best = good[int(np.argmin(sizes))]
    at_least = None if present.imbalance is None else float(np.mean(np.array(sizes) <= present.imbalance))
    return SaltSearch(best, present, float(np.median(sizes)), at_least, len(known), len(known) - len(good))
