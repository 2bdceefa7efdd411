"""Which slices stand out: those that moved apart from the rest of their dimension, further than their days usually do.

The evidence is the likelihood-ratio scan of `explain`: each slice against the rest, G divided by a dispersion. Where
several baseline days exist, the dispersion is measured: each of them is compared with the others in the same way, and
the median of a slice's G says how far it strays by itself (Wilson, Hilferty, 1931: the median of chi-squared with one
degree of freedom is 0.455). One strange day among them does not move a median. Bonferroni's bound covers every slice
looked at, in every dimension and direction, and for a ratio both effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assay.detect import contribution
from assay.detect.explain import ENOUGH, MEDIAN_CHI2, Table, g_statistic, one_sided, pearson, spread
from assay.detect.series import Floats, divide

Effect = Literal["mix", "rate"]
_MUCH, _MOST = 0.1, 0.95  # of a change; parts that carry most of it are enough
_LARGE = 1e9  # sums are scaled to this, so that Poisson's variance, which means nothing for them, is never the larger


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One dimension on some days: float64, shape (slices, days); the last day is judged by the ones before it.

    `below` holds the denominators of a ratio; without it `above` is a total. With `parts`, the slices are what a total
    consists of, such as its sources: only those are told that carry much of the change, until most is told. Raises
    ValueError for other shapes, fewer than two days, and numbers that are negative or not finite.
    """

    dimension: str
    values: tuple[str, ...]
    above: Floats
    below: Floats | None = None
    parts: bool = False

    def __post_init__(self) -> None:
        for each in (self.above, *(() if self.below is None else (self.below,))):
            if each.ndim != 2 or each.shape != (len(self.values), self.above.shape[1]) or each.shape[1] < 2:
                raise ValueError(f"{self.dimension}: expected the shape (slices, days) with two days at least")
            if not np.all(np.isfinite(each)) or np.any(each < 0):
                raise ValueError(f"{self.dimension}: numbers are finite and not negative")

    @property
    def effects(self) -> tuple[Effect | None, ...]:
        return (None,) if self.below is None else ("rate", "mix")

    @property
    def tests(self) -> int:
        """How many slices are looked at: each one once, for a ratio once per effect."""
        return len(self.values) * len(self.effects)


@dataclass(frozen=True, slots=True)
class Standout:
    """Slices of one dimension that moved apart from the rest, the strongest evidence first.

    `before` and `after`: their total or ratio; `share`: their part of the change of all slices together, over 1 if the
    rest moved against it, None if all together did not change. `against`: they moved against that change. `effect` is
    None for a total.
    """

    dimension: str
    values: tuple[str, ...]
    effect: Effect | None
    before: float | None
    after: float | None
    share: float | None
    against: bool


def standout(splits: Sequence[Split], *, alpha: float = 0.01, counts: bool = True) -> Standout | None:
    """The slices with the strongest evidence, or None when no slice moved apart from the rest.

    The slices are found greedily: the strongest one leaves the rest, and the rest is scanned again. Dimensions mirror
    one another (a dead city darkens its country), so only the strongest one is told; of two slices that moved apart, it
    is the one that moved with the whole. `alpha` bounds the chance of naming anything on an ordinary day.
    `counts`: the numbers count events or entities, so their noise is Poisson's at least; the noise of other sums is
    only known from several baseline days or from a dimension of eight slices, and nothing stands out without it.
    """
    if not 0 < alpha < 1:
        raise ValueError("standout needs 0 < alpha < 1")
    splits = [each for each in splits if len(each.values) > 1 and _whole(each)]
    if not splits:
        return None
    critical = one_sided(alpha / 2 / sum(each.tests for each in splits))
    tests = _tests(splits, counts)
    found = max((_scan(test, critical, against) for against in (False, True) for test in tests), key=_evidence)
    return _told(found) if found.chosen else None


def baseline(numbers: Floats) -> Floats:
    """The median over days, shape (…, days) → (…)."""
    median: Floats = np.median(numbers, axis=-1)
    return median


def _whole(split: Split) -> bool:
    """Whether there is anything to compare before and after."""
    last = split.above if split.below is None else split.below
    before, after = float(baseline(last[:, :-1]).sum()), float(last[:, -1].sum())
    return min(before, after) > 0 if split.below is not None else before + after > 0


