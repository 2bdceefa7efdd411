"""Windows, errors, leaks and the choice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from assay.errors import UsageError
from assay.forecast import Candidate, Events, Series, backtest, fit, select
from assay.forecast.folds import Fold, folds
from assay.forecast.metrics import mae, mape, mase, rmsse, smape, wmape
from benchmarks.forecast.worlds import weekly

BOTH = Candidate("ensemble", {"members": ("ucm", "theta")}, label="ensemble")
A, F = np.array([10.0, 20, 0, 40]), np.array([12.0, 18, 0, 30])


def test_errors_by_hand() -> None:
    assert smape(A, F) == pytest.approx((4 / 22 + 4 / 38 + 0 + 20 / 70) / 4)
    assert mape(A, F) == pytest.approx((0.2 + 0.1 + 0.25) / 3)
    assert wmape(A, F) == pytest.approx(14 / 70)
    assert mae(A, F) == 3.5
    training = np.arange(20.0) * 2
    assert rmsse(A, F, training) == pytest.approx(np.sqrt((4 + 4 + 100) / 4) / 2)
    assert mase(A, F, training) == pytest.approx(3.5 / 14)


def test_the_case_studys_windows() -> None:
    expected = tuple(Fold(7 * each, 28 + 7 * each, 35 + 7 * each) for each in range(7))
    assert folds(77, 7, 7, "rolling", None, 28) == expected
    assert [each.start for each in folds(77, 7, 7, "expanding", None, 28)] == [0] * 7


@pytest.mark.parametrize(
    ("days", "horizon", "scheme", "why"),
    [(40, 7, "rolling", "no room for two windows"), (90, 0, "rolling", "laid out"), (90, 7, "folding", "laid out")],
)
def test_impossible_windows_are_refused(days: int, horizon: int, scheme: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        folds(days, horizon, 7, scheme, None, None)  # type: ignore[arg-type]


def test_a_window_is_what_fit_would_have_said_on_that_day(series: Series) -> None:
    tested = backtest(series, ["ucm", BOTH], windows=2, scheme="expanding")
    for each in tested.tested:
        for window in each.windows:
            then = fit(Series(series.values[: window.fold.stop]), each.candidate).forecast(7)
            np.testing.assert_allclose(window.mean, then.mean, rtol=1e-9)


def test_the_future_does_not_leak(series: Series) -> None:
    changed = series.values.copy()
    changed[-7:] *= 5
    first, second = (backtest(Series(each), ["ets", "ucm"], windows=3) for each in (series.values, changed))
    for name in ("ets", "ucm"):
        for before, after in zip(first.of(name).windows, second.of(name).windows, strict=True):
            np.testing.assert_array_equal(before.mean, after.mean)


def test_an_event_not_known_ahead_is_unknown_in_a_backtest() -> None:
    flags = np.zeros((84, 1))
    flags[[10, 20, 30, 40, 50, 60, 72, 80]] = 1
    values = weekly(84, noise=0.02, step=0.005) * np.where(flags[:, 0] == 1, 0.3, 1.0)
    ahead = backtest(Series(values), ["ucm"], windows=2, events=Events(flags, ("outage",), (True,)))
    blind = backtest(Series(values), ["ucm"], windows=2, events=Events(flags, ("outage",), (False,)))
    assert ahead.of("ucm").scores["smape"] < 0.06
    assert blind.of("ucm").scores["smape"] > 2 * ahead.of("ucm").scores["smape"]


def test_events_that_end_too_early_are_refused() -> None:
    values = weekly(70)
    with pytest.raises(UsageError, match="77 are needed"):
        fit(Series(values), "ucm", Events(np.zeros((70, 1)), ("sale",), (True,))).forecast(7)
    assert fit(Series(values), "ucm", Events(np.eye(70)[:, 30:31], ("outage",), (False,))).forecast(7).mean.shape == (
        7,
    )


def test_progress_and_processes_change_nothing(series: Series) -> None:
    seen: list[tuple[int, int]] = []
    alone = backtest(series, ["ucm"], windows=3, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert alone.of("ucm").scores["mase"] == backtest(series, ["ucm"], windows=3).of("ucm").scores["mase"]


@pytest.mark.slow
def test_two_processes_give_the_same_table(series: Series) -> None:
    alone, together = (backtest(series, ["ucm", "theta"], windows=3, workers=each) for each in (1, 2))
    for name in ("ucm", "theta"):
        assert alone.of(name).scores == together.of(name).scores


def test_candidates_need_names_of_their_own(series: Series) -> None:
    with pytest.raises(UsageError, match="names of their own"):
        backtest(series, ["ets", "ets"])
    both = [Candidate("ets"), Candidate("ets", {"trend": "none"})]
    assert [each.candidate.name for each in backtest(series, both, windows=2).tested] == ["ets", "ets trend=none"]


def test_a_model_that_fails_is_told_and_never_chosen(series: Series) -> None:
    tested = backtest(series, [Candidate("ets", {"trend": "cubic"}), Candidate("seasonal_naive")], windows=2)
    assert "trend is one of" in (tested.of("ets trend=cubic").failed or "")
    assert select(tested).chosen.name == "seasonal_naive"
    with pytest.raises(UsageError, match="Every candidate failed"):
        select(backtest(series, [Candidate("ets", {"trend": "cubic"})], windows=2))


def test_the_default_stays_without_a_clear_margin(series: Series) -> None:
    tested = backtest(series, ["seasonal_naive", "ucm", BOTH], windows=4)
    choice = select(tested)
    assert choice.chosen.name == "ensemble"
    assert choice.beaten
    assert choice.baseline == "seasonal_naive"


def test_a_default_that_loses_to_a_naive_model_gives_way() -> None:
    values = weekly(84, noise=0.0, step=0.0) * np.exp(default_rng(3).normal(0, 0.01, 84))
    bad = Candidate("ensemble", {"members": ("naive",)}, label="ensemble")
    choice = select(backtest(Series(values), ["seasonal_naive", "drift", "ucm", bad], windows=3), margin=1.0)
    assert choice.chosen.name == "ucm"
    assert choice.baseline == "seasonal_naive"


def test_a_tie_goes_to_the_simpler(series: Series) -> None:
    same = [Candidate("ensemble", {"members": ("ucm",)}, label="of one"), Candidate("ucm")]
    assert select(backtest(series, same, windows=3)).chosen.name == "ucm"


def test_unseen_windows_judge_the_way_of_choosing(series: Series) -> None:
    tested = backtest(series, ["naive", "ucm"], windows=4)
    choice = select(tested)
    ucm = [each.scores["mase"] for each in tested.of("ucm").windows]
    assert choice.unseen == pytest.approx(np.mean(ucm[1:]))


def test_an_unknown_metric_is_refused(series: Series) -> None:
    with pytest.raises(UsageError, match="no error metric"):
        select(backtest(series, ["ucm"], windows=2), "rmse")


def test_random_walks_hold_no_magic() -> None:
    """On random walks the naive forecast cannot be beaten by a margin: the choice says whether it was."""
    values = 1000 * np.exp(np.cumsum(default_rng(4).normal(0, 0.05, 120)))
    choice = select(backtest(Series(values), ["naive", "seasonal_naive", "ets", "ucm"], windows=7))
    assert choice.baseline == "naive"
    assert choice.score >= 0.9 * choice.baseline_score
