"""Does the effect fade, or does it grow, while the experiment runs?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtr

from assay.stats.cochran import usable


@dataclass(frozen=True, slots=True)
class Novelty:
    """A straight line through the daily effects. `slope` and `se` are in the metric's unit per day.

    `first` and `last` are the line's effects on the first and the last day. `fading`: does it lead towards zero?
    """

    pvalue: float | None = None
    slope: float | None = None
    se: float | None = None
    first: float | None = None
    last: float | None = None
    fading: bool | None = None
    reason: str | None = None


def novelty(effects: Sequence[tuple[float, float, float]]) -> Novelty:
    """Weighted least squares of the effect on the day (Draper and Smith 1998, §9.2), tested with the known errors.

    `effects`: (day as a number, difference on that day alone, se), three or more different days. Users click on what is
    new (Kohavi, Tang and Xu 2020, ch. 23): an effect that fades promises less than its average. Days since a unit's own
    first exposure show this more clearly than days of the calendar, and may be given instead.

    >>> week = [(day, 0.10 - 0.012 * day, 0.01) for day in range(7)]
    >>> found = novelty(week)
    >>> round(found.slope, 3), found.pvalue < 0.001, found.fading
    (-0.012, True, True)
    """
    told = [(day, difference, se) for day, difference, se in effects if usable(difference, se)]
    if len({day for day, _, _ in told}) < 3:
        return Novelty(reason="three days with an effect are needed")
    days, differences, ses = (np.array(column, dtype=np.float64) for column in zip(*told, strict=True))
    weights = ses**-2.0
    middle, mean = weights @ days / weights.sum(), weights @ differences / weights.sum()
    centred = days - middle
    squares = float(weights @ centred**2)
    slope, se = float(weights @ (centred * (differences - mean))) / squares, 1 / sqrt(squares)
    first, last = (float(mean + slope * (day - middle)) for day in (days.min(), days.max()))
    return Novelty(2 * float(ndtr(-abs(slope) / se)), slope, se, first, last, slope * float(mean) < 0)
