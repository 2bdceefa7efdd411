"""Every example in a docstring runs, and the package stays numbers only."""

from __future__ import annotations

import doctest
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

import pytest

import assay.stats

MODULES = ["assay.stats", *(module.name for module in walk_packages(assay.stats.__path__, "assay.stats."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_every_public_name_is_there_and_described() -> None:
    for name in assay.stats.__all__:
        public = getattr(assay.stats, name)
        assert isinstance(public, dict) or public.__doc__


def test_importing_the_room_loads_nothing_heavy() -> None:
    heavy = ("pandas", "pydantic", "matplotlib", "scipy.stats", "statsmodels", "chdb")
    code = f"import sys, assay.stats; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert found.stdout.strip() == "[]"
