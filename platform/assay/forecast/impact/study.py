"""The data of an impact: a treated series, its controls, and where the event begins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assay.forecast.impact.effect import Effect, effect
from assay.forecast.impact.gibbs import PriorName, counterfactual
from assay.forecast.refusals import misfit, too_little
from assay.forecast.series import Floats

LEAST_BEFORE = 14  # two weeks: with less, the weekday and the level cannot be told apart
TOO_ALIKE = 0.9999


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """`values`: float64, shape (days,), NaN for missing days. `controls`: shape (days, columns), columns may be none.

    `start`: the first day of the event, counted from 0; `days after` are from there on. `log`: effects by percentages,
    which needs positive numbers. `season`: the cycle in days, 1 for none.

    Raises UsageError: E601 for parts that do not fit together, for gaps in a control, and for a control that is the
    treated series or moves exactly with it; W601 where too few days come before.
    """

    values: Floats
    controls: Floats
    start: int
    log: bool = True
    season: int = 7
    prior: PriorName = "weak"
    draws: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        _require_shapes(self)
        if np.count_nonzero(~np.isnan(self.values[: self.start])) < LEAST_BEFORE:
            raise too_little(
                f"Fewer than {LEAST_BEFORE} days with values lie before the event.",
                "What would have come is learnt from them.", "Give a longer history.",
            )  # fmt: skip
        _require_positive(self)
        _require_other(self)

    @property
    def after(self) -> int:
        """How many days are judged."""
        return len(self.values) - self.start

    def effect(self) -> Effect:
        """Against the counterfactual of the structural time series."""
        before, controls = self.values[: self.start], self.controls
        before, controls = (np.log(before), np.log(controls)) if self.log else (before, controls)
        found = counterfactual(before, controls, self.prior, self.season, self.draws, self.seed)
        return effect(self.values[self.start :], np.exp(found.draws) if self.log else found.draws)

    def placebo(self, start: int) -> Study:
        """The same question of a day on which nothing happened, before the event: as many days after, at most."""
        stop = min(start + self.after, self.start)
        return replace(self, values=self.values[:stop], controls=self.controls[:stop], start=start)

    def instead(self, column: int) -> Study:
        """The same question of a control, with the other controls."""
        return replace(self, values=self.controls[:, column], controls=np.delete(self.controls, column, axis=1))


def _require_shapes(study: Study) -> None:
    fits = study.values.ndim == 1 and study.controls.ndim == 2 and len(study.controls) == len(study.values)
    if not (fits and 0 < study.start < len(study.values) and np.all(np.isfinite(study.controls))):
        raise misfit(
            "The series, the controls and the start do not fit together.",
            "Controls have a finite value on every day of the series, and the event begins on one of them.",
            "Pass values of shape (days,), controls of shape (days, columns), and 0 < start < days.",
        )
    if not np.any(~np.isnan(study.values[study.start :])):
        raise too_little("No day after the start has a value.", "There is nothing to judge.", "Wait for the data.")


def _require_positive(study: Study) -> None:
    before = study.values[: study.start]
    known = before[~np.isnan(before)]
    if study.log and (np.any(known <= 0) or np.any(study.controls <= 0)):
        raise misfit(
            "Effects by percentages need positive numbers before the event and in controls.",
            "The model works on logs; after the event, zeros are a loss of everything.",
            "Use log=False (scale: absolute), or leave out the control that has zeros.",
        )  # fmt: skip
    if np.ptp(known) == 0:
        raise too_little(
            "The series never changes before the event.", "Nothing says how far a day may differ by itself.",
            "Check the metric.",
        )  # fmt: skip


def _require_other(study: Study) -> None:
    known = ~np.isnan(study.values)
    for column, control in enumerate(study.controls.T):
        steps = np.diff(study.values[known]), np.diff(control[known])
        if min(map(np.std, steps)) > 0 and np.corrcoef(*steps)[0, 1] > TOO_ALIKE:
            raise misfit(
                f"Control {column} moves exactly with the treated series.",
                "A control that contains the treatment shows the effect itself, and the effect is then called zero.",
                "Choose a series that the event cannot have touched.",
            )
