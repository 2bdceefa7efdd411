"""Which candidate to publish, and how well that way of choosing would have done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.forecast.backtest import Backtest, Tested
from assay.forecast.models.ensemble import default_members
from assay.forecast.refusals import misfit, too_little
from assay.forecast.registry import Candidate, get
from assay.forecast.series import Floats

BASELINES = ("naive", "seasonal_naive", "drift", "mean")
MOST = 6  # among more, the winner of past windows is mostly lucky
MARGIN = 0.2  # by which another model must beat the default
TIE = 0.01  # within which models are as good, and the simpler one is taken
MOST_WINDOWS = 0.75  # on which it must be better, too


@dataclass(frozen=True, slots=True)
class Choice:
    """`score`: of the chosen over all windows. `unseen`: of what would have been chosen before each later window.

    `baseline`, `baseline_score`: the best naive model. `beaten`: whether the chosen is better than it.
    """

    chosen: Candidate
    metric: str
    score: float
    unseen: float
    baseline: str
    baseline_score: float

    @property
    def beaten(self) -> bool:
        return self.score <= self.baseline_score


def default_candidates(extra: Sequence[str] = ()) -> tuple[Candidate, ...]:
    """Seasonal naive, the members of the ensemble and the ensemble: at most six."""
    return tuple(Candidate(each) for each in dict.fromkeys(("seasonal_naive", *default_members(), *extra, "ensemble")))


def select(tested: Backtest, metric: str = "mase", default: str = "ensemble", margin: float = MARGIN) -> Choice:
    """The default, unless another is better by `margin` and on three windows of four; then the simplest near the best.

    A default that loses to a naive model gives way to the best of the others that are not naive: what wins by a little
    is lucky rather than better, and `beaten` says whether even that one loses. Without the default among the
    candidates, the simplest of the best. More than six may be compared, but for them `unseen` is the figure to believe.

    Raises UsageError: E601 for an unknown metric, W601 when all failed.
    """
    usable = [each for each in tested.tested if not each.failed]
    _require(usable, metric)
    table = np.array([[window.scores[metric] for window in each.windows] for each in usable])
    best = usable[_pick(usable, table, default, margin)]
    base = min(
        (each for each in usable if each.candidate.model in BASELINES),
        key=lambda each: each.scores[metric],
        default=best,
    )
    unseen = _unseen(usable, table, default, margin)
    return Choice(best.candidate, metric, best.scores[metric], unseen, base.candidate.name, base.scores[metric])


def _pick(usable: list[Tested], table: Floats, default: str, margin: float) -> int:
    """The row to publish; `table`: scores, shape (candidates, windows)."""
    names, means = [each.candidate.name for each in usable], table.mean(axis=1)
    naive = np.array([each.candidate.model in BASELINES for each in usable])
    if default not in names or _clearly(table[int(means.argmin())], table[names.index(default)], margin):
        near = [index for index in range(len(usable)) if means[index] <= means.min() * (1 + TIE)]
        return min(near, key=lambda index: (get(usable[index].candidate.model).complexity, means[index]))
    if means[names.index(default)] <= np.min(means[naive], initial=np.inf):
        return names.index(default)
    return int(np.argmin(np.where(naive, np.inf, means)))


def _clearly(best: Floats, default: Floats, margin: float) -> bool:
    """Better by the margin on average, and on most windows: one lucky window says nothing of the next one."""
    return bool(best.mean() < default.mean() * (1 - margin) and np.mean(best < default) >= MOST_WINDOWS)


def _unseen(usable: list[Tested], table: Floats, default: str, margin: float) -> float:
    """Each window's score of the candidate that the windows before it would have chosen."""
    later = range(1, table.shape[1])
    return float(np.mean([table[_pick(usable, table[:, :each], default, margin), each] for each in later]))


def _require(usable: list[Tested], metric: str) -> None:
    if not usable:
        raise too_little(
            "Every candidate failed on some window.", "None of them can be trusted with the next one.",
            "Add seasonal_naive to the candidates, or give more days.",
        )  # fmt: skip
    if metric not in usable[0].windows[0].scores:
        raise misfit(
            f"There is no error metric '{metric}'.", "Models are compared by one metric.",
            f"Use one of: {', '.join(usable[0].windows[0].scores)}.",
        )  # fmt: skip
