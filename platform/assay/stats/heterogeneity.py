"""For whom does it work: the effect by slice, and whether the slices differ at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from assay.stats.cochran import homogeneity, usable
from assay.stats.corrections import adjust
from assay.stats.effect import Effect
from assay.stats.relative import relative_error

Scale = Literal["absolute", "relative"]


@dataclass(frozen=True, slots=True)
class SliceEffect:
    """The effect within one slice; `pvalue_adjusted` is corrected over all slices of all dimensions."""

    slice: str
    effect: Effect
    pvalue_adjusted: float | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """Do the slices of one dimension share an effect? `pvalue` is of Cochran's Q, adjusted over the dimensions.

    `odd` is the slice furthest from all others, told where there are three or more. `inconsistency` is I², the share
    (0..1) of the spread between slices that chance does not explain.
    """

    dimension: str
    slices: tuple[SliceEffect, ...]
    pvalue: float | None = None
    pvalue_adjusted: float | None = None
    statistic: float | None = None
    df: int | None = None
    odd: str | None = None
    inconsistency: float | None = None
    reason: str | None = None


def heterogeneity(
    dimensions: Mapping[str, Mapping[str, Effect]], correction: str = "bh", scale: Scale = "absolute"
) -> tuple[Interaction, ...]:
    """The interaction test of every dimension, corrected over dimensions; and every slice's effect, over all slices.

    `dimensions`: dimension → slice → effect, such as {"user": {"new": …, "existing": …}}; the slices of a dimension
    share no units. Q is Cochran's (1954), I² that of Higgins and Thompson (2002); the default correction holds the
    false discovery rate (Benjamini and Hochberg 1995). On the `relative` scale the lifts are compared, for metrics
    whose level differs from slice to slice. Slices without an effect are told but not tested. Read a slice's own effect
    only where its interaction is significant. Raises `UsageError` E201 for an unknown correction.

    >>> def effect(difference):
    ...     return Effect("welch", "mean", difference=difference, se=0.1, pvalue=0.5)
    >>> by_os = {"ios": effect(0.1), "android": effect(1.1), "web": effect(0.2)}
    >>> found, = heterogeneity({"os": by_os})
    >>> found.odd, found.df, found.pvalue_adjusted < 0.001
    ('android', 2, True)
    """
    found = [_interaction(name, slices, scale) for name, slices in dimensions.items()]
    between = adjust([each.pvalue for each in found], correction)
    own = iter(adjust([each.effect.pvalue for one in found for each in one.slices], correction))
    return tuple(
        replace(
            each,
            pvalue_adjusted=pvalue,
            slices=tuple(replace(slice_effect, pvalue_adjusted=next(own)) for slice_effect in each.slices),
        )
        for each, pvalue in zip(found, between, strict=True)
    )


def _interaction(dimension: str, effects: Mapping[str, Effect], scale: Scale) -> Interaction:
    slices = tuple(SliceEffect(name, effect) for name, effect in effects.items())
    told = [(name, *_estimate(effect, scale)) for name, effect in effects.items()]
    tested = [(name, value, se) for name, value, se in told if value is not None and se is not None]
    tested = [row for row in tested if usable(row[1], row[2])]
    if len(tested) < 2:
        return Interaction(dimension, slices, reason="fewer than two slices have an effect")
    names, values, ses = zip(*tested, strict=True)
    q = homogeneity(values, ses)
    excess = max(0.0, 1 - q.df / q.statistic) if q.statistic else 0.0
    odd = None if q.odd is None else names[q.odd]
    return Interaction(dimension, slices, q.pvalue, None, q.statistic, q.df, odd, excess)


def _estimate(effect: Effect, scale: Scale) -> tuple[float | None, float | None]:
    if scale == "absolute":
        return effect.difference, effect.se
    error = relative_error(effect)
    return effect.relative, (error.low + error.high) / 2 if error else None
