"""Sums of columns over very many random subsets of the same rows: the engine of power simulations and A/A replays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.stats.moments import Array
from assay.stats.streams import stream

Floats = NDArray[np.float32]

_LEVELS = 1 << 16  # random numbers are 16 bits: a share is kept to 1 / 65,536
_ROWS = 4096  # rows and subsets of one block: numbers, weights and columns stay in the processor's caches
_SUBSETS = 256
_COPIES = 16  # subsets made from one set of random numbers …
_ENOUGH = 4096  # … where there are this many rows


def subset_sums(columns: Floats, shares: Sequence[float], subsets: int, seed: int, *purpose: str) -> Array:
    """Σ of every column over random subsets. `columns`: shape (n, k); the answer: (len(shares), subsets, k).

    Every row is in a subset with probability `share`, independently. Subsets of different shares are nested: they come
    from the same random numbers. Cost: a matrix product of 2 · n · k · subsets operations for each share.

    One set of random numbers chooses several subsets, each from the rows in another rotation of a random order, so
    that the product is wide enough for the processor's full speed. Each subset alone is exactly as described. Two that
    share their numbers are equally large, and share rows as by chance: sums of a column with mean zero, of which
    statistics are made, correlate by about ±1/√n.
    """
    copies = _COPIES if len(columns) >= _ENOUGH else 1
    draws = -(-subsets // copies)
    sums = np.zeros((len(shares), draws, copies * columns.shape[1]))
    order = stream(seed, *purpose, "order").permutation(len(columns))
    for first in range(0, len(columns), _ROWS):
        wide = _rotated(columns, order, slice(first, first + _ROWS), copies)
        _add_block(sums, wide, shares, stream(seed, *purpose, first))
    return sums.reshape(len(shares), draws * copies, -1)[:, :subsets]


def resample_sums(columns: Floats, size: int, samples: int, seed: int, *purpose: str) -> Array:
    """Σ of every column over samples of `size` rows with replacement: the exact bootstrap, shape (samples, k).

    Cost: `size` · `samples` look-ups, so it is for samples that are small, absolutely or against the rows.
    """
    at_once = max(1, (1 << 18) // size)
    sums = np.empty((samples, columns.shape[1]))
    for first in range(0, samples, at_once):
        block = sums[first : first + at_once]
        rows = stream(seed, *purpose, first).integers(0, len(columns), (len(block), size))
        columns[rows].sum(axis=1, dtype=np.float64, out=block)
    return sums


def _rotated(columns: Floats, order: NDArray[np.int64], rows: slice, copies: int) -> Floats:
    """The same block of places in `copies` rotations of the order, side by side."""
    places = np.arange(*rows.indices(len(order)))
    turns = [order[(places + len(order) * copy // copies) % len(order)] for copy in range(copies)]
    return np.hstack([columns[turn] for turn in turns])


def _add_block(sums: Array, wide: Floats, shares: Sequence[float], random: np.random.Generator) -> None:
    for first in range(0, sums.shape[1], _SUBSETS):
        into = sums[:, first : first + _SUBSETS]
        numbers = _numbers(random, into.shape[1], len(wide))
        for at, share in enumerate(shares):
            chosen = numbers < np.uint16(kept_share(share) * _LEVELS)
            into[at] += chosen.astype(np.float32) @ wide


def kept_share(share: float) -> float:
    """The nearest share that 16-bit random numbers can keep, never 0 or 1."""
    return min(max(round(share * _LEVELS), 1), _LEVELS - 1) / _LEVELS


def _numbers(random: np.random.Generator, rows: int, width: int) -> NDArray[np.uint16]:
    """Uniform 16-bit numbers, shape (rows, width), four from each raw number of the stream."""
    raw = random.bit_generator.random_raw(-(-rows * width // 4))
    return np.asarray(raw).view(np.uint16)[: rows * width].reshape(rows, width)
