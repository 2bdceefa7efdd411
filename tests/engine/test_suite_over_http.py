"""The most telling suites of jobs once more, with their warehouse on a server instead of in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# `make http` runs all that make shops so; these write, publish and read most.
SUITES = [f"tests/jobs/test_jobs_{name}.py" for name in ("run", "checks", "apply", "alerting", "readout", "unit_days")]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_suites_pass_over_http() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *SUITES]
    environ = {**os.environ, "ASSAY_TEST_ENGINE": "http"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stdout[-4000:]
