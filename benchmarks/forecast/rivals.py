"""Those beside whom Assay is measured, each as a function (values, horizon) -> (mean, low, high) of 90 % intervals."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd

from assay.forecast import Series, default_candidates, fit
from assay.forecast.fit import Forecast
from assay.forecast.series import Floats

LEVEL = 0.9
Said = tuple[Floats, Floats, Floats]
Side = Callable[[Floats, int], Said]


def sides() -> dict[str, Side]:
    """Our models one by one with their own intervals, statsforecast's and Prophet where they are installed."""
    own = ["naive", *(each.name for each in default_candidates()), "theta", "orbit_ets"]
    own += ["auto_ets"] if find_spec("statsforecast") else []
    found: dict[str, Side] = {name: partial(_ours, name) for name in dict.fromkeys(own)}
    found["dlt flat"] = partial(_ours, "dlt", trend="flat")
    return found | ({"prophet": _prophet} if find_spec("prophet") else {})


def told(forecast: Forecast) -> Said:
    return forecast.mean, forecast.low, forecast.high


def _ours(name: str, values: Floats, horizon: int, **parameters: str) -> Said:
    return told(fit(Series.of(values), name, **parameters).forecast(horizon, LEVEL))


def _prophet(values: Floats, horizon: int) -> Said:
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    days = pd.date_range("2020-01-06", periods=len(values) + horizon)
    model = Prophet(interval_width=LEVEL, weekly_seasonality=True).fit(
        pd.DataFrame({"ds": days[: len(values)], "y": values})
    )
    np.random.seed(0)  # Prophet draws its intervals from numpy's global generator
    said = model.predict(pd.DataFrame({"ds": days[len(values) :]}))
    return said["yhat"].to_numpy(), said["yhat_lower"].to_numpy(), said["yhat_upper"].to_numpy()