@dataclass(frozen=True, slots=True, eq=False)
class _Test:
    """One dimension and effect; everything has the shape (slices,).

    `change`: of all slices together; `noise`: the dispersion of G; `toward`: the sign with which growing faster than
    the rest moves the whole; `limit`: what the evidence cannot exceed, whatever G says.
    """

    split: Split
    effect: Effect | None
    before: Floats
    after: Floats
    noise: Floats
    contribution: Floats
    change: float
    toward: Floats
    limit: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    test: _Test
    against: bool
    chosen: list[int]
    evidence: float


def _evidence(found: _Found) -> float:
    return round(found.evidence, 6)  # mirrored slices differ by rounding only: the first one of them is told


def _tests(splits: Sequence[Split], counts: bool) -> list[_Test]:
    if splits[0].below is None:
        noises = _noises(splits, None, counts)
        return [_of_total(split, noise, counts) for split, noise in zip(splits, noises, strict=True)]
    rates, mixes = _noises(splits, "rate", counts), _noises(splits, "mix", counts)
    found = (_of_ratio(*each, counts) for each in zip(splits, rates, mixes, strict=True))
    return [test for both in found for test in both]


def _of_total(split: Split, noise: Floats, counts: bool) -> _Test:
    before, after = baseline(split.above[:, :-1]), split.above[:, -1]
    parts = contribution.of_total(before, after)
    return _Test(
        split, None, *_pair(split, None, counts), noise, parts, parts.sum(), _signs(parts, parts), _unlimited(parts)
    )


def _of_ratio(split: Split, rate_noise: Floats, mix_noise: Floats, counts: bool) -> tuple[_Test, _Test]:
    """A mix can only explain what is more than the noise of the ratio itself: the shares of large slices move surely,
    but what they do to the ratio may be nothing."""
    assert split.below is not None, "a ratio has denominators"
    sides = [side for each in (slice(None, -1), slice(-1, None)) for side in _side(split, each)]
    effects = contribution.of_ratio(*sides)
    change = effects.mix + effects.rate
    whole = float(change.sum())
    before, after = _pair(split, "rate", counts)
    ratio = (sides[0].sum() / sides[1].sum() + sides[2].sum() / sides[3].sum()) / 2
    variance = ratio**2 * np.median(rate_noise) * (1 / max(before.sum(), 1.0) + 1 / max(after.sum(), 1.0))
    limit = divide(effects.mix**2, np.full(len(change), variance))
    shares_before, shares_after = _pair(split, "mix", counts)
    growing = shares_after * shares_before.sum() - shares_before * shares_after.sum()
    toward = _signs(change, effects.mix * growing)
    return (
        _Test(
            split, "rate", before, after, rate_noise, effects.rate, whole, _signs(change, change), _unlimited(change)
        ),
        _Test(split, "mix", shares_before, shares_after, mix_noise, effects.mix, whole, toward, np.nan_to_num(limit)),
    )


def _signs(change: Floats, each: Floats) -> Floats:
    """For a total all slices pull one way, the way of the change; a share pulls the way of its own effect."""
    whole = np.sign(change.sum()) or 1.0
    return np.full(len(change), whole) if each is change else whole * np.sign(each)


def _unlimited(like: Floats) -> Floats:
    return np.full(len(like), np.inf)


def _side(split: Split, days: slice) -> tuple[Floats, Floats]:
    """Numerators and denominators, shape (slices,): the medians of some days."""
    assert split.below is not None, "a ratio has denominators"
    return baseline(split.above[:, days]), baseline(split.below[:, days])


def _pair(split: Split, effect: Effect | None, counts: bool, day: int = -1) -> tuple[Floats, Floats]:
    """What G compares on one day: counts before, the medians of the other baseline days, and after, shape (slices,).

    Rates are compared as counts over equal denominators, the smaller one of the two sides (direct standardisation),
    so that neither side pretends to more events than it has.
    """
    others = np.delete(np.arange(split.above.shape[1] - 1), [] if day == -1 else [day])
    above = baseline(split.above[:, others]), split.above[:, day]
    if split.below is not None:
        below = baseline(split.below[:, others]), split.below[:, day]
        above = below if effect == "mix" else _standardised(above, below)
    size = 1.0 if counts else _LARGE / max(float(above[0].sum() + above[1].sum()), np.finfo(float).tiny)
    return above[0] * size * _worth(len(others)), above[1] * size


def _worth(days: int) -> float:
    """How many days a median of days is worth: σ² over the variance of the median of so many normal values.

    Hojo (1931), Distribution of the median, quartiles and interquartile distance in samples from a normal population,
    Biometrika 23, 315-360; 2 / π of the number for many.
    """
    return {1: 1.0, 2: 2.0, 3: 2.229, 4: 3.354}.get(days, days * 2 / np.pi)


