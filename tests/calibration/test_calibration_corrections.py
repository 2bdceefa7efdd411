"""Corrections for many tests: family-wise errors, false discoveries, intervals; and whether slices differ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from assay.stats import CORRECTIONS, Interaction, adjust, adjusted_alpha, compare, heterogeneity, stream
from assay.stats.moments import Array
from tests.calibration.measure import known
from tests.calibration.page import keep, not_above, percent, table
from tests.calibration.shapes import LIKES, SEED, summarised

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RUNS, TESTS, ALPHA, EFFECT = 5_000, 10, 0.05, 3.0
DISCOVERY = ("bh", "by", "bky")  # they promise the share of false ones among what is found, the others any false one
FAMILIES = {"no effects": 0, "five of ten": 5, "five of ten, correlated": 5}
every_correction = pytest.mark.parametrize("correction", [name for name in CORRECTIONS if name != "none"])
every_family = pytest.mark.parametrize("family", FAMILIES)


@dataclass(frozen=True, slots=True)
class Judged:
    """Per run, shape (runs,): false and true findings, findings whose interval misses, whether any interval does."""

    false: Array
    true: Array
    missed: Array
    any_missed: Array

    @property
    def false_share(self) -> Array:
        return np.asarray(self.false / np.maximum(self.false + self.true, 1))

    @property
    def missed_share(self) -> Array:
        return np.asarray(self.missed / np.maximum(self.false + self.true, 1))


@cache
def seen(family: str) -> Array:
    """z of every test, shape (RUNS, TESTS); correlated ones share half of their variance."""
    rng, effects = stream(SEED, "family", family), FAMILIES[family]
    noise = rng.standard_normal((RUNS, TESTS))
    if "correlated" in family:
        noise = (noise + rng.standard_normal((RUNS, 1))) / 2**0.5
    return np.asarray(noise + np.where(np.arange(TESTS) < effects, EFFECT, 0.0))


@cache
def judged(correction: str, family: str) -> Judged:
    truth = np.where(np.arange(TESTS) < FAMILIES[family], EFFECT, 0.0)
    rows = []
    for z in seen(family):
        pvalues = (2 * ndtr(-np.abs(z))).tolist()
        found = np.array([known(p) < ALPHA for p in adjust(pvalues, correction)])
        outside = np.abs(z - truth) > -ndtri(adjusted_alpha(pvalues, correction, ALPHA)[0] / 2)
        true = found & (truth != 0)
        rows.append([(found & (truth == 0)).sum(), true.sum(), (found & outside).sum(), outside.any()])
    return Judged(*np.array(rows, dtype=np.float64).T)


@every_correction
@every_family
def test_what_a_correction_promises(correction: str, family: str) -> None:
    found = judged(correction, family)
    if correction in DISCOVERY:
        _require_at_most(found.false_share)
    else:
        assert not_above(int((found.false > 0).sum()), RUNS, ALPHA)


@every_correction
@every_family
def test_adjusted_intervals(correction: str, family: str) -> None:
    """All of them hold, or of those of findings a share of 1 − alpha."""
    found = judged(correction, family)
    if correction in DISCOVERY:
        _require_at_most(found.missed_share)
    else:
        assert not_above(int(found.any_missed.sum()), RUNS, ALPHA)


def _require_at_most(shares: Array) -> None:
    assert shares.mean() <= ALPHA + 4.4 * shares.std() / len(shares) ** 0.5


def test_without_a_correction_both_are_broken() -> None:
    assert (judged("none", "no effects").false > 0).mean() > 0.35


# --- slices ---

SLICED, DIMENSIONS, SLICES, UNITS = 1_000, 6, 3, 60


@cache
def sliced(different: int) -> list[tuple[Interaction, ...]]:
    """Experiments with six dimensions of three slices; in the first `different` ones a slice reacts otherwise."""
    return [heterogeneity(_dimensions(stream(SEED, "slices", different, at), different)) for at in range(SLICED)]


def _dimensions(rng: np.random.Generator, different: int) -> dict[str, dict[str, object]]:
    size = (DIMENSIONS * SLICES, UNITS, 1)
    lifts = 0.3 + 1.4 * ((np.arange(size[0]) % SLICES == 0) & (np.arange(size[0]) < different * SLICES))
    arms = [summarised(LIKES.columns, rng.normal(10, 1.5, size) + lift) for lift in (0.0, lifts[:, None, None])]
    effects = [compare(LIKES, *pair) for pair in zip(*arms, strict=True)]
    return {str(at): {str(place): effects[at * SLICES + place] for place in range(SLICES)} for at in range(DIMENSIONS)}  # type: ignore[return-value]


def found_in(different: int) -> tuple[Array, Array]:
    """False and true findings per experiment."""
    significant = np.array([[known(each.pvalue_adjusted) < ALPHA for each in one] for one in sliced(different)])
    return significant[:, different:].sum(axis=1), significant[:, :different].sum(axis=1)


@pytest.mark.parametrize("different", [0, 3])
def test_slices_that_differ(different: int) -> None:
    false, true = found_in(different)
    _require_at_most(false / np.maximum(false + true, 1))
    if different:
        assert true.mean() / different > 0.9


def test_the_page_says_what_was_measured() -> None:
    head = ("correction", "promises", *(f"{family}: false" for family in FAMILIES), "found",
            *(f"{family}: intervals miss" for family in FAMILIES))  # fmt: skip
    rows = [row(correction) for correction in CORRECTIONS]
    slices = [[f"{different} of {DIMENSIONS}", *_slices(different)] for different in (0, 3)]
    second = table(("dimensions whose slices differ", "false discoveries", "found"), slices)
    keep("corrections", f"{table(head, rows)}\n{second}")


def row(correction: str) -> list[str]:
    discovery = correction in DISCOVERY
    promise = "nothing" if correction == "none" else "false share" if discovery else "any false"
    found = {family: judged(correction, family) for family in FAMILIES}
    false = [_share(each.false_share) if discovery else percent(int((each.false > 0).sum()), RUNS) for each in
             found.values()]  # fmt: skip
    missed = [_share(each.missed_share) if discovery else percent(int(each.any_missed.sum()), RUNS) for each in
              found.values()]  # fmt: skip
    return [f"`{correction}`", promise, *false, f"{100 * found['five of ten'].true.mean() / 5:.1f}", *missed]


def _slices(different: int) -> list[str]:
    false, true = found_in(different)
    return [_share(false / np.maximum(false + true, 1)), f"{100 * true.mean() / different:.1f}" if different else "—"]


def _share(shares: Array) -> str:
    """An average in percent, with twice its standard error on both sides."""
    middle, reach = 100 * shares.mean(), 200 * shares.std() / len(shares) ** 0.5
    return f"{middle:.2f} ({max(0.0, middle - reach):.2f}–{middle + reach:.2f})"
