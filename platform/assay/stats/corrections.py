"""Multiple testing: adjusted p-values, to be compared with the same alpha as a single one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.errors import UsageError, did_you_mean
from assay.stats.moments import Array

# p-values in ascending order, shape (m,) -> adjusted values in the same order, before capping at 1.
Correction = Callable[[Array], Array]
CORRECTIONS: dict[str, Correction] = {}


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


def correction(name: str) -> Callable[[Correction], Correction]:
    """Register a correction of sorted p-values under a name."""

    def register(run: Correction) -> Correction:
        CORRECTIONS[name] = run
        return run

    return register


@correction("none")
def none(p: Array) -> Array:
    return p


@correction("bonferroni")
def bonferroni(p: Array) -> Array:
    """Family-wise error under any dependence (Dunn 1961)."""
    return p * len(p)


@correction("sidak")
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


@correction("bh")
def bh(p: Array) -> Array:
    """False discovery rate of independent or positively dependent tests (Benjamini and Hochberg 1995)."""
    return _from_largest(p * (len(p) / np.arange(1, len(p) + 1)))


@correction("by")
def by(p: Array) -> Array:
    """False discovery rate under any dependence (Benjamini and Yekutieli 2001)."""
    return bh(p) * float(np.sum(1 / np.arange(1, len(p) + 1)))


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
