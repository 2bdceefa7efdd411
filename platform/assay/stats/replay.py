"""A/A replays: the same units split at random again and again, to see whether a test keeps its promise on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, kolmogorov

from assay.errors import AssayError, UsageError
from assay.stats.batch import Batch, Contrast, Pair, pvalues, statistic
from assay.stats.buckets import Buckets
from assay.stats.compare import require_share
from assay.stats.estimand import Estimand
from assay.stats.moments import Array
from assay.stats.pool import History, Pool
from assay.stats.subsets import Floats, kept_share, subset_sums

_CONFIDENCE = 0.999  # of a level's interval, and of the uniformity test: a healthy test is called broken this rarely
_LEAST = 40  # units: with fewer, replays repeat each other


@dataclass(frozen=True, slots=True)
class Level:
    """The share of replays with p < `alpha`, and its exact 99.9 % interval (Clopper and Pearson 1934)."""

    alpha: float
    rate: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        return self.low <= self.alpha <= self.high


@dataclass(frozen=True, slots=True)
class Shape:
    """What about the units can break a test. `skewness` and `largest` are of the linearised metric per split unit.

    `needed`: units per arm for a normal mean, 355 g² (Kohavi, Deng, Longbotham and Xu 2014, rule 7); `smaller`: units
    the smaller arm has. `largest`: the share of the variance that one unit brings. `design_effect`: the variance of the
    sum when units are split whole, over what independent rows would have (Kish 1965); 1 where rows are the units.
    `unanswered`: the share of replays in which a variant had no value.
    """

    skewness: float
    needed: int
    smaller: int
    largest: float
    design_effect: float
    unanswered: float


@dataclass(frozen=True, slots=True, eq=False)
class AA:
    """Healthy: p-values look uniform and every level's interval holds its alpha. Otherwise `causes` says what is seen.

    `distance` is the largest gap between the p-values' distribution and the uniform one, `ks_pvalue` the chance of a
    larger one (Kolmogorov-Smirnov). `pvalues`: float64, shape (replays,). `shape` is None for p-values from outside.
    """

    replays: int
    levels: tuple[Level, ...]
    distance: float
    ks_pvalue: float
    verdict: Literal["healthy", "broken"]
    causes: tuple[str, ...]
    pvalues: Array
    shape: Shape | None = None
    test: str | None = None
    seed: int | None = None

    def histogram(self, bins: int = 20) -> tuple[int, ...]:
        """Replays per bin of p over 0..1; a healthy test fills all bins alike."""
        return tuple(np.histogram(self.pvalues, bins, (0.0, 1.0))[0].tolist())


def judge(pvalues: ArrayLike, alphas: Sequence[float] = (0.01, 0.05, 0.10)) -> AA:
    """Are these the p-values of a test that keeps its level? From any source, one per A/A replay.

    Broken if the Kolmogorov-Smirnov p is below 0.001 or the 99.9 % interval of a false-positive rate misses its alpha.
    Raises `UsageError` E601 for fewer than 100 values, a value outside 0..1 or NaN.

    >>> judge(np.linspace(0.0005, 0.9995, 1000)).verdict
    'healthy'
    >>> judge(np.linspace(0.0005, 0.9995, 1000) ** 2).causes
    ('it finds differences where there are none: 10.0 % of p-values are below 0.01',)
    """
    given = np.asarray(pvalues, dtype=np.float64).ravel()
    values = np.sort(given)
    _require(values, alphas)
    levels = tuple(_level(values, alpha) for alpha in sorted(alphas))
    distance, ks = _uniformity(values)
    healthy = ks >= 1 - _CONFIDENCE and all(level.kept for level in levels)
    causes = () if healthy else (_symptom(levels, distance),)
    return AA(len(values), levels, distance, ks, "healthy" if healthy else "broken", causes, given)


def aa(
    estimand: Estimand,
    history: History,
    *,
    replays: int = 10_000,
    split: float | Sequence[float] = 0.5,
    alphas: Sequence[float] = (0.01, 0.05, 0.10),
    test: str = "welch",
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> AA:
    """A/A replays of one metric; see `aa_many`.

    >>> from assay.stats import MetricColumns, Samples
    >>> history = Samples.of(["minutes"], np.random.default_rng(1).normal(50, 10, (4000, 1)))
    >>> aa(MetricColumns("minutes"), history, replays=1000).verdict
    'healthy'
    """
    options = {"replays": replays, "split": split, "alphas": alphas, "test": test, "seed": seed, "groups": groups}
    return aa_many({"": estimand}, history, **options)[""]  # type: ignore[arg-type]


def aa_many(
    estimands: Mapping[str, Estimand],
    history: History,
    *,
    replays: int = 10_000,
    split: float | Sequence[float] = 0.5,
    alphas: Sequence[float] = (0.01, 0.05, 0.10),
    test: str = "welch",
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> dict[str, AA]:
    """A/A replays of several metrics over the same splits, metric → `AA`.

    Every replay splits all units at random into two arms; `split` is the treatment's share, or the weights of control
    and treatment. The test reads each row of `history` as independent. Where rows are finer than what is assigned,
    such as one row per user and day, `groups` names the assigned unit of each row, shape (n,): groups are split whole,
    and a test that counts their rows as independent is found out. Without `groups` that cannot be seen in the data.
    Causes are named if a test is broken: rows that belong together (design effect above 1.2), a skewness that needs
    more units than an arm has, one unit with more than 5 % of the variance, replays without an answer.
    Raises `UsageError`: E201 unknown test, E302 a test or metric that is not made of sums, E601 arguments out of range,
    W601 no answer in the history.

    >>> from assay.stats import MetricColumns, Samples
    >>> history = Samples.of(["likes", "views"], np.random.default_rng(1).gamma(4.0, 9.0, (4000, 2)))
    >>> both = {"likes": MetricColumns("likes"), "like_rate": MetricColumns("likes", "views")}
    >>> {name: answer.verdict for name, answer in aa_many(both, history, replays=1000).items()}
    {'likes': 'healthy', 'like_rate': 'healthy'}
    """
    runs = {name: statistic(test, estimand.kind) for name, estimand in estimands.items()}
    share = _share(split)
    pools = {name: Pool.of(estimand, history) for name, estimand in estimands.items()}
    numbers = _numbered(groups, history)
    columns = np.hstack([_grouped(pool.products(), numbers) for pool in pools.values()])
    if len(columns) < _LEAST:
        raise _refuse(f"The history has {len(columns)} units, {_LEAST} are needed.", "Give a longer history.", "W601")
    sums = subset_sums(columns, [share], replays, seed, "aa")[0]
    rest = columns.sum(axis=0, dtype=np.float64) - sums
    answers, first = {}, 0
    for name, pool in pools.items():
        own = slice(first, first := first + pool.width)
        chosen, run = runs[name]
        contrast = Pair.of(Batch.of(pool, rest[:, own]), Batch.of(pool, sums[:, own])).contrast()
        judged = judge(pvalues(*run(contrast)), alphas)
        shape = _shape(pool, numbers, min(share, 1 - share), contrast)
        causes = judged.causes and (*_causes(shape), *judged.causes)
        answers[name] = replace(judged, causes=causes, shape=shape, test=chosen, seed=seed)
    return answers


def _level(values: Array, alpha: float) -> Level:
    """`values` ascend."""
    n, k = len(values), int(np.searchsorted(values, alpha))
    tail = (1 - _CONFIDENCE) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return Level(alpha, k / n, low, high)


def _uniformity(values: Array) -> tuple[float, float]:
    """Distance from uniform and its p, with the small-sample correction of Stephens (1970)."""
    steps = np.arange(len(values) + 1) / len(values)
    distance = float(max((steps[1:] - values).max(), (values - steps[:-1]).max()))
    root = np.sqrt(len(values))
    return distance, float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def _symptom(levels: Sequence[Level], distance: float) -> str:
    for level in levels:
        if not level.kept:
            what = "finds differences where there are none" if level.rate > level.alpha else "misses too much"
            return f"it {what}: {100 * level.rate:.1f} % of p-values are below {level.alpha:g}"
    return f"its p-values are not uniform: their distribution is off by up to {100 * distance:.1f} points"


def _causes(shape: Shape) -> list[str]:
    """Likely causes in sentences, the surest first."""
    told = {
        f"rows that are split together count as independent: the variance is {shape.design_effect:.2g} times what the "
        "test believes; use one row per assigned unit, a mean of events as a ratio of sums": shape.design_effect > 1.2,
        f"the metric is too skewed (g = {shape.skewness:.1f}): {shape.needed:,} units per variant are needed, the "
        f"smaller one has {shape.smaller:,}; winsorise it or collect more": shape.needed > shape.smaller,
        f"one unit carries {100 * shape.largest:.0f} % of the variance; winsorise the metric": shape.largest > 0.05,
        f"in {100 * shape.unanswered:.1f} % of the replays there was no variation to test": shape.unanswered > 0,
    }
    return [sentence for sentence, applies in told.items() if applies]


def _shape(pool: Pool, numbers: NDArray[np.int64] | None, share: float, contrast: Contrast) -> Shape:
    residual = pool.columns[:, 1]  # mean square 1 per row
    whole = residual if numbers is None else np.bincount(numbers, residual)
    square = float(np.mean(whole**2))
    skewness = float(np.mean(whole**3)) / square**1.5
    return Shape(
        skewness,
        round(355 * skewness**2),
        round(share * (pool.units if numbers is None else len(whole))),
        float(np.max(whole**2)) / (square * len(whole)),
        float(np.sum(whole**2)) / len(residual),
        1 - float(np.mean(contrast.answered)),
    )


def _numbered(groups: ArrayLike | None, history: History) -> NDArray[np.int64] | None:
    """Each row's group as a number 0, 1, …; None where every row is its own."""
    if groups is None:
        return None
    names = np.asarray(groups)
    rows = len(history.units) if isinstance(history, Buckets) else history.n
    if names.shape != (rows,):
        raise _refuse(f"There are {rows} rows and groups of shape {names.shape}.", "Give one group for each row.")
    return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.int64)


def _grouped(columns: Floats, numbers: NDArray[np.int64] | None) -> Floats:
    if numbers is None:
        return columns
    return np.column_stack([np.bincount(numbers, column) for column in columns.T]).astype(np.float32)


def _share(split: float | Sequence[float]) -> float:
    """The treatment's share, as 16-bit random numbers keep it."""
    weights = [1 - split, split] if isinstance(split, (int, float)) else list(split)
    if len(weights) != 2 or not all(0 < weight < float("inf") for weight in weights):
        raise _refuse(
            f"The split is {split}.", "Write split=0.5, or two weights such as (2, 1); pair by pair for more."
        )
    return kept_share(weights[1] / sum(weights))


def _require(values: Array, alphas: Sequence[float]) -> None:
    for alpha in alphas:
        require_share("alpha", alpha)
    if len(values) < 100 or not (values[0] >= 0 and values[-1] <= 1):  # NaN sorts to the end and compares false
        raise _refuse("A/A needs at least 100 p-values between 0 and 1.", "Run more replays, and drop none of them.")


def _refuse(message: str, fix: str, code: str = "E601") -> AssayError:
    return UsageError.of(code, message, why="A false-positive rate is read from many random splits in two.", fix=fix)
