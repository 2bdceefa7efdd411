"""What must feel instant imports nothing heavy. Each case runs in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "scipy", "pandas", "chdb", "clickhouse_connect", "matplotlib", "airflow", "orbit", "pyarrow")
DEFINITIONS = ("pydantic", "jinja2", "sqlglot", "yaml")
RUN = """
import sys
from click.testing import CliRunner
from assay.cli.main import main
result = CliRunner().invoke(main, {arguments!r})
assert result.exit_code == {code}, result.output
"""


def loaded(code: str, names: tuple[str, ...], folder: Path = ROOT) -> set[str]:
    """Which of the names are in sys.modules after the code has run."""
    script = f"{code}\nimport sys\nprint('LOADED', *[n for n in {names!r} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return set(found.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "module", ["assay", "assay.errors", "assay.statement", "assay.config.cache", "assay.config.root", "assay.cli.main"]
)
def test_light_modules(module: str) -> None:
    assert loaded(f"import {module}", HEAVY + DEFINITIONS) == set()


@pytest.mark.parametrize("module", ["assay.catalog.resolve", "assay.config.load", "assay.compiler.experiment"])
def test_definitions_need_no_numbers_and_no_driver(module: str) -> None:
    assert loaded(f"import {module}", HEAVY) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["validate"], ["list"], ["explain", "E503"], ["schema"]])
def test_commands_that_feel_instant(arguments: list[str]) -> None:
    assert loaded(RUN.format(arguments=arguments, code=0), HEAVY) == set()


def test_a_plan_needs_no_numbers_and_no_driver(tmp_path: Path) -> None:
    start = RUN.format(arguments=["init", str(tmp_path / "mine")], code=0)
    loaded(start, ())
    assert loaded(RUN.format(arguments=["plan", "-p", str(tmp_path / "mine")], code=2), HEAVY) == set()


def test_validation_of_unchanged_files_answers_from_the_cache(tmp_path: Path) -> None:
    start = RUN.format(arguments=["init", str(tmp_path / "mine")], code=0)
    again = RUN.format(arguments=["validate", "-p", str(tmp_path / "mine")], code=0)
    loaded(start + again, ())
    assert loaded(again, HEAVY + DEFINITIONS) == set()
