"""Examples in docstrings, a light import, and models without their extra."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

from assay import forecast
from assay.errors import UsageError
from assay.forecast import Series, fit
from benchmarks.forecast.worlds import weekly

MODULES = sorted(each.name for each in pkgutil.walk_packages(forecast.__path__, "assay.forecast."))


@pytest.mark.parametrize("name", MODULES)
def test_forecast_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_importing_forecasts_loads_nothing_heavy() -> None:
    heavy = ("scipy.stats", "scipy.optimize", "statsmodels", "pandas", "orbit", "torch", "stanli", "statsforecast")
    code = (
        f"import sys, assay.forecast, assay.forecast.impact; print([each for each in {heavy} if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("model", "package"), [("lgt", "Orbit"), ("auto_ets", "statsforecast")])
def test_a_missing_extra_is_told(model: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.forecast import orbit
    from assay.forecast.models import auto_ets

    def absent(name: str) -> None:
        raise ImportError(name)

    orbit._library.cache_clear()
    monkeypatch.setattr(orbit, "find_spec", lambda _: None)
    monkeypatch.setattr(sys.modules["assay.forecast.models.auto_ets"], "import_module", absent)
    assert auto_ets
    with pytest.raises(UsageError, match=f"needs {package}"):
        fit(Series(weekly(70)), model)
    orbit._library.cache_clear()
