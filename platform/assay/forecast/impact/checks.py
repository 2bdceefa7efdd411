"""What makes an estimate believable: fake dates, untreated series, and days that were kept back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assay.forecast.impact.effect import Effect
from assay.forecast.impact.study import LEAST_BEFORE, Study
from assay.forecast.metrics import mape
from assay.forecast.series import Floats

PLACEBOS = 19  # with as many, one of twenty ranks is 5 %
PLACEBO_DRAWS = 200  # of a mean, for which few are enough


@dataclass(frozen=True, slots=True, eq=False)
class Placebos:
    """Effects where there was none, as fractions of the level; shape (placebos,).

    `own`: the model's p of each. `pvalue`: of the rank of the effect that was found among them.
    """

    effects: Floats
    own: Floats
    pvalue: float

    @property
    def typical(self) -> float:
        """What nineteen of twenty stay under, in size."""
        return float(np.quantile(np.abs(self.effects), 0.95)) if len(self.effects) else float("inf")


@dataclass(frozen=True, slots=True)
class Holdout:
    """The last days before the event, forecast as if they were after it. MAPE as fractions."""

    coverage: float
    mape: float
    naive_mape: float

    @property
    def passed(self) -> bool:
        """At least half of the days inside intervals of 95 %, and errors at most half above seasonal naive's."""
        return self.coverage >= 0.5 and self.mape <= 1.5 * self.naive_mape


def in_time(study: Study, found: Effect, placebos: int = PLACEBOS) -> Placebos:
    """The same analysis on dates before the event, spread evenly.

    Bertrand, Duflo, Mullainathan (2004), QJE 119, 249-275, measured with them how often methods cry without cause.

    Each fake event lasts as long as the true one. Fewer dates are used where the days before have room for fewer; with
    windows that overlap, the rank's p is somewhat too small.
    """
    first, last = max(LEAST_BEFORE, 2 * study.season), study.start - study.after
    room = [each for each in range(first, last + 1) if _judged(study, each)]
    chosen = np.unique(np.linspace(0, len(room) - 1, placebos).round().astype(int)) if room else ()
    return _ranked([study.placebo(room[each]) for each in chosen], found)


def _judged(study: Study, start: int) -> bool:
    """Whether an event that begins on this day before the true one has days with values, and enough of them before."""
    known = ~np.isnan(study.values[: min(start + study.after, study.start)])
    return bool(np.any(known[start:]) and np.count_nonzero(known[:start]) >= LEAST_BEFORE)


def in_space(study: Study, found: Effect) -> Placebos:
    """The same analysis on each control: Abadie, Diamond, Hainmueller (2010), J. Am. Stat. Assoc. 105, 493-505.

    Against the other controls; a single one has only its own past.
    """
    return _ranked([study.instead(each) for each in range(study.controls.shape[1])], found)


def holdout(study: Study) -> Holdout:
    """The model's forecast of the last days before the event, beside seasonal naive's."""
    length = min(study.after, study.start - LEAST_BEFORE)
    newest = next((each for each in range(study.start - length, -1, -1) if _judged(study, each)), None)
    if length < 1 or newest is None:
        return Holdout(0.0, float("inf"), 0.0)
    kept = study.placebo(newest)
    found, actual = _light(kept).effect(), kept.values[kept.start :]
    known = ~np.isnan(actual)
    season, before = max(study.season, 1), kept.values[: kept.start]
    naive = before[-season:][np.arange(length) % season]
    compared = known & ~np.isnan(naive)
    return Holdout(
        float(np.mean(((found.low <= 0) & (found.high >= 0))[known])),
        mape(actual[known], found.expected[known]),
        mape(actual[compared], naive[compared]),
    )


def smallest_visible(found: Effect, time: Placebos) -> float:
    """The smallest relative effect that this design could have told from none, as a fraction.

    The larger of half the width of the model's own interval and of what nineteen of twenty placebos stay under.
    """
    own = (found.relative.high - found.relative.low) / 2
    return max(own, time.typical) if len(time.effects) else own


def _ranked(studies: list[Study], found: Effect) -> Placebos:
    told = [_light(each).effect() for each in studies]
    effects = np.array([each.relative.value for each in told])
    above = np.count_nonzero(np.abs(effects) >= abs(found.relative.value))
    return Placebos(effects, np.array([each.pvalue for each in told]), (above + 1) / (len(told) + 1))


def _light(study: Study) -> Study:
    return replace(study, draws=PLACEBO_DRAWS)
