"""Quantiles as order statistics: the law of their ranks, and errors for several values per unit."""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.stats.cuped import Estimate
from assay.stats.effect import NoAnswer
from assay.stats.moments import Moments
from assay.stats.streams import stream
from assay.stats.welch_t import quantile as critical


def rank(n: int, level: float) -> int:
    """The rank, 1..n, of the `level` quantile of n values: the smallest with at least this share of values up to it.

    This is quantile type 1 of Hyndman and Fan (1996); for an even n the median is the lower of the two middle values.

    >>> rank(10, 0.5), rank(11, 0.5), rank(1000, 0.99)
    (5, 6, 990)
    """
    return min(max(ceil(round(n * level, 9)), 1), n)


def bootstrap_ranks(n: int, level: float, replicates: int, seed: int, *purpose: str | int) -> NDArray[np.int64]:
    """Ranks, 1..n, that the `level` quantiles of `replicates` resamples have in the data. Source: Efron (1979), §3.

    A resample's k-th value has rank at most j when k or more of n draws fall on the first j values: with probability
    P(Binomial(n, j / n) ≥ k) = P(B ≤ j / n) where B is Beta(k, n − k + 1). So the rank is ⌈n B⌉, exactly.

    >>> bootstrap_ranks(1_000_000, 0.5, 3, 7).tolist()
    [500178, 499848, 500384]
    """
    k = rank(n, level)
    shares = stream(seed, "quantile", *purpose).beta(k, n - k + 1, replicates)
    return np.clip(np.ceil(n * shares).astype(np.int64), 1, n)


def clustered_quantile(values: ArrayLike, units: ArrayLike, level: float, alpha: float = 0.05) -> Estimate:
    """The quantile of all values, shape (n,), where several belong to one of `units`, shape (n,); its `n` counts units.

    Deng, Knoblich and Lu (2018), §4: the share of values up to the quantile is a ratio of sums per unit, whose standard
    error s comes from the delta method; the values at shares level ± z s are an interval, and its length ÷ 2 z is the
    standard error. Two such estimates in `Arms` give an effect by `welch_t`. Raises `NoAnswer` below two units, and
    when the values near the quantile are all the same.

    >>> latency = clustered_quantile([3, 5, 4, 9, 8, 7, 2, 6], [1, 1, 1, 2, 2, 2, 3, 3], 0.5)
    >>> latency.value, latency.n
    (5.0, 3)
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    if n == 0 or not np.isfinite(ordered).all():
        raise NoAnswer("there are no values, or some are missing or infinite")
    value, z = float(ordered[rank(n, level) - 1]), critical(None, alpha)
    _, of = np.unique(np.asarray(units), return_inverse=True)
    sizes = np.bincount(of)
    if len(sizes) < 2:
        raise NoAnswer("a standard error needs at least 2 units")
    upto = np.bincount(of, weights=np.asarray(values) <= value)
    share = upto.sum() / n
    rest = Moments.of(["rest"], (upto - share * sizes)[:, None])
    reach = z * sqrt(rest.var("rest") / len(sizes)) / float(sizes.mean())
    low, high = max(floor(n * (level - reach)), 1), min(ceil(n * (level + reach)), n)
    se = float(ordered[high - 1] - ordered[low - 1]) / (2 * z)
    if se == 0:
        raise NoAnswer("the values near the quantile are all the same, so no error can be estimated")
    return Estimate(value, se * se, len(sizes))
