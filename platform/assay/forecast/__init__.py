"""Numbers in, forecasts out: usable alone, without YAML and without a database.

    Series, Events ──fit──▶ Fitted ──forecast──▶ Forecast ──peak──▶ P(more than X)
       │              a file in models/            ▲ calibrated by
       └──backtest──▶ Backtest ──select──▶ Choice  │
                         └── .of(name).calibration()

Models work on logs (except of gauges), on one season found in the data, and see nothing of the days they are judged by.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from assay.forecast import models
from assay.forecast.backtest import Backtest, Tested, Window, backtest
from assay.forecast.calibration import Calibration
from assay.forecast.fit import Fitted, Forecast, fit
from assay.forecast.folds import Fold
from assay.forecast.peak import Peak, peak
from assay.forecast.registry import Candidate, Model, Parameter, get, names, parameters
from assay.forecast.season import seasons
from assay.forecast.selection import Choice, default_candidates, select
from assay.forecast.series import Events, Series

__all__ = [
    "Backtest", "Calibration", "Candidate", "Choice", "Events", "Fitted", "Fold", "Forecast", "Model", "Parameter",
    "Peak", "Series", "Tested", "Window",
    "backtest", "default_candidates", "fit", "get", "names", "parameters", "peak", "seasons", "select",
]  # fmt: skip

for _module in iter_modules(models.__path__):
    import_module(f"{models.__name__}.{_module.name}")  # a model registers itself
