"""What is promised when a command is killed at any moment: measured, with real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash import page
from tests.crash.world import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def outcomes(folder: Path, runs: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.crash.kills", str(folder), str(runs), "20261123"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def table(found: list[dict[str, Any]]) -> str:
    """A row for each command."""
    head = ("command", "killed", "at a statement", "at a random moment", "days torn", "wrong after the next", "unsaid")
    rows = []
    for name in COMMANDS:
        mine = [each for each in found if each["command"] == name]
        dead = [each for each in mine if each["killed"]]
        torn = sum(what.startswith("torn") for each in mine for what in each["wrong"])
        wrong = sum(not what.startswith("torn") for each in mine for what in each["wrong"])
        at = sum(each["kill"] is not None for each in dead)
        counts = (len(dead), at, len(dead) - at, torn, wrong, sum(each["lost"] for each in mine))
        rows.append((f"`{name}`", *map(str, counts)))
    return page.table(head, rows)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_killed_command_leaves_nothing_half_and_the_next_one_heals_it(tmp_path: Path) -> None:
    """One of each command by default; ASSAY_CRASH_RUNS=300 takes about half an hour."""
    runs = int(os.environ.get("ASSAY_CRASH_RUNS", "5"))
    found = outcomes(tmp_path, runs)
    assert len(found) == runs
    assert [each for each in found if each["wrong"]] == []
    assert sum(each["killed"] for each in found) >= 0.6 * runs, "runs must die, or they show nothing"
    page.keep("kills", table(found))
