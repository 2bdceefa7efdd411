"""Robust centre, spread and the least noise that a metric of its kind can have."""

from __future__ import annotations

import numpy as np
from scipy import special

from assay.detect.history import History
from assay.detect.series import Bools, Floats, Kind, divide

STILL = 0.01  # share of its size to which a gauge that does not move is believed: a convention
NORMAL = 1.4826  # 1 / Φ⁻¹(3/4): makes the MAD of normal noise its standard deviation
MEAN_ABSOLUTE = np.sqrt(np.pi / 2)  # makes the mean absolute deviation of normal noise its standard deviation


def median(values: Floats) -> Floats:
    """The median along the last axis without NaN; NaN where there is nothing else.

    The mean of the two middle values, as `numpy.nanmedian`, which is slower and warns about empty rows.
    """
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    ordered = np.sort(values, axis=-1)  # NaN sorts last
    finite = np.count_nonzero(~np.isnan(values), axis=-1, keepdims=True)
    lower, upper = np.maximum(finite - 1, 0) // 2, np.minimum(finite // 2, values.shape[-1] - 1)
    middle = np.take_along_axis(ordered, lower, -1) + np.take_along_axis(ordered, upper, -1)
    centre: Floats = middle[..., 0] / 2
    return centre


def mad_scale(values: Floats, centre: Floats) -> Floats:
    """1.4826 × the median absolute deviation from `centre` along the last axis.

    Source: Rousseeuw, Croux (1993), Alternatives to the median absolute deviation, JASA 88, 1273-1283.
    """
    return NORMAL * median(np.abs(values - centre[..., None]))


def least_noise(centre: Floats, data: History) -> Floats:
    """The smallest scale that a series of its kind is believed to have, shape (series, newest slots).

    That of counting; for a gauge, whose own noise nobody knows, 1 % of its size, so that a history of equal values has
    a width. Only a gauge around zero that does not move has none: its scale is 0, and it cannot be judged.
    """
    return STILL * np.abs(centre) if data.kind == "gauge" else counting_noise(centre, data)


def counting_noise(centre: Floats, data: History) -> Floats:
    """The standard deviation from counting alone, shape (series, newest slots): no real series is quieter.

    sqrt(c) for a count (Poisson), sqrt(p (1 - p) / n) for a share (binomial), sqrt(r / n) for a rate above 1 (Poisson
    numerator). The variance counts at least one event, so that a history of zeros, or of a share of 1, is no excuse
    for a width of zero.
    """
    sample = data.trials(centre.shape[1])
    trials = np.where(sample > 0, sample, np.nan)
    variance = trials * centre * np.where(data.shares, 1 - centre, 1.0)
    return np.sqrt(np.maximum(variance, 1.0)) / trials


def anscombe(value: Floats, expected: Floats, sigma: Floats) -> Floats:
    """Standard deviations of a count from its expectation on the scale on which Poisson noise is symmetrical.

        (3/2) (x^(2/3) - m^(2/3)) / m^(1/6), over the dispersion sigma / sqrt(m)

    McCullagh, Nelder (1989), Generalized Linear Models, section 2.4.2 (Anscombe residual). For large counts this is
    (x - m) / sigma. Variances count at least one event.
    """
    third = np.cbrt(np.maximum(expected, 1.0))
    score: Floats = 1.5 * (np.cbrt(value) ** 2 - np.cbrt(expected) ** 2) * third / sigma
    return score


def anscombe_bounds(expected: Floats, sigma: Floats, threshold: float) -> tuple[Floats, Floats]:
    """The counts whose `anscombe` score is -threshold and threshold; 0 where no count is that rare."""
    centre = np.cbrt(expected) ** 2
    half = threshold * sigma / 1.5 / np.cbrt(np.maximum(expected, 1.0))
    return np.maximum(centre - half, 0.0) ** 1.5, (centre + half) ** 1.5


def silence_is_news(expected: Floats, threshold: float) -> Bools:
    """A Poisson count is zero with probability exp(-expected) < Φ(-threshold)."""
    news: Bools = -expected < special.log_ndtr(-threshold)
    return news


def variance(mean: Floats, trials: Floats, kind: Kind, shares: Bools) -> Floats:
    """What counting alone does to a numerator of the given mean: mean, mean × (1 - rate) for shares; 1 for gauges."""
    if kind == "gauge":
        return np.ones_like(mean)
    if kind == "count":
        return np.maximum(mean, 1.0)
    rest = 1 - np.minimum(divide(mean, trials), 1.0)
    return np.maximum(mean * np.where(shares, rest, 1.0), 1.0)
