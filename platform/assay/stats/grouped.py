"""Moments of every group straight from columns, such as those of a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.errors import UsageError
from assay.stats.estimand import Estimand
from assay.stats.moments import Array, Moments, at

_ROWS = 2048  # of a block: its columns and their products stay in the processor's caches


def moments_by(
    columns: Mapping[str, ArrayLike], groups: ArrayLike, metrics: Mapping[str, Estimand]
) -> dict[str, dict[Any, Moments]]:
    """Metric → group → moments of the metric's columns and covariates, from one pass over all columns.

    `columns`: name → one number per unit, shape (n,); a DataFrame serves, too. `groups`: the group of each unit, shape
    (n,), such as its variant. Only columns that meet in a metric are multiplied.
    Each column is shifted by the mean of its first values before squaring (Chan, Golub and LeVeque 1983, §3).
    Raises `UsageError`: E204 unknown column, E601 columns and groups of different lengths.

    >>> from assay.stats import MetricColumns
    >>> columns = {"likes": [1.0, 2.0, 4.0, 6.0], "past": [1.0, 1.0, 3.0, 4.0]}
    >>> found = moments_by(columns, ["a", "a", "b", "b"], {"likes": MetricColumns("likes", None, "past")})
    >>> found["likes"]["b"].mean("likes")
    5.0
    """
    names, numbers = np.unique(np.asarray(groups), return_inverse=True)
    wanted = {name: tuple(dict.fromkeys((*each.columns, *each.covariates))) for name, each in metrics.items()}
    used = {name: _column(columns, name, len(numbers)) for name in dict.fromkeys(sum(wanted.values(), ()))}
    pairs = list(dict.fromkeys(pair for each in wanted.values() for pair in combinations(each, 2)))
    table = _sums(used, pairs, numbers, len(names))
    labels = names.tolist()
    if not all(np.isfinite(each).all() for each in table.values()):  # one group's NaN must not show in the others
        splits = {label: numbers == number for number, label in enumerate(labels)}
        return {metric: _apart(used, each, splits) for metric, each in wanted.items()}
    counts = np.bincount(numbers, minlength=len(names)).tolist()
    shifts = {name: _shift(values) for name, values in used.items()}
    return {
        metric: {label: _moments(table, each, shifts, counts[number], number) for number, label in enumerate(labels)}
        for metric, each in wanted.items()
    }


_Key = tuple[str, ...]  # a column, or a pair of them


def _sums(
    columns: Mapping[str, Array], pairs: Sequence[tuple[str, str]], numbers: NDArray[np.intp], groups: int
) -> dict[_Key, Array]:
    """Σ of every shifted column, of its square, and of the products of pairs, per group: shape (groups,)."""
    shifts = [(values, _shift(values)) for values in columns.values()]
    places = {name: place for place, name in enumerate(columns)}
    factors = [(places[a], places[b]) for a, b in pairs]
    squared = slice(len(shifts), 2 * len(shifts))
    sums = np.zeros((groups, 2 * len(shifts) + len(factors)))
    block = np.empty((sums.shape[1], _ROWS))
    with np.errstate(invalid="ignore", over="ignore"):
        for first in range(0, len(numbers), _ROWS):
            rows = slice(first, first + _ROWS)
            inside = (numbers[rows] == np.arange(groups)[:, None]).astype(np.float64)
            part = block[:, : inside.shape[1]]
            for place, (values, shift) in enumerate(shifts):
                np.subtract(values[rows], shift, out=part[place])
            np.square(part[: len(shifts)], out=part[squared])
            for place, (a, b) in enumerate(factors, squared.stop):
                np.multiply(part[a], part[b], out=part[place])
            sums += inside @ part.T
    names: list[_Key] = [(name,) for name in columns]
    return dict(zip([*names, *((name, name) for name in columns), *pairs], sums.T, strict=True))


def _moments(
    table: Mapping[_Key, Array], names: Sequence[str], shifts: Mapping[str, float], count: int, group: int
) -> Moments:
    products = np.empty((len(names), len(names)))
    for (i, a), (j, b) in combinations_with_replacement(enumerate(names), 2):
        products[i, j] = products[j, i] = (table[a, b] if (a, b) in table else table[b, a])[group]
    sums = [table[name,][group] for name in names]
    return Moments.from_shifted(names, count, sums, products, [shifts[name] for name in names])


def _apart(columns: Mapping[str, Array], names: Sequence[str], splits: Mapping[Any, Array]) -> dict[Any, Moments]:
    table = np.column_stack([columns[name] for name in names])
    return {label: Moments.of(names, table[split]) for label, split in splits.items()}


def _shift(values: Array) -> float:
    return float(values[:_ROWS].mean()) if len(values) else 0.0


def _column(columns: Mapping[str, ArrayLike], name: str, n: int) -> Array:
    at(list(columns), name)
    values = np.asarray(columns[name], dtype=np.float64)
    if values.shape != (n,):
        raise UsageError.of(
            "E601",
            f"The column '{name}' has the shape {values.shape}, and there are {n} groups.",
            why="Each unit has one value and belongs to one group.",
            fix="Give every column, and the groups, one entry per unit in the same order.",
        )
    return values
