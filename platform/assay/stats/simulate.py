"""Monte Carlo power on a metric's own history: a surface of effects, sizes, levels and tests from one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from assay.errors import AssayError, UsageError
from assay.stats.batch import Batch, Contrast, Pair, critical, statistic
from assay.stats.compare import require_share
from assay.stats.estimand import Estimand
from assay.stats.moments import Array
from assay.stats.pool import History, Pool
from assay.stats.power import power_at
from assay.stats.subsets import Floats, kept_share, resample_sums, subset_sums
from assay.stats.surface import Surface

_SMALL = 500  # rows up to which arms are bootstrapped exactly …
_SPARSE = 64  # … as they are when the history has this many times their rows: look-ups are then cheaper too


def power_surface(
    estimand: Estimand,
    history: History,
    effects: Sequence[float],
    sizes: Sequence[int],
    *,
    tests: Sequence[str] = ("welch",),
    alphas: Sequence[float] = (0.05,),
    simulations: int = 10_000,
    seed: int = 0,
    covariates: bool = True,
    ratio: float = 1.0,
    relative: bool = False,
) -> Surface:
    """Simulated experiments on a metric's history: both arms are drawn from one pool, then the effect is applied.

    `history` pools all units, so that a difference that groups of it had is in neither arm. `effects` are in the
    metric's unit, or shares of its value if `relative`; `sizes` are units in the control, the treatment has `ratio`
    times as many. An effect multiplies the treatment's numerator by 1 + lift, so Σy grows by (1 + lift), Σy² by
    (1 + lift)² and Σxy by (1 + lift); metrics that are neither a mean nor a ratio, or are zero, are shifted instead.
    Every effect, level and test reads the same arms.

    Arms of up to 500 rows are drawn exactly, with replacement. Larger arms give each row one of two weights with the
    mean, variance and skewness n / N of Poisson(n / N), which is the bootstrap's law up to O(1/n): Hall (1992), ch. 3,
    shows what matching three moments gives; weights of this kind are Mammen's (1993). They need one comparison and a
    matrix product. With `covariates` every test is adjusted by CUPED, θ from each simulation's own moments.
    Raises `UsageError`: E201 unknown test, E302 a test or metric that is not made of sums, E601 arguments out of range,
    W601 no answer in the history.

    >>> from assay.stats import MetricColumns, Samples
    >>> history = Samples.of(["minutes"], np.random.default_rng(1).normal(50, 10, (4000, 1)))
    >>> surface = power_surface(MetricColumns("minutes"), history, [1.0, 2.0], [400], simulations=2000)
    >>> bool(abs(surface.power - surface.analytic).max() < 0.04)
    True
    """
    wanted = estimand if covariates else estimand.without_covariates()
    runs = [statistic(test, estimand.kind)[1] for test in tests]
    grid = _grid(sizes, effects, ratio, alphas, simulations)
    pool = Pool.of(wanted, history)
    changes = [_change(pool, effect, relative) for effect in effects]
    shape = len(grid), len(changes)
    power, analytic = np.empty((len(runs), len(alphas), *shape)), np.empty((len(alphas), *shape))
    seen = np.empty((3, *shape))
    whole = _whole(pool)
    for at, pair in enumerate(_simulate(pool, grid, simulations, seed)):
        for to, change in enumerate(changes):
            contrast = pair.contrast(change.lift, change.shift)
            power[:, :, at, to] = [[_rejected(*run(contrast), alpha) for alpha in alphas] for run in runs]
            analytic[:, at, to] = _analytic(pool, whole, change, grid[at], alphas)
            seen[:, at, to] = _seen(contrast)
    error = np.sqrt(power * (1 - power) / simulations)
    control, treatment = zip(*grid, strict=True)
    sizes_of = tuple(change.size for change in changes)
    lifts = tuple(size / abs(pool.base) for size in sizes_of) if pool.base else None
    return Surface(
        tuple(tests),
        tuple(alphas),
        control,
        treatment,
        sizes_of,
        lifts,
        pool.base,
        simulations,
        seed,
        power,
        error,
        np.broadcast_to(analytic, power.shape),
        *seen,
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """An effect on the treatment: its value times 1 + `lift`, plus `shift`; a difference of `size`."""

    size: float
    lift: float
    shift: float


def _change(pool: Pool, effect: float, relative: bool) -> _Change:
    size = effect * abs(pool.base) if relative else effect
    if not isfinite(size) or (relative and pool.base == 0):
        raise _refuse(f"The effect {effect} is no change of {pool.base}.", "Give finite effects in the metric's unit.")
    if not pool.scales:
        return _Change(size, 0.0, size)
    if size / pool.base <= -1:
        raise _refuse(f"The effect {effect} takes all of the metric's {pool.base:.4g}.", "Give a smaller effect.")
    return _Change(size, size / pool.base, 0.0)


def _simulate(pool: Pool, grid: Sequence[tuple[int, int]], simulations: int, seed: int) -> Iterator[Pair]:
    """All simulated experiments of each size. Each arm has a stream of its own, so that the two are independent."""
    columns = pool.products()
    arms = [
        _draw(columns, [n / pool.per_row for n in sizes], simulations, seed, arm)
        for arm, sizes in zip(("control", "treatment"), zip(*grid, strict=True), strict=True)
    ]
    for control, treatment in zip(*arms, strict=True):
        yield Pair.of(Batch.of(pool, control), Batch.of(pool, treatment))


def _draw(columns: Floats, sizes: Sequence[float], simulations: int, seed: int, arm: str) -> list[Array]:
    """Sums of simulated arms of these numbers of rows, each of shape (simulations, k)."""
    rows = [max(2, round(size)) for size in sizes]
    many = [n for n in rows if n > _SMALL and n * _SPARSE >= len(columns)]
    weighted = dict(zip(many, _weighted(columns, many, simulations, seed, arm), strict=True))
    return [
        weighted[n] if n in weighted else resample_sums(columns, n, simulations, seed, "power", arm, str(n))
        for n in rows
    ]


def _weighted(columns: Floats, rows: Sequence[int], simulations: int, seed: int, arm: str) -> Iterator[Array]:
    """Σ weight · column where the weight is b with probability p and else a, scaled to add up to the rows.

    p (1 − p) = λ / (1 + 4 λ) and b, a = λ ± √λ · ((1 − p) / p)^±½ have mean, variance and third moment λ = n / N;
    a is never negative.
    """
    if not rows:
        return
    shares = [kept_share((1 - 1 / sqrt(1 + 4 * n / len(columns))) / 2) for n in rows]
    subsets = subset_sums(columns, shares, simulations, seed, "power", arm)
    total = columns.sum(axis=0, dtype=np.float64)
    for n, p, subset in zip(rows, shares, subsets, strict=True):
        mean = n / len(columns)
        sums = (mean - sqrt(mean * p / (1 - p))) * total + sqrt(mean / (p * (1 - p))) * subset
        yield sums * (n / sums[:, :1])


def _whole(pool: Pool) -> Pair:
    """The pool against itself: its variances, after CUPED if there are covariates."""
    whole = Batch.of(pool, pool.products().sum(axis=0, dtype=np.float64)[None])
    return Pair.of(whole, whole)


def _analytic(pool: Pool, whole: Pair, change: _Change, sizes: tuple[int, int], alphas: Sequence[float]) -> list[float]:
    """The normal formula with the pool's variances carried over to the sizes, the treatment's with the effect."""
    contrast = whole.contrast(change.lift, change.shift)
    arms = zip((contrast.control, contrast.treatment), sizes, strict=True)
    variance = sum(float(arm[0]) * pool.units / n for arm, n in arms)
    return [power_at(abs(change.size) / sqrt(variance), alpha) for alpha in alphas]


def _rejected(t: Array, df: Array, alpha: float) -> float:
    return float(np.mean(np.abs(t) > critical(df, alpha)))


def _seen(contrast: Contrast) -> tuple[float, float, float]:
    """Mean and sd of the estimated effects, and the share of simulations without an answer."""
    found = contrast.difference[contrast.answered]
    if len(found) < 2:
        raise UsageError.of(
            "W601",
            "The simulated experiments show no variation.",
            why="Almost every unit has the same value, and arms of this size rarely hold another.",
            fix="Simulate larger sizes.",
        )
    return float(found.mean()), float(found.std(ddof=1)), 1 - len(found) / len(contrast.difference)


def _grid(
    sizes: Sequence[int], effects: Sequence[float], ratio: float, alphas: Sequence[float], simulations: int
) -> list[tuple[int, int]]:
    """Units of both arms for every size, ascending; `UsageError` E601 if something is out of range."""
    for alpha in alphas:
        require_share("alpha", alpha)
    if not (len(effects) and len(sizes) and min(sizes) >= 2 and simulations >= 2 and 0 < ratio < float("inf")):
        raise _refuse(
            "A simulation needs effects, sizes of at least 2 units, a positive ratio and 2 simulations or more.",
            "Write effects=[0.01], sizes=[1000, 2000], ratio=1.0, simulations=10_000.",
        )
    return [(n, max(2, round(n * ratio))) for n in sorted(set(sizes))]


def _refuse(message: str, fix: str) -> AssayError:
    return UsageError.of("E601", message, why="Simulated experiments need two arms and a change between them.", fix=fix)
