"""What makes an estimate believable: fake dates, untreated series, and days that were kept back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.forecast.impact.effect import Effect
from assay.forecast.impact.study import LEAST_BEFORE, Study
from assay.forecast.metrics import mape
from assay.forecast.series import Floats

PLACEBOS = 19  # with as many, one of twenty ranks is 5 %
PLACEBO_DRAWS = 200  # of a mean, for which few are enough


@dataclass(frozen=True, slots=True, eq=False)
class Placebos:
    """Effects where there was none, in percent of the level as a fraction; shape (placebos,). `pvalue`: of the rank."""

    effects: Floats
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
    dates = (
        np.unique(np.linspace(first, last, placebos).round().astype(int)) if last > first else np.zeros(0, dtype=int)
    )
    return _ranked(np.array([_relative(study.placebo(int(each))) for each in dates]), found)


def in_space(study: Study, found: Effect) -> Placebos:
    """The same analysis on each control: Abadie, Diamond, Hainmueller (2010), J. Am. Stat. Assoc. 105, 493-505."""
    columns = range(study.controls.shape[1]) if study.controls.shape[1] > 1 else ()
    return _ranked(np.array([_relative(study.instead(each)) for each in columns]), found)


def holdout(study: Study) -> Holdout:
    """The model's forecast of the last days before the event, beside seasonal naive's."""
    length = min(study.after, study.start - LEAST_BEFORE)
    if length < 1:
        return Holdout(0.0, float("inf"), 0.0)
    kept = study.placebo(study.start - length)
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


def _ranked(effects: Floats, found: Effect) -> Placebos:
    above = np.count_nonzero(np.abs(effects) >= abs(found.relative.value))
    return Placebos(effects, (above + 1) / (len(effects) + 1))


def _relative(study: Study) -> float:
    return _light(study).effect().relative.value


def _light(study: Study) -> Study:
    from dataclasses import replace

    return replace(study, draws=PLACEBO_DRAWS)
