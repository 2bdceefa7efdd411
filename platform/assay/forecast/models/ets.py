"""Exponential smoothing, its trend and season chosen by the corrected Akaike criterion."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np

from assay.forecast.registry import model
from assay.forecast.series import Floats
from assay.forecast.smoothing import smoothing_spread
from assay.forecast.training import Path, Predict, Training

Trend = Literal["auto", "none", "damped", "linear"]


@model(complexity=3)
def ets(training: Training, *, trend: Trend = "auto") -> Predict:
    """ETS with additive errors: level, damped trend, season. Hyndman, Koehler, Ord, Snyder (2008), chapters 2 and 7.

    On logs, additive means multiplicative. `trend`: auto, none, damped or linear.
    """
    best = min((_fit(training, *each) for each in _shapes(training, trend)), key=lambda each: each.aicc)

    spread = partial(
        smoothing_spread, float(np.sqrt(best.mse)), level=_weight(best, "smoothing_level"),
        trend=_weight(best, "smoothing_trend"), damping=best.phi if best.damped_trend else 1.0,
        season=_weight(best, "smoothing_seasonal"), cycle=training.season,
    )  # fmt: skip

    def predict(horizon: int, _future: Floats) -> Path:
        return Path(np.asarray(best.forecast(horizon)), spread(horizon))

    return predict


def _weight(fitted: Any, name: str) -> float:
    return float(dict(zip(fitted.param_names, fitted.params, strict=True)).get(name, 0.0))


def _shapes(training: Training, trend: str) -> list[tuple[str | None, bool, bool]]:
    """(trend, damped, seasonal) to try."""
    known: dict[str, list[tuple[str | None, bool]]] = {
        "none": [(None, False)], "damped": [("add", True)], "linear": [("add", False)],
        "auto": [(None, False), ("add", True)],
    }  # fmt: skip
    if trend not in known:
        raise ValueError(f"trend is one of {', '.join(known)}, not {trend}")
    seasonal = training.season > 1 and len(training.values) >= 2 * training.season + 2
    return [(*each, seasonal) for each in known[trend]]


def _fit(training: Training, trend: str | None, damped: bool, seasonal: bool) -> Any:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    shape = ETSModel(
        training.values, error="add", trend=trend, damped_trend=damped,
        seasonal="add" if seasonal else None, seasonal_periods=training.season if seasonal else None,
        initialization_method="heuristic",  # estimated first states take ten times as long and forecast no better
    )  # fmt: skip
    return shape.fit(disp=False, maxiter=200)