def _standardised(above: tuple[Floats, Floats], below: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    common = np.minimum(*below)
    before, after = (np.nan_to_num(common * divide(over, under)) for over, under in zip(above, below, strict=True))
    return before, after


def _noises(splits: Sequence[Split], effect: Effect | None, counts: bool) -> list[Floats]:
    """The dispersion of G per slice: its own, drawn half-way to all slices' and never below it."""
    strays = [_strays(each, effect, counts) for each in splits]
    tables = [_table(each, *_pair(each, effect, counts)) for each in splits]
    if not counts and not any(each.size for each in strays) and all(len(each.values) < ENOUGH for each in tables):
        return [np.full(len(each.values), np.inf) for each in splits]
    pooled = max(pearson([each.ravel() for each in strays]), spread(tables))
    return [_noise(each, len(split.values), pooled) for split, each in zip(splits, strays, strict=True)]


def _noise(strays: Floats, slices: int, pooled: float) -> Floats:
    own = np.median(strays, axis=1) / MEDIAN_CHI2 if strays.size else np.full(slices, pooled)
    noise: Floats = np.maximum(pooled, (pooled + own) / 2)
    return noise


def _strays(split: Split, effect: Effect | None, counts: bool) -> Floats:
    """G of each baseline day against the others, shape (slices, days); no days where there is nothing to compare."""
    days = split.above.shape[1] - 1
    found = [_against_rest(*_pair(split, effect, counts, day)) for day in range(days if days > 1 else 0)]
    return np.stack(found, axis=1) if found else np.zeros((len(split.values), 0))


def _table(split: Split, before: Floats, after: Floats) -> Table:
    """As `explain` takes it: without empty slices."""
    alive = before + after > 0
    values = tuple(value for value, keep in zip(split.values, alive, strict=True) if keep)
    return Table(split.dimension, values, before[alive], after[alive])


def _against_rest(before: Floats, after: Floats) -> Floats:
    return g_statistic(before, after, before.sum() - before, after.sum() - after)


def _scan(test: _Test, critical: float, against: bool) -> _Found:
    """Slices that moved with the whole, or against it, the strongest first, and their evidence above chance."""
    rest, evidence = np.arange(len(test.before)), 0.0
    chosen: list[int] = []
    while not _enough(test, chosen):
        gains = _gains(test, rest, against)
        best = int(np.argmax(gains))
        if not gains[best] > critical:
            break
        if against and 2 * len(chosen) >= len(test.before):  # most slices cannot be the exception
            return _Found(test, against, [], 0.0)
        chosen.append(int(rest[best]))
        rest = np.delete(rest, best)
        evidence += float(gains[best]) - critical
    return _Found(test, against, chosen, evidence)


def _enough(test: _Test, chosen: Sequence[int]) -> bool:
    """Whether the parts of a total that were chosen explain it: what only changed places among the others is detail."""
    told = test.contribution[list(chosen)].sum() * np.sign(test.change)
    return bool(test.split.parts and chosen and told >= _MOST * abs(test.change))


def _gains(test: _Test, rest: NDArray[np.intp], against: bool) -> Floats:
    before, after = test.before[rest], test.after[rest]
    lean = after * (before.sum() - before) - before * (after.sum() - after)
    moved = lean * test.toward[rest] * (-1 if against else 1) > 0
    if test.split.parts:
        moved &= (test.contribution[rest] * np.sign(test.change) >= _MUCH * abs(test.change)) & (not against)
    gains = np.minimum(_against_rest(before, after) / test.noise[rest], test.limit[rest])
    return np.where(moved, gains, 0.0)


def _told(found: _Found) -> Standout:
    test, split = found.test, found.test.split
    values = tuple(split.values[each] for each in found.chosen)
    share = float(test.contribution[found.chosen].sum() / test.change) if test.change else None
    before, after = (_level(split, found.chosen, each) for each in (slice(None, -1), slice(-1, None)))
    return Standout(split.dimension, values, test.effect, before, after, share, found.against)


def _level(split: Split, chosen: Sequence[int], days: slice) -> float | None:
    """The total or ratio of some slices; None for a ratio without a denominator."""
    above = float(baseline(split.above[chosen, days]).sum())
    if split.below is None:
        return above
    below = float(baseline(split.below[chosen, days]).sum())
    return above / below if below else None
