"""A second opinion: Orbit's DLT with the controls as regressors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.forecast.impact.effect import Effect
from assay.forecast.impact.study import Study
from assay.forecast.registry import train
from assay.forecast.training import Training


@dataclass(frozen=True, slots=True)
class Second:
    """`relative`: the effect as a fraction; `disagrees`: outside of the first opinion's interval."""

    relative: float
    disagrees: bool


def second_opinion(study: Study, first: Effect) -> Second:
    """The mode of DLT, with a flat global trend. Raises UsageError (E601) where Orbit is not installed."""
    before, controls = study.values[: study.start], study.controls
    before, controls = (np.log(before), np.log(controls)) if study.log else (before, controls)
    centered = controls - controls[: study.start].mean(axis=0)
    training = Training(before, study.season, centered[: study.start])
    center = train("dlt", training, trend="flat")(study.after, centered[study.start :]).center
    would, after = np.exp(center) if study.log else center, study.values[study.start :]
    known = ~np.isnan(after)
    relative = float(np.sum(after[known]) / np.sum(would[known]) - 1)
    return Second(relative, not first.relative.low <= relative <= first.relative.high)
