"""Rolling origins: every candidate forecasts days that it has not seen, and is scored by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from time import process_time

import numpy as np

from assay.errors import AssayError
from assay.forecast.calibration import Calibration
from assay.forecast.fit import fitted, prepare_window
from assay.forecast.folds import Fold, Scheme, folds
from assay.forecast.metrics import METRICS, scores
from assay.forecast.refusals import misfit
from assay.forecast.registry import Candidate, get
from assay.forecast.series import Bools, Events, Floats, Series
from assay.forecast.training import Path, Prepared

Progress = Callable[[int, int], None]
"""(windows done, windows in all)"""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What one candidate said of one window; `failed` says why it said nothing.

    `mean`, `errors`: shape (horizon,), forecast on the scale of the series and normalised error on the modelling scale.
    """

    fold: Fold
    mean: Floats
    path: Path
    errors: Floats
    scores: dict[str, float]
    seconds: float
    failed: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """A candidate over all windows. `scores`: means over the windows, by metric; infinite after a failure.

    `coverage`: share of the days inside their interval. `width`: of intervals, on the modelling scale: of logs, 0.2 is
    about 20 %.
    """

    candidate: Candidate
    windows: tuple[Window, ...]
    coverage: float
    width: float

    @property
    def failed(self) -> str | None:
        """Why it cannot be chosen: it failed on a window."""
        return next((each.failed for each in self.windows if each.failed), None)

    @property
    def scores(self) -> dict[str, float]:
        return {name: float(np.mean([each.scores[name] for each in self.windows])) for name in METRICS}

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.windows)

    def calibration(self) -> Calibration:
        """What the windows say about its intervals."""
        return Calibration(np.array([each.errors for each in self.windows]))


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """`tested`: in the order of the candidates. `level`: of the intervals whose coverage and width are told."""

    tested: tuple[Tested, ...]
    folds: tuple[Fold, ...]
    horizon: int
    scheme: Scheme
    level: float

    def of(self, name: str) -> Tested:
        """By the candidate's name. Raises KeyError for another."""
        return {each.candidate.name: each for each in self.tested}[name]


def backtest(
    series: Series,
    candidates: Sequence[str | Candidate],
    horizon: int = 7,
    windows: int = 7,
    scheme: Scheme = "rolling",
    *,
    step: int | None = None,
    min_train: int | None = None,
    level: float = 0.9,
    events: Events | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Backtest:
    """Score candidates on up to `windows` windows of `horizon` days; see `folds` for their layout.

    Nothing of a window's days is seen: season, gaps, events and transformation are learnt anew from its training, and
    events that are not known ahead are unknown in it. Coverage and width are of intervals calibrated on the *other*
    windows. `workers`: processes, one window at a time; they start anew ("spawn"), so a script needs the usual
    `if __name__ == "__main__"`. `seconds` are of the processor, without what members of an ensemble took before.

    Raises UsageError: W601 or E601 as `folds` and `fit`, E601 for candidates of the same name.
    """
    chosen = tuple(each if isinstance(each, Candidate) else Candidate(each) for each in candidates)
    _require_distinct(chosen)
    layout = folds(len(series), horizon, windows, scheme, step, min_train)
    done = _parallel(series, chosen, layout, events, workers, progress)
    tested = tuple(
        _tested(each, tuple(done[fold][index] for fold in layout), level) for index, each in enumerate(chosen)
    )
    return Backtest(tested, layout, horizon, scheme, level)


def _parallel(
    series: Series, chosen: tuple[Candidate, ...], layout: tuple[Fold, ...], events: Events | None, workers: int,
    progress: Progress | None,
) -> dict[Fold, tuple[Window, ...]]:  # fmt: skip
    done: dict[Fold, tuple[Window, ...]] = {}
    for fold, found in _each(series, chosen, layout, events, min(workers, len(layout))):
        done[fold] = found
        if progress:
            progress(len(done), len(layout))
    return done


def _each(
    series: Series, chosen: tuple[Candidate, ...], layout: tuple[Fold, ...], events: Events | None, workers: int
) -> Iterator[tuple[Fold, tuple[Window, ...]]]:
    if workers <= 1:
        yield from ((fold, one_window(series, chosen, fold, events)) for fold in layout)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:  # a fork would copy locks of libraries
        asked = {pool.submit(one_window, series, chosen, fold, events): fold for fold in layout}
        yield from ((asked[each], each.result()) for each in as_completed(asked))


def one_window(series: Series, chosen: tuple[Candidate, ...], fold: Fold, events: Events | None) -> tuple[Window, ...]:
    """All candidates on one window; models that several need are fitted once."""
    prepared = prepare_window(series, events, (fold.start, fold.stop))
    return tuple(_forecast(series, each, fold, events, prepared) for each in chosen)


def _forecast(series: Series, candidate: Candidate, fold: Fold, events: Events | None, prepared: Prepared) -> Window:
    started, horizon = process_time(), fold.end - fold.stop
    try:
        path = fitted(candidate, prepared, events, (fold.start, fold.stop)).path(horizon)
    except AssayError as error:
        if error.diagnostics[0].code != "W601":
            raise  # an unknown parameter, a missing package: the user's to mend
        nothing = np.full(horizon, np.nan)
        failed = error.diagnostics[0].message
        return Window(fold, nothing, Path(nothing, nothing), nothing, dict.fromkeys(METRICS, float("inf")), 0.0, failed)
    mean, actual = prepared.scale.back(path.center), series.values[fold.stop : fold.end]
    errors = (prepared.scale.forward(actual) - path.center) / np.maximum(path.spread, 1e-12)
    errors = np.where(np.isfinite(errors), errors, np.nan)  # a zero on a scale of logs without zeros
    told = scores(actual, mean, series.values[fold.start : fold.stop])
    return Window(fold, mean, path, errors, told, process_time() - started)


def _tested(candidate: Candidate, windows: tuple[Window, ...], level: float) -> Tested:
    if any(each.failed for each in windows):
        return Tested(candidate, windows, 0.0, float("inf"))
    covered, widths = list[Bools](), list[float]()
    for index, each in enumerate(windows):
        others = Calibration(np.array([other.errors for place, other in enumerate(windows) if place != index]))
        half = each.path.half(others.factor(level, len(each.mean)))
        covered.append((np.abs(each.errors) * each.path.spread <= half)[np.isfinite(each.errors)])
        widths.append(float(np.mean(half)))
    return Tested(candidate, windows, float(np.mean(np.concatenate(covered))), 2 * float(np.mean(widths)))


def _require_distinct(chosen: tuple[Candidate, ...]) -> None:
    names = [each.name for each in chosen]
    for each in chosen:
        get(each.model)
    if not names or len(set(names)) < len(names):
        raise misfit(
            "The candidates have no names of their own.", "Results are told by name; two of one name would be one row.",
            "Give each its own label, and at least one candidate.",
        )  # fmt: skip
