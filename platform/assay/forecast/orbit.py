"""Orbit's forecasters on a training: the library is imported here and nowhere else."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from assay.forecast.refusals import misfit, missing
from assay.forecast.series import Floats
from assay.forecast.smoothing import smoothing_spread
from assay.forecast.stan import Program
from assay.forecast.training import Path, Predict, Training

Estimator = Literal["map", "mcmc", "svi"]
Engine = Literal["stanli", "cmdstan"]
SEED = 8888  # Orbit's own default
DRAWS = 400
DATE, VALUE = "date", "value"


def trained(
    name: str, training: Training, estimator: Estimator, engine: Engine, regressors: bool = False, **settings: Any
) -> Predict:
    """Fit `orbit.models.<name>` on the modelling scale. Raises UsageError (E601) without Orbit or a Stan engine."""
    library = _library(engine)
    columns = [f"event_{each}" for each in range(training.events.shape[1])] if regressors else []
    extra = {"regressor_col": columns} if columns else {}
    draws = {"num_warmup": DRAWS, "num_sample": DRAWS, "chains": 4} if estimator == "mcmc" else {}
    season = {"seasonality": training.season} if training.season > 1 else {}
    with _as_orbit_expects():
        fitted = getattr(library, name)(
            response_col=VALUE, date_col=DATE, estimator=_ESTIMATORS[estimator], seed=SEED, verbose=False,
            **season, **extra, **draws, **settings,
        )  # fmt: skip
        fitted.fit(_frame(training.values, training.events, columns))

    def predict(horizon: int, future: Floats) -> Path:
        frame = _frame(np.full(horizon, np.nan), future, columns, first=len(training.values))
        with _as_orbit_expects():
            found = fitted.predict(frame, seed=SEED)
        center = found["prediction"].to_numpy()
        if "prediction_5" in found and estimator != "map":
            return Path(
                center, ((found["prediction_95"] - found["prediction_5"]) / (2 * 1.6448536269514722)).to_numpy()
            )
        return Path(center, _spread(fitted, horizon))

    return predict


_ESTIMATORS = {"map": "stan-map", "mcmc": "stan-mcmc", "svi": "pyro-svi"}


def _spread(fitted: Any, horizon: int) -> Floats:
    """Of a mode: by the residual's scale and the smoothing weights of the level and the slope."""
    point = {
        name: float(np.ravel(value)[0])
        for name, value in fitted.get_point_posteriors()["map"].items()
        if np.size(value)
    }
    level = point["lev_sm"]
    slope = 0.0 if "lt_coef" in point else point.get("slp_sm", 0.0)  # LGT's level does not take its slope in
    return smoothing_spread(point["obs_sigma"], horizon, level, level * slope, damping=0.8)


def _frame(values: Floats, events: Floats, columns: list[str], first: int = 0) -> Any:
    pandas = import_module("pandas")
    days = pandas.Timestamp("2000-01-01") + pandas.to_timedelta(np.arange(first, first + len(values)), unit="D")
    return pandas.DataFrame({DATE: days, VALUE: values, **{name: events[:, each] for each, name in enumerate(columns)}})


@cache
def _library(engine: Engine) -> Any:
    """`orbit.models` with its Stan programs run by the chosen engine."""
    if not find_spec("orbit"):
        raise missing("Orbit", "orbit", "This model")
    if engine == "stanli" and not (find_spec("stanli") and find_spec("bridgestan")):
        raise missing("stanli (an interpreter of Stan)", "orbit", "Orbit")
    if engine == "cmdstan" and not _has_cmdstan():
        raise misfit(
            "CmdStan was asked for, and there is none.", "Orbit's programs have to be compiled by it.",
            "Install it (python -m cmdstanpy.install_cmdstan), or leave `engine` out: stanli needs no compiler.",
        )  # fmt: skip
    seam: Any = import_module("orbit.estimators.stan_estimator")
    if engine == "stanli":
        seam.get_compiled_stan_model = lambda stan_model_name: Program(stan_model_name)
    import_module("torch").set_num_threads(1)  # small tensors: more threads only wait for one another
    models = import_module("orbit.models")
    for name in ("orbit", "pyro"):
        logging.getLogger(name).setLevel(logging.WARNING)  # after the import, which sets its own
    return models


def _has_cmdstan() -> bool:
    try:
        return bool(import_module("cmdstanpy").cmdstan_path())
    except (ImportError, ValueError):
        return bool(os.environ.get("CMDSTAN"))


@contextmanager
def _as_orbit_expects() -> Iterator[None]:
    """Orbit draws from numpy's global generator, which it gets seeded, and given back as it was.

    And its KTR calls `np.in1d`, which numpy 2.4 dropped in favour of `isin`.
    """
    before, lacks = np.random.get_state(), not hasattr(np, "in1d")
    np.random.seed(SEED)
    if lacks:
        np.in1d = np.isin  # type: ignore[attr-defined]
    try:
        yield
    finally:
        np.random.set_state(before)
        if lacks:
            del np.in1d  # type: ignore[attr-defined]
