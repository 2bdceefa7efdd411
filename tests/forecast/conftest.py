"""A series for all, and a word where Orbit is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from assay.forecast import Series
from benchmarks.forecast.worlds import weekly


def pytest_collection_modifyitems(items: list[Any]) -> None:
    if not find_spec("orbit"):
        for item in items:
            if "orbit" in item.keywords and "forecast" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="needs the orbit extra: make orbit"))


@pytest.fixture
def series() -> Series:
    return Series(weekly(84))
