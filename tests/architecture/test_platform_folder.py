"""`platform/` is a source root. A Python file in it would shadow the standard library's `platform` module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_holds_no_python_file() -> None:
    assert list((ROOT / "platform").glob("*.py")) == []


@pytest.mark.parametrize("folder", [".", "platform", "platform/assay", "tests", "dag_factory", "metrics"])
def test_the_standard_library_wins_everywhere(folder: str) -> None:
    code = "import platform, sysconfig; print(platform.__file__.startswith(sysconfig.get_path('stdlib')))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT / folder, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "True"
