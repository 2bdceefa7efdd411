"""Examples in docstrings, and a light import."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

from assay import detect

MODULES = sorted(each.name for each in pkgutil.walk_packages(detect.__path__, "assay.detect."))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_importing_the_room_loads_nothing_heavy() -> None:
    heavy = ("scipy.stats", "scipy.signal", "statsmodels", "pandas")
    code = f"import sys, assay.detect; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
