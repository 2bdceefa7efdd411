"""Synthetic control: the mix of untreated units that was most like the treated one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.forecast.refusals import misfit
from assay.forecast.series import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """`weights`: per control, at least 0, with sum 1. `days`: effect per day after, shape (days after,).

    `relative`: as a fraction. `fit`: root mean square error before, over the mean. `pvalue`: the rank of its ratio of
    errors after to before, among those of the controls, each treated in turn.
    """

    weights: Floats
    days: Floats
    relative: float
    fit: float
    pvalue: float


def synthetic_control(values: Floats, controls: Floats, start: int) -> Synthetic:
    """Abadie, Diamond, Hainmueller (2010), J. Am. Stat. Assoc. 105, 493-505, with the days before as predictors.

    `values`: shape (days,), `controls`: shape (days, columns), no NaN; at least two columns. Raises UsageError (E601).
    """
    fits = values.ndim == 1 and controls.ndim == 2 and len(values) == len(controls) and 0 < start < len(values)
    if not fits or controls.shape[1] < 2 or not (np.all(np.isfinite(values)) and np.all(np.isfinite(controls))):
        raise misfit(
            "The series and its controls do not fit together.", "A mix needs two controls, whole on every day.",
            "Pass values of shape (days,) and controls of shape (days, two or more).",
        )  # fmt: skip
    weights, ratio = _mixed(values, controls, start)
    units = range(controls.shape[1])
    others = (
        [_mixed(controls[:, each], np.delete(controls, each, axis=1), start)[1] for each in units]
        if len(units) > 2
        else []
    )
    would = controls @ weights
    gap = values - would
    rank = (1 + sum(each >= ratio for each in others)) / (1 + len(others))
    error = float(np.sqrt(np.mean(gap[:start] ** 2)) / np.mean(values[:start]))
    return Synthetic(weights, gap[start:], float(values[start:].sum() / would[start:].sum() - 1), error, rank)


def _mixed(values: Floats, controls: Floats, start: int) -> tuple[Floats, float]:
    """Weights by non-negative least squares, with a heavy row that asks for the sum 1; and the error ratio."""
    from scipy.optimize import nnls

    scale = float(np.mean(np.abs(values[:start])))
    heavy = 1e3 * np.sqrt(start)
    rows = np.vstack([controls[:start] / scale, np.full((1, controls.shape[1]), heavy)])
    weights, _ = nnls(rows, np.append(values[:start] / scale, heavy))
    weights = weights / weights.sum()
    gap = values - controls @ weights
    return weights, float(np.sqrt(np.mean(gap[start:] ** 2) / max(np.mean(gap[:start] ** 2), 1e-12)))
