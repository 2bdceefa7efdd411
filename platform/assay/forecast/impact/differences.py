"""Difference in differences over many units, such as cities, with errors by unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.forecast.refusals import misfit, too_little
from assay.forecast.series import Bools, Floats

LEAST_UNITS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """`effect` with its interval of 95 %, per unit and day, or relative as a fraction when logs were asked for.

    `leads`: the same difference for each period before the event against the last one, shape (periods - 1,), which is
    about 0 where both groups moved alike; `leads_pvalue`: that it is, jointly.
    """

    effect: float
    low: float
    high: float
    pvalue: float
    leads: Floats
    leads_pvalue: float


def differences(values: Floats, treated: Bools, start: int, log: bool = True, period: int = 7) -> Differences:
    """`values`: float64, shape (units, days), no NaN. `treated`: shape (units,). `start`: first day of the event.

    Each unit becomes one number, its mean after minus its mean before, and the groups are compared by Welch's t, so
    that days of one unit count as one: Bertrand, Duflo, Mullainathan (2004), How much should we trust
    differences-in-differences estimates, QJE 119, 249-275, section IV.C. Leads as in an event study, by Hotelling's T².

    Raises UsageError: E601 for shapes that do not fit, W601 for fewer than three units in a group.
    """
    from scipy.stats import t, ttest_ind

    _require(values, treated, start, log)
    scaled = np.log(values) if log else values
    moved = scaled[:, start:].mean(axis=1) - scaled[:, :start].mean(axis=1)
    inside, outside = moved[treated], moved[~treated]
    test = ttest_ind(inside, outside, equal_var=False)
    difference, half = float(inside.mean() - outside.mean()), 0.0
    half = abs(difference / test.statistic) * float(t.ppf(0.975, test.df)) if test.statistic else float("inf")
    back = np.expm1 if log else np.asarray
    leads, pvalue = _leads(scaled[:, :start], treated, period)
    effect, low, high = (float(back(each)) for each in (difference, difference - half, difference + half))
    return Differences(effect, low, high, float(test.pvalue), leads, pvalue)


def _leads(before: Floats, treated: Bools, period: int) -> tuple[Floats, float]:
    from scipy.stats import chi2

    periods = before.shape[1] // period
    if periods < 2:
        return np.zeros(0), 1.0
    whole = before[:, before.shape[1] - periods * period :].reshape(len(before), periods, period).mean(axis=2)
    against = whole[:, :-1] - whole[:, -1:]
    inside, outside = against[treated], against[~treated]
    leads = inside.mean(axis=0) - outside.mean(axis=0)
    error = np.cov(inside.T, ddof=1) / len(inside) + np.cov(outside.T, ddof=1) / len(outside)
    error, size = np.atleast_2d(error), len(leads)
    if len(before) <= size + 2:  # not enough units for a joint test: the largest lead, by Bonferroni
        largest = float(np.max(leads**2 / np.diag(error)))
        return leads, min(float(chi2.sf(largest, 1)) * size, 1.0)
    return leads, float(chi2.sf(float(leads @ np.linalg.pinv(error) @ leads), size))


def _require(values: Floats, treated: Bools, start: int, log: bool) -> None:
    if (
        values.ndim != 2
        or treated.shape != values.shape[:1]
        or not 0 < start < values.shape[1]
        or not np.all(np.isfinite(values))
    ):
        raise misfit(
            "The units, the treatment and the start do not fit together.", "Every unit has a number on every day.",
            "Pass values of shape (units, days), treated of shape (units,), and 0 < start < days.",
        )  # fmt: skip
    if log and np.any(values <= 0):
        raise misfit("Some units have zeros.", "Percentages need positive numbers.", "Use log=False, or larger units.")
    if min(np.count_nonzero(treated), np.count_nonzero(~treated)) < LEAST_UNITS:
        raise too_little(
            f"A group has fewer than {LEAST_UNITS} units.", "Errors are taken over units, however many days they have.",
            "Use `impact` with the other units as controls.",
        )  # fmt: skip
