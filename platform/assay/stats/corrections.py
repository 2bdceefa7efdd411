"""Multiple testing: adjusted p-values, compared with the same alpha as a single one, and levels for intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.errors import UsageError, did_you_mean
from assay.stats.compare import require_share
from assay.stats.moments import Array

# p-values in ascending order, shape (m,) -> adjusted values in the same order, before capping at 1.
Correction = Callable[[Array], Array]
CORRECTIONS: dict[str, Correction] = {}
# (tests in the family, how many are rejected, alpha) -> alpha of each interval
Level = Callable[[int, int, float], float]
_LEVELS: dict[str, Level] = {}


def adjust(pvalues: Sequence[float | None], correction: str = "holm") -> tuple[float | None, ...]:
    """Adjusted p-values, in the order given. None (no test was possible) stays None and is not part of the family.

    Products and `expm1` only, never 1 − p, so that the smallest p keeps its relative precision.
    Raises `UsageError`: E201 unknown correction, E601 a p-value outside 0..1.

    >>> adjust([0.01, None, 0.04], "holm")
    (0.02, None, 0.04)
    """
    known = [p for p in pvalues if p is not None]
    _require(known, correction)
    if not known:
        return tuple(pvalues)
    raw = np.asarray(known, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(CORRECTIONS[correction](raw[order]), 1.0)
    answers = iter(adjusted.tolist())
    return tuple(None if p is None else next(answers) for p in pvalues)


def adjusted_alpha(pvalues: Sequence[float | None], correction: str = "holm", alpha: float = 0.05) -> tuple[float, ...]:
    """The alpha at which to make each interval of a family, in the order given; with None counted like in `adjust`.

    Family-wise corrections: simultaneous intervals, all of which cover with probability 1 − alpha: alpha ÷ m
    (Bonferroni; Dunn 1961), for `sidak` 1 − (1 − alpha)^(1/m). False discovery rates: alpha · R ÷ m with R rejections,
    at least 1 (Benjamini and Yekutieli 2005): of the intervals of what was found, a share of alpha misses on average.

    An interval made from the same test that excludes zero has an adjusted p < alpha. The reverse holds for `none`,
    `bonferroni`, `sidak`, `bh` and `by`. `holm`, `hochberg`, `hommel` and `bky` find more than simultaneous intervals
    can show: there an interval may hold zero though the test rejects it.
    Raises `UsageError`: E201 unknown correction, E601 a p-value or alpha outside 0..1.

    >>> adjusted_alpha([0.001, 0.01, 0.2, 0.9], "bh")
    (0.025, 0.025, 0.025, 0.025)
    """
    require_share("alpha", alpha)
    adjusted = [p for p in adjust(pvalues, correction) if p is not None]
    rejected = sum(p <= alpha for p in adjusted)
    level = _LEVELS[correction](max(len(adjusted), 1), max(rejected, 1), alpha)
    return (level,) * len(pvalues)


def _simultaneous(m: int, rejected: int, alpha: float) -> float:  # noqa: ARG001  the signature of a level
    return alpha / m


def _discovered(m: int, rejected: int, alpha: float) -> float:
    return alpha * (rejected / m)


def correction(name: str, level: Level = _simultaneous) -> Callable[[Correction], Correction]:
    """Register a correction of sorted p-values under a name, with the level of the intervals that go with it."""

    def register(run: Correction) -> Correction:
        CORRECTIONS[name], _LEVELS[name] = run, level
        return run

    return register


@correction("none", level=lambda _, __, alpha: alpha)
def none(p: Array) -> Array:
    return p


@correction("bonferroni")
def bonferroni(p: Array) -> Array:
    """Family-wise error under any dependence (Dunn 1961)."""
    return p * len(p)


@correction("sidak", level=lambda m, _, alpha: -float(np.expm1(np.log1p(-alpha) / m)))
def sidak(p: Array) -> Array:
    """Family-wise error of independent tests: 1 − (1 − p)^m (Šidák 1967)."""
    with np.errstate(divide="ignore"):  # log(0) at p = 1 gives 1, as it should
        return np.asarray(-np.expm1(len(p) * np.log1p(-p)), dtype=np.float64)


@correction("holm")
def holm(p: Array) -> Array:
    """Family-wise error under any dependence, never weaker than Bonferroni (Holm 1979)."""
    return np.maximum.accumulate(p * np.arange(len(p), 0, -1))


@correction("hochberg")
def hochberg(p: Array) -> Array:
    """Family-wise error of independent or positively dependent tests (Hochberg 1988)."""
    return _from_largest(p * np.arange(len(p), 0, -1))


@correction("hommel")
def hommel(p: Array) -> Array:
    """Family-wise error of independent or positively dependent tests, never weaker than Hochberg (Hommel 1988).

    Simes' test of every subset; the algorithm is that of Wright (1992), appendix, in O(m²).
    """
    n = len(p)
    adjusted = np.full(n, float(np.min(n * p / np.arange(1, n + 1))))
    for m in range(n - 1, 1, -1):
        largest = float(np.min(m * p[n - m + 1 :] / np.arange(2, m + 1)))
        bound = np.minimum(m * p, largest)
        bound[n - m + 1 :] = bound[n - m]
        adjusted = np.maximum(adjusted, bound)
    return np.asarray(np.maximum(adjusted, p), dtype=np.float64)


@correction("bh", level=_discovered)
def bh(p: Array) -> Array:
    """False discovery rate of independent or positively dependent tests (Benjamini and Hochberg 1995)."""
    return _from_largest(p * (len(p) / np.arange(1, len(p) + 1)))


@correction("by", level=lambda m, rejected, alpha: _discovered(m, rejected, alpha) / _harmonic(m))
def by(p: Array) -> Array:
    """False discovery rate under any dependence (Benjamini and Yekutieli 2001)."""
    return bh(p) * _harmonic(len(p))


@correction("bky", level=lambda m, rejected, alpha: _discovered(m, rejected, alpha / (1 + alpha)))
def bky(p: Array) -> Array:
    """False discovery rate of independent tests in two stages (Benjamini, Krieger and Yekutieli 2006, definition 6).

    Stage 1 is BH at q' = q ÷ (1 + q), with r rejections; stage 2 is BH at q' · m ÷ (m − r). Both reject more as q
    grows, so the adjusted value is the smallest q that rejects: over r, the least q' that gives r rejections in stage
    1 and this one in stage 2. With many true effects it may be below the raw p.
    """
    m, stage = len(p), bh(p)
    first = np.concatenate([[0.0], stage])  # the least q' with at least r rejections in stage 1, r = 0..m
    left = np.arange(m, -1, -1) / m
    enough = np.searchsorted(first[:-1] / left[:-1], stage, "left")  # the first r whose stage 1 asks more than stage 2
    least = np.minimum(first[enough], stage * left[np.maximum(enough - 1, 0)])
    return np.asarray(least / np.maximum(1 - least, 0.5), dtype=np.float64)


def _harmonic(m: int) -> float:
    return float(np.sum(1 / np.arange(1, m + 1)))


def _from_largest(p: Array) -> Array:
    return np.minimum.accumulate(p[::-1])[::-1]


def _require(known: Sequence[float], name: str) -> None:
    if name not in CORRECTIONS:
        raise UsageError.of(
            "E201",
            f"There is no correction '{name}'.{did_you_mean(name, CORRECTIONS)}",
            why="Corrections are looked up by name.",
            fix=f"Use one of: {', '.join(CORRECTIONS)}.",
        )
    if not all(0 <= p <= 1 for p in known):
        raise UsageError.of(
            "E601",
            "A p-value lies outside 0..1.",
            why="A p-value is a probability.",
            fix="Give None where no test was possible.",
        )
