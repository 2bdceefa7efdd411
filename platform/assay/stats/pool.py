"""A metric's history, prepared for simulating very many arms at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError
from assay.stats.buckets import Buckets
from assay.stats.effect import NoAnswer
from assay.stats.estimand import Estimand, MetricColumns, Quantile
from assay.stats.moments import Array
from assay.stats.samples import Samples
from assay.stats.subsets import Floats

History = Samples | Buckets

_ROUNDING = 1e-14  # residuals below this share of the values are rounding, not variation
_NOTHING = 1e-9  # a value of fewer standard deviations is zero: no lift of it could ever be seen


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """One metric over r rows (units, or buckets of units) as sums that any simulated arm can be read from.

    `columns`: float64, shape (r, k): ones, the metric's numerator linearised at the pool (mean 0, mean square 1), for
    a ratio and for buckets what it is divided by (mean 1), and the covariates (mean 0, mean square 1). `bottom` is the
    position of the divisor; it is 0, the ones, for a mean per unit. An arm's value is `base` + `scale` · Σ numerator ÷
    Σ divisor. Centred this way, single precision is enough for sums whatever the metric's own mean is.
    `scales` says whether an effect multiplies the numerator; otherwise it is added to the value.
    """

    columns: Array
    bottom: int
    base: float
    scale: float
    units: float
    scales: bool

    @classmethod
    def of(cls, estimand: Estimand, history: History) -> Pool:
        """Raises `UsageError`: E302 for a quantile, E204 for a missing column, W601 if the history has no answer."""
        try:
            return _pool(estimand, history)
        except NoAnswer as no:
            raise UsageError.of(
                "W601",
                f"The history has no answer: {no}.",
                why="A simulation draws its units from past days.",
                fix="Choose a history with data for this metric.",
            ) from no

    @property
    def per_row(self) -> float:
        """Units per row: 1 for samples."""
        return self.units / len(self.columns)

    @property
    def covariates(self) -> slice:
        return slice(max(2, self.bottom + 1), None)

    @property
    def width(self) -> int:
        """How many products of two columns there are."""
        k = int(self.columns.shape[1])
        return k * (k + 1) // 2

    def products(self) -> Floats:
        """Every product of two columns, shape (r, k (k + 1) / 2): the sums of an arm are sums of these."""
        first, second = pairs(self.columns.shape[1])
        products = np.empty((len(self.columns), self.width), dtype=np.float32)
        for at, (a, b) in enumerate(zip(first, second, strict=True)):
            np.multiply(self.columns[:, a], self.columns[:, b], out=products[:, at], casting="same_kind")
        return products


def pairs(k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of k columns, each once; the first k pairs are those with column 0."""
    first, second = np.triu_indices(k)
    return first, second


def _pool(estimand: Estimand, history: History) -> Pool:
    _require(estimand, history)
    units = history.units if isinstance(history, Buckets) else np.ones(len(history.values))
    base, top, bottom = _linear(estimand, history, units)
    size, level = _size(top), float(bottom.mean())
    if size <= _ROUNDING * float(np.abs(history.column(estimand.columns[0])).mean()):
        raise NoAnswer("there is no variation: every unit behaves the same, so no error can be estimated")
    divisor = [] if bottom is units and isinstance(history, Samples) else [bottom / level]
    past = [_standard(_centred(history.column(name), units)) for name in estimand.covariates]
    columns = np.column_stack([np.ones(len(units)), top / size, *divisor, *past])
    if not (isfinite(size) and np.isfinite(columns).all()):
        raise NoAnswer("the values are too large to compute a variance")
    base = base if abs(base) > _NOTHING * size / level else 0.0
    scales = isinstance(estimand, MetricColumns) and base != 0
    return Pool(columns, 2 * len(divisor), base, size / level, float(units.sum()), scales)


def _linear(estimand: Estimand, history: History, units: Array) -> tuple[float, Array, Array]:
    """The value at the pool, the numerator's residual from it, and the divisor, each per row.

    A ratio and a mean keep their own non-linearity, because value − base is Σ residual ÷ Σ divisor exactly. Any other
    function of means is replaced by its linearisation at the pool.
    """
    point = estimand.at({name: float(history.column(name).sum() / units.sum()) for name in estimand.columns})
    if isinstance(estimand, MetricColumns) and estimand.denominator:
        bottom = history.column(estimand.denominator)
        return point.value, history.column(estimand.numerator) - point.value * bottom, bottom
    residuals = [slope * _centred(history.column(name), units) for name, slope in point.gradient.items()]
    return point.value, np.sum(residuals, axis=0), units


def _centred(column: Array, units: Array) -> Array:
    return np.asarray(column - column.sum() / units.sum() * units, dtype=np.float64)


def _size(column: Array) -> float:
    """The root mean square; infinite where a square is too large for a float."""
    with np.errstate(over="ignore"):
        return sqrt(float(np.mean(column * column)))


def _standard(column: Array) -> Array:
    """Divided by its size; a column of zeros stays."""
    return column / (_size(column) or 1.0)


def _require(estimand: Estimand, history: History) -> None:
    if isinstance(estimand, Quantile):
        raise UsageError.of(
            "E302",
            "A quantile cannot be simulated.",
            why="Simulated arms are read from sums, and a quantile is not a function of sums.",
            fix="Simulate the mean or a ratio, or the share of units above a bound.",
        )
    rows = len(history.units) if isinstance(history, Buckets) else history.n
    if rows < 2:
        raise NoAnswer(f"it has {rows} rows, at least 2 are needed")
    for name in (*estimand.columns, *estimand.covariates):
        if not history.finite(name):
            raise NoAnswer(f"the column '{name}' holds missing or infinite values")
