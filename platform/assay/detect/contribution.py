"""How much each slice of a dimension adds to a change: exact decompositions, whose parts sum to the change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.detect.series import Floats, divide


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """The change of a ratio by slice, float64 of shape (slices,): `mix.sum() + rate.sum()` is the change.

    `mix`: the slice's share of the denominator moved; `rate`: its own ratio moved.
    """

    mix: Floats
    rate: Floats


def of_total(before: Floats, after: Floats) -> Floats:
    """The change of a total by slice, shape (slices,): after - before. Each split must sum to the total."""
    contributions: Floats = after - before
    return contributions


def of_ratio(above_before: Floats, below_before: Floats, above_after: Floats, below_after: Floats) -> Effects:
    """The change of Σ above / Σ below by slice, apart for mix and rate; all arrays have the shape (slices,).

    Kitagawa (1955), Components of a difference between two rates, JASA 50, 1168-1194, with averaged weights, so that
    the parts are symmetric in time and leave no interaction. With w the share of the denominator, r the ratio of a
    slice, R the ratio of all, and a bar for the mean of before and after:

        rate = w̄ (r_after - r_before)        mix = (w_after - w_before) (r̄ - R̄)

    The shares' changes sum to zero, so R̄ changes no sum: with it, a slice that grows adds only what sets it apart.
    A slice that is empty on one side keeps its ratio: it can only have changed the mix. Raises ValueError unless both
    denominators are positive in sum and nowhere negative.
    """
    if min(below_before.sum(), below_after.sum()) <= 0 or min(below_before.min(), below_after.min()) < 0:
        raise ValueError("a ratio needs denominators from 0 up, with a positive sum")
    ratio_before, ratio_after = _filled(divide(above_before, below_before), divide(above_after, below_after))
    share_before, share_after = below_before / below_before.sum(), below_after / below_after.sum()
    # the mean ratio of all, with the numerators of empty slices left out like their ratios
    center = ((share_before * ratio_before).sum() + (share_after * ratio_after).sum()) / 2
    return Effects(
        mix=(share_after - share_before) * ((ratio_before + ratio_after) / 2 - center),
        rate=(share_before + share_after) / 2 * (ratio_after - ratio_before),
    )


def _filled(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """NaN replaced by the other side's ratio, or by 0 where both are missing."""
    filled_before = np.where(np.isnan(before), after, before)
    filled_after = np.where(np.isnan(after), before, after)
    return np.nan_to_num(filled_before, nan=0.0), np.nan_to_num(filled_after, nan=0.0)
