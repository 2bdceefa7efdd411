"""Robust centre, spread and the least noise that a metric of its kind can have."""

from __future__ import annotations

import numpy as np

from assay.detect.series import Floats, Slots

STILL = 0.01  # share of its size to which a gauge that does not move is believed: a convention
NORMAL = 1.4826  # 1 / Φ⁻¹(3/4): makes the MAD of normal noise its standard deviation


def median(rows: Floats) -> Floats:
    """The median of each row without its NaN, shape (series,); NaN for a row of nothing else.

    The mean of the two middle values, as `numpy.nanmedian`, which is slower and warns about empty rows.
    """
    if rows.shape[1] == 0:
        return np.full(len(rows), np.nan)
    ordered = np.sort(rows, axis=1)  # NaN sorts last
    finite = np.count_nonzero(~np.isnan(rows), axis=1)
    at = np.arange(len(rows))
    lower, upper = np.maximum(finite - 1, 0) // 2, np.minimum(finite // 2, rows.shape[1] - 1)
    middle: Floats = (ordered[at, lower] + ordered[at, upper]) / 2
    return middle


def mad_scale(rows: Floats, centre: Floats) -> Floats:
    """1.4826 × the median absolute deviation from `centre`, shape (series,).

    Source: Rousseeuw, Croux (1993), Alternatives to the median absolute deviation, JASA 88, 1273-1283.
    """
    return NORMAL * median(np.abs(rows - centre[:, None]))


def least_noise(centre: Floats, slots: Slots) -> Floats:
    """The smallest scale that a series of its kind is believed to have, shape (series,).

    That of counting; for a gauge, whose own noise nobody knows, 1 % of its size, so that a history of equal values has
    a width. Only a gauge around zero that does not move has none: its scale is 0, and it cannot be judged.
    """
    return STILL * np.abs(centre) if slots.kind == "gauge" else counting_noise(centre, slots)


def counting_noise(centre: Floats, slots: Slots) -> Floats:
    """The standard deviation from counting alone, shape (series,): no real series is quieter.

    sqrt(c) for a count (Poisson), sqrt(p (1 - p) / n) for a share (binomial), sqrt(r / n) for a rate above 1 (Poisson
    numerator). The variance counts at least one event, so that a history of zeros, or of a share of 1, is no excuse
    for a width of zero.
    """
    trials = np.where(slots.trials > 0, slots.trials, np.nan)
    variance = trials * centre * np.where(slots.shares, 1 - centre, 1.0)
    return np.sqrt(np.maximum(variance, 1.0)) / trials
