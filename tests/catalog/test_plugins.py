"""What the catalog reads from files must be what registries know, and reading it must load nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from assay import detect, forecast
from assay.catalog import plugins
from assay.catalog.rules import experiments
from assay.jobs.experiments import gates
from assay.stats.registry import METHODS


def test_detectors_agree_with_their_registry() -> None:
    assert plugins.names("detect", "detectors") == set(detect.names())


@pytest.mark.parametrize("name", detect.names())
def test_parameters_of_detectors_agree_with_their_signatures(name: str) -> None:
    known = {each.name: each.type.__name__ for each in detect.parameters(name).values()}
    assert plugins.parameters("detect", "detectors", name) == known


def test_models_agree_with_their_registry() -> None:
    assert plugins.names("forecast", "models") == set(forecast.names())


@pytest.mark.parametrize("name", forecast.names())
def test_parameters_of_models_agree_with_their_signatures(name: str) -> None:
    """A choice is told with its values, wherever its name is defined."""
    known = forecast.parameters(name).values()
    types = {each.name: str(each.type) if get_args(each.type) else each.type.__name__ for each in known}
    told = {name: text.removeprefix("typing.") for name, text in types.items()}
    assert plugins.parameters("forecast", "models", name) == told
    assert plugins.defaults("forecast", "models", name) == {each.name: each.default for each in known}


def test_methods_agree_with_their_registry() -> None:
    assert plugins.names("stats", "methods") == set(METHODS)


def test_gates_agree_with_the_job_that_runs_them() -> None:
    assert set(experiments.GATES) == set(gates.GATES)


SCRIPT = """
import sys
from pathlib import Path
from assay.catalog.resolve import resolve
from assay.config.load import load
loaded = load(Path(sys.argv[1]), use_cache=False)
catalog, found = resolve(loaded.definitions, loaded.broken)
assert len(catalog.metrics) > 10 and not found and not loaded.diagnostics
heavy = {"numpy", "scipy", "pandas", "chdb", "clickhouse_connect", "statsmodels", "matplotlib", "click"}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or None)
"""


def test_resolving_the_demo_loads_nothing_heavy() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(root)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
