"""What is promised when a sender is killed at any step of a send: measured, with real processes and a real library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("telegram")

from tests.delivery import crash_runs

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


def outcomes(url: str, folder: Path, runs: int) -> list[dict[str, Any]]:
    command = [sys.executable, str(HERE / "crash_runs.py"), url, str(folder), str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(found: list[dict[str, Any]]) -> None:
    assert sum(each["killed"] for each in found) > 0.9 * len(found), "runs must die, or they show nothing"
    for each in found:
        counts, marked = each["counts"], each["marked"]
        for critical in ("c1", "c2"):
            assert counts.get(critical, 0) >= 1, f"lost: {each}"
            assert counts[critical] - marked.get(critical, 0) <= 1, f"doubled without a mark: {each}"
            assert marked.get(critical, 0) <= 1, f"repeated twice: {each}"
        for other in ("w1", "n1"):
            assert counts.get(other, 0) <= 1, f"doubled: {each}"
            assert not marked.get(other, 0), f"repeated: {each}"


def test_two_ticks_at_once_say_everything_once(bot_api: Any, tmp_path: Path) -> None:
    bot_api.fail({"kind": "delay", "seconds": 0.5})  # so that the other one comes while this one sends
    spawn = get_context("spawn")
    ticks = [spawn.Process(target=crash_runs.tick, args=(bot_api.url, tmp_path, crash_runs.NOW)) for _ in range(2)]
    for tick in ticks:
        tick.start()
    for tick in ticks:
        tick.join()
    assert [tick.exitcode for tick in ticks] == [0, 0]
    texts = [each["shown"] for each in bot_api.accepted()]
    assert [sum(f"[{key}]" in text for text in texts) for key in ("c1", "c2", "w1", "n1")] == [1, 1, 1, 1]
    assert not [text for text in texts if "possible repeat" in text]


@pytest.mark.timeout(1800)
def test_no_critical_is_lost_and_nothing_else_is_doubled(bot_api: Any, tmp_path: Path) -> None:
    """Forty times by default; ASSAY_CRASH_RUNS=500 takes about ten minutes."""
    runs = int(os.environ.get("ASSAY_CRASH_RUNS", "40"))
    found = outcomes(bot_api.url, tmp_path, runs)
    check(found)
    assert len(found) == runs
