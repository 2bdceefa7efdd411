"""Orbit on our Stan engine against Orbit's own published numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from assay.errors import UsageError
from assay.forecast import Candidate, Series, backtest, fit
from assay.forecast.stan import Program, shaped
from benchmarks.forecast.worlds import weekly

REFERENCE = json.loads((Path(__file__).parent / "reference" / "orbit_iclaims.json").read_text(encoding="utf-8"))
TRENDS = ["trend.unemploy", "trend.filling", "trend.job"]
pytestmark = [pytest.mark.orbit, pytest.mark.filterwarnings("ignore")]  # Orbit's libraries warn of one another


@pytest.mark.slow
@pytest.mark.parametrize(("level", "season", "published"), REFERENCE["scores"])
def test_the_tutorials_scores(level: float, season: float, published: float) -> None:
    """SMAPE of three expanding windows, fitted scale, as Orbit's tutorial prints it.

    1e-6 where the fit has one mode; two of its six have neighbours, and the tutorial was printed by another optimiser.
    """
    assert _tutorial(level, season) == pytest.approx(published, abs=3e-6)


def _tutorial(level: float, season: float) -> float:
    import pandas as pd

    from assay.forecast.orbit import _as_orbit_expects, _library

    values = {name: np.log(REFERENCE[name]) for name in ("claims", *TRENDS)}
    frame = pd.DataFrame(values)
    frame[TRENDS] -= frame[TRENDS].mean()
    frame["week"] = pd.date_range(REFERENCE["first_week"], periods=len(frame), freq="7D")
    scores = []
    for stop in range(380, len(frame) - 19, 20):
        with _as_orbit_expects():
            model = _library("stanli").DLT(
                response_col="claims", date_col="week", seasonality=52, estimator="stan-map", regressor_col=TRENDS,
                level_sm_input=level, seasonality_sm_input=season, verbose=False,
            )  # fmt: skip
            model.fit(frame.iloc[:stop])
            said = model.predict(frame.iloc[stop : stop + 20])["prediction"].to_numpy()
        actual = frame["claims"].to_numpy()[stop : stop + 20]
        scores.append(2 * np.abs(said - actual) / (np.abs(said) + np.abs(actual)))
    return float(np.mean(np.concatenate(scores)))


@pytest.mark.slow
def test_sampling_agrees_with_the_mode() -> None:
    series = Series(weekly(56))
    mode, draws = fit(series, "orbit_ets").forecast(7), fit(series, "orbit_ets", estimator="mcmc").forecast(7)
    np.testing.assert_allclose(draws.mean, mode.mean, rtol=0.03)
    again = fit(series, "orbit_ets", estimator="mcmc").forecast(7)
    np.testing.assert_array_equal(draws.mean, again.mean)


@pytest.mark.slow
def test_every_trend_and_penalty_of_dlt(series: Series) -> None:
    grid = [Candidate("dlt", {"trend": each}) for each in ("linear", "loglinear", "flat", "logistic")]
    tested = backtest(series, grid, windows=2)
    assert all(each.failed is None and each.scores["smape"] < 0.3 for each in tested.tested)


def test_cmdstan_that_is_not_there_is_told(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.forecast.orbit._has_cmdstan", lambda: False)
    with pytest.raises(UsageError, match="CmdStan was asked for"):
        fit(series, "lgt", engine="cmdstan")


def test_numpys_global_generator_is_given_back(series: Series) -> None:
    np.random.seed(5)
    before = np.random.random()
    np.random.seed(5)
    fit(series, "dlt").forecast(7)
    assert np.random.random() == before


def test_the_mode_is_a_mode() -> None:
    """No step of a tenth of a standard error from the optimum has a higher density: orbit's ETS on simulated data."""
    from assay.forecast.stan import _bounds, _Corrected, _model

    data = _ets_data(np.log(weekly(60)))
    best = Program("ets").optimize(data).stan_variables()
    model = _model("ets", data)
    corrected = _Corrected(model, _bounds("ets"))
    free = np.asarray(
        model.param_unconstrain(
            np.array([np.ravel(best[name.split(".")[0]])[_place(name)] for name in model.param_names()])
        )
    )
    value, slope = corrected(free)
    assert np.max(np.abs(slope)) < 1e-3
    steps = default_rng(0).normal(0, 0.05, (50, len(free)))
    assert all(corrected(free + step)[0] >= value - 1e-9 for step in steps)


def test_the_gradient_is_that_of_the_density_without_jacobian() -> None:
    from assay.forecast.stan import _bounds, _Corrected, _model

    model = _model("ets", _ets_data(np.log(weekly(60))))
    corrected = _Corrected(model, _bounds("ets"))
    point = default_rng(1).normal(0, 0.5, model.param_unc_num())
    _, slope = corrected(point)
    nudges = 1e-6 * np.eye(len(point))
    numeric = [(corrected(point + each)[0] - corrected(point - each)[0]) / 2e-6 for each in nudges]
    np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-4)


def _place(name: str) -> int:
    _, *index = name.split(".")
    return int(index[0]) - 1 if index else 0


def _ets_data(values: np.ndarray) -> dict[str, object]:
    return {
        "WITH_MCMC": 0, "T_STAR": 1.0, "NUM_OF_OBS": len(values), "RESPONSE": values,
        "IS_VALID_RES": np.ones(len(values), dtype=int), "LEV_SM_INPUT": -1, "SEA_SM_INPUT": -1, "SEASONALITY": 7,
        "SEASONALITY_SD": float(np.std(values)), "RESPONSE_SD": float(np.std(values)),
    }  # fmt: skip


def test_columns_are_gathered_in_their_shape() -> None:
    found = shaped(["a", "b.1", "b.2", "c.1.1", "c.2.1", "c.1.2", "c.2.2"], np.arange(7.0)[None, :], single=True)
    assert found["a"] == 0.0
    assert found["b"].tolist() == [1, 2]
    assert found["c"].tolist() == [[3, 5], [4, 6]]
