"""Winsorising: values beyond a high quantile are cut to it, so that a few units do not decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assay.stats.compare import require_share
from assay.stats.moments import Array
from assay.stats.samples import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Winsorized:
    """Both arms with cut columns, and column → the threshold it was cut at, in the column's unit."""

    control: Samples
    treatment: Samples
    thresholds: Mapping[str, float]


def winsorize(control: Samples, treatment: Samples, share: float, columns: Sequence[str] | None = None) -> Winsorized:
    """Cut every column (or `columns`) at its `share` quantile, such as 0.99 (Dixon 1960; Tukey 1962).

    The threshold is pooled over both arms: one per arm would cut a treatment that lifts the top higher up, and so
    depend on the effect. It is the value that ClickHouse's `quantileExact` gives, the one at position ⌊share · n⌋ from
    0. Cut parts of a quotient no longer belong together: cut sums only. Missing and infinite values stay as they are.
    Raises `UsageError`: E204 unknown column, E601 share outside 0..1.

    >>> arm = Samples.of(["likes"], [[1.0], [2.0], [3.0], [100.0]])
    >>> winsorize(arm, arm, 0.7).control.column("likes").tolist()
    [1.0, 2.0, 3.0, 3.0]
    """
    require_share("share", share)
    thresholds = {}
    for name in control.names if columns is None else columns:
        pooled = np.concatenate([control.column(name), treatment.column(name)])
        known = pooled[np.isfinite(pooled)]
        if len(known):
            place = int(share * len(known))
            thresholds[name] = float(np.partition(known, place)[place])
    return Winsorized(_cut(control, thresholds), _cut(treatment, thresholds), thresholds)


def _cut(arm: Samples, thresholds: Mapping[str, float]) -> Samples:
    columns = [_cut_column(arm.column(name), thresholds.get(name)) for name in arm.names]
    return Samples.of(arm.names, np.column_stack(columns))


def _cut_column(values: Array, threshold: float | None) -> Array:
    return values if threshold is None else np.where(np.isfinite(values), np.minimum(values, threshold), values)
