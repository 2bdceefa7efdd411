"""Windows of the same clock slot on the days before, as many detectors read them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.detect.history import History, by_day
from assay.detect.series import Bools, Floats


def same_slot(data: History, newest: int) -> tuple[Floats, int]:
    """The baseline by day, shape (series, days, columns), and the first day that holds a judged slot.

    The columns are all slots of a day, or only the judged ones where these lie within one day.
    """
    days = by_day(data.baseline, data.per_day)
    first = (data.shape[1] - newest) // data.per_day
    if first == (data.shape[1] - 1) // data.per_day:
        start = (data.shape[1] - newest) % data.per_day
        days = days[:, :, start : start + newest]
    return days, first


def over_days(days: Floats, first: int, length: int, statistics: Callable[[Floats], list[Floats]]) -> list[Floats]:
    """Statistics of the `length` days before each day from `first` on, each of shape (series, days, columns).

    `statistics` takes (series, columns, days of the window) and gives arrays of (series, columns).
    """
    found = [statistics(_before(days, day, length)) for day in range(first, days.shape[1])]
    return [np.stack(each, axis=1) for each in zip(*found, strict=True)]


def as_slots(matrix: Floats, data: History, newest: int) -> Floats:
    """Back from (series, days, columns) to the judged slots, shape (series, newest)."""
    flat = matrix.reshape(len(matrix), -1)
    end = flat.shape[1] if matrix.shape[2] < data.per_day else flat.shape[1] - (-data.shape[1] % data.per_day)
    return flat[:, end - newest : end]


def filled(window: Floats, least: int) -> Bools:
    """Where the last axis holds at least so many values."""
    enough: Bools = np.count_nonzero(~np.isnan(window), axis=-1) >= least
    return enough


def trailing(matrix: Floats, length: int) -> tuple[Floats, Floats, Floats]:
    """Mean, standard deviation and number of the `length` slots before each slot, without NaN; shape as given.

    From running sums about the first value of each row, so that large offsets cost no precision.
    """
    known = ~np.isnan(matrix)
    first = np.argmax(known, axis=1)[:, None]
    centre = np.nan_to_num(np.take_along_axis(matrix, first, axis=1))
    shifted = np.where(known, matrix - centre, 0.0)
    number, total, squares = (_sum_before(each, length) for each in (known.astype(np.float64), shifted, shifted**2))
    size = np.where(number > 0, number, np.nan)
    mean = total / size
    variance = np.maximum(squares / size - mean**2, 0.0) * size / np.where(size > 1, size - 1, np.nan)
    return mean + centre, np.sqrt(variance), number


def _sum_before(matrix: Floats, length: int) -> Floats:
    sums = np.pad(np.cumsum(matrix, axis=1), ((0, 0), (1, 0)))
    ends = np.arange(matrix.shape[1])
    difference: Floats = sums[:, ends] - sums[:, np.maximum(ends - length, 0)]
    return difference


def _before(days: Floats, day: int, length: int) -> Floats:
    return np.moveaxis(days[:, max(day - length, 0) : max(day, 0)], 1, -1)
