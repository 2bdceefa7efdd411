"""The resampling engine: random weights × columns gives the sums of very many resamples."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from assay.stats.buckets import Buckets
from assay.stats.effect import NoAnswer
from assay.stats.moments import Array, Moments
from assay.stats.streams import stream
from assay.stats.weights import SCHEMES, Draw, Scheme

_MANY = 1024  # rows from which one weight vector serves several resamples, by rotation …
_ROWS_PER_TURN = 64  # … one for this many rows, …
_TURNS = 1024  # … and at most so many
_BLOCK = 1 << 16  # weights drawn at once: they stay in the processor's caches


def resample(table: Buckets, replicates: int, seed: int, *purpose: str | int, scheme: Scheme = "multinomial") -> Array:
    """Means per unit of every column in resamples of the rows, shape (replicates, k), for all columns in one pass.

    A mean is m + Σ w · (sum − m · units) ÷ Σ w · units with m the mean of the data, so that an offset costs no digits.
    A row of NaN is a resample without any unit, which Poisson weights give to tables of a few rows.

    >>> table = Buckets.of(["likes", "views"], [1, 1, 1], [[2, 10], [3, 12], [5, 20]])
    >>> means = resample(table, 1000, 7, scheme="multinomial")
    >>> means.shape, bool(abs(means.mean(axis=0) - [10 / 3, 14]).max() < 0.4)
    ((1000, 2), True)
    """
    means = table.sums.sum(axis=0) / table.units.sum()
    columns = np.column_stack([table.units, table.sums - np.outer(table.units, means)])
    sums = weighted_sums(columns, SCHEMES[scheme], replicates, seed, *purpose)
    units = np.where(sums[:, :1] == 0, np.nan, sums[:, :1])
    return np.asarray(means + sums[:, 1:] / units)


def weighted_sums(columns: Array, draw: Draw, replicates: int, seed: int, *purpose: str | int) -> Array:
    """Σ weight · column for every resample, float64. `columns`: shape (n, k); the answer: (replicates, k).

    Below 1,024 rows every resample has weights of its own, and the sums are a matrix product.

    From there on, a vector of weights is used for n / 64 resamples (1,024 at most): the rows stand in a random order,
    and each resample reads the weights rotated by one more place. Rotation leaves the law of exchangeable weights as it
    is, so that every resample alone is exactly distributed as by `draw`. Two of them correlate by the autocorrelation
    of the shuffled rows: −1 / (n − 1) on average, 1 / √n in size. t turns add √(t / n) ≤ 1/8 with either sign to the
    Monte Carlo variance of any average over resamples. All rotations together are a correlation of two sequences, which
    the fast Fourier transform computes in n log t instead of n · t steps (overlap-save: Oppenheim and Schafer 2010,
    §8.7). The idea is that of random circulant matrices in place of independent ones (Hinrichs and Vybíral 2011).

    Blocks of weights have streams of their own: the answer depends on neither threads nor the order of work.
    """
    every = _rotated if len(columns) >= _MANY else _independent
    return every(columns, draw, replicates, seed, *purpose)


def bucket_moments(table: Buckets) -> Moments:
    """Moments per unit, estimated from the spread between buckets; exact when every unit is a bucket of its own.

    Σ over b buckets of (sum − mean · units)² is on average (1 − 1/b) · n times the variance per unit. Raises `NoAnswer`
    below two buckets, and where a variance is not finite.
    """
    buckets, n = len(table.units), table.n
    if buckets < 2:
        raise NoAnswer("there are fewer than 2 buckets of units in a variant")
    with np.errstate(invalid="ignore", over="ignore"):
        sums = table.sums.sum(axis=0)
        rest = table.sums - np.outer(table.units, sums / n)
        comoments = rest.T @ rest * ((n - 1) * buckets / (n * (buckets - 1)))
    if not np.isfinite(comoments).all():
        raise NoAnswer("the values are too large to compute a variance")
    return Moments(n, table.names, sums, comoments)


def _independent(columns: Array, draw: Draw, replicates: int, seed: int, *purpose: str | int) -> Array:
    sums = np.empty((replicates, columns.shape[1]))
    at_once = _BLOCK // len(columns)
    for first in range(0, replicates, at_once):
        # Every block is drawn whole, so that more replicates begin with the same ones.
        weights = draw(stream(seed, *purpose, first), at_once, len(columns))
        block = sums[first : first + at_once]
        block[:] = (weights @ columns)[: len(block)]
    return sums


def _rotated(columns: Array, draw: Draw, replicates: int, seed: int, *purpose: str | int) -> Array:
    n, k = columns.shape
    turns = min(_TURNS, n // _ROWS_PER_TURN)
    length = 8 * turns  # of a Fourier transform; each adds the products of `step` rows
    step = length - turns
    pieces = -(-n // step)
    rows = np.zeros((pieces * step, k))
    rows[:n] = columns[stream(seed, *purpose, "order").permutation(n)]
    spectra = np.fft.rfft(rows.T.reshape(k, pieces, step), length).conj()
    at_once = max(1, _BLOCK // n)
    sums = np.empty((replicates, k))
    for first in range(0, replicates, at_once * turns):
        weights = draw(stream(seed, *purpose, first), at_once, n)
        around = np.concatenate((weights, weights[:, : len(rows) + turns - n]), axis=1)
        windows = sliding_window_view(around, length, axis=1)[:, ::step]
        products = np.einsum("wpf,kpf->wkf", np.fft.rfft(windows), spectra)
        turned = np.fft.irfft(products, length)[:, :, :turns]
        block = sums[first : first + at_once * turns]
        block[:] = turned.transpose(0, 2, 1).reshape(-1, k)[: len(block)]
    return sums
