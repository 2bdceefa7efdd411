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
    differences-in-differences estimates, QJE 119, 249-275, section IV.C. Leads as in an event study, each by
    the same test, together by Bonferroni.

    Raises UsageError: E601 for shapes that do not fit, W601 for fewer than three units in a group.
    """
    _require(values, treated, start, log)
    scaled = np.log(values) if log else values
    moved = scaled[:, start:].mean(axis=1) - scaled[:, :start].mean(axis=1)
    difference, half, pvalue = (float(each) for each in _welch(moved[treated], moved[~treated]))
    back = np.expm1 if log else np.asarray
    leads, before = _leads(scaled[:, :start], treated, period)
    effect, low, high = (float(back(each)) for each in (difference, difference - half, difference + half))
    return Differences(effect, low, high, pvalue, leads, before)


def _welch(inside: Floats, outside: Floats) -> tuple[Floats, Floats, Floats]:
    """Difference of the means over the first axis, half of its interval of 95 %, and p."""
    from scipy.stats import t

    one, other = (np.var(each, axis=0, ddof=1) / len(each) for each in (inside, outside))
    error = np.maximum(np.sqrt(one + other), 1e-12)  # units that all move alike leave no doubt, but a division
    freedom = error**4 / np.maximum(one**2 / (len(inside) - 1) + other**2 / (len(outside) - 1), 1e-48)
    difference = np.asarray(inside.mean(axis=0) - outside.mean(axis=0))
    return difference, t.ppf(0.975, freedom) * error, 2 * t.sf(np.abs(difference) / error, freedom)


def _leads(before: Floats, treated: Bools, period: int) -> tuple[Floats, float]:
    """The joint p is Bonferroni's: a test by the covariance of few units would find a difference in most of cases."""
    periods = before.shape[1] // period
    if periods < 2:
        return np.zeros(0), 1.0
    whole = before[:, before.shape[1] - periods * period :].reshape(len(before), periods, period).mean(axis=2)
    against = whole[:, :-1] - whole[:, -1:]
    leads, _, pvalues = _welch(against[treated], against[~treated])
    return leads, min(float(pvalues.min()) * len(leads), 1.0)


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
