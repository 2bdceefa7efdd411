"""What every benchmark shares: CPU seconds of a process or a call, medians, the machine's name, results as JSON."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
WORK = ROOT / "target" / "benchmarks"


class GateFailed(Exception):
    """The answers are wrong, so how fast they came means nothing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """CPU seconds (user and system) of several runs."""

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        median, low, high = (round(each, 4) for each in (statistics.median(seconds), min(seconds), max(seconds)))
        return cls(median, low, high, len(seconds))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is peer over ours where more is better, and ours over peer where less is."""

    name: str
    peer_name: str
    ours: Timing
    peer: Timing
    ratio: float
    target: str
    met: bool | None


def at_least(name: str, peer_name: str, ours: Timing, peer: Timing, times: float | None = None) -> Row:
    """A row whose target is to need `times` less than the peer; None for a row that only informs."""
    ratio = peer.median / ours.median
    met = ratio >= times if times else None
    return Row(name, peer_name, ours, peer, round(ratio, 2), f"≥ {times:g}×" if times else "–", met)


def at_most(name: str, peer_name: str, ours: Timing, peer: Timing, times: float) -> Row:
    """A row whose target is to need at most `times` what the peer needs."""
    ratio = ours.median / peer.median
    return Row(name, peer_name, ours, peer, round(ratio, 2), f"≤ {times:g}×", ratio <= times)


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended: CPU seconds with those of its children, and what it printed."""

    seconds: float
    output: str


def gate(right: bool, what: str) -> None:
    """Raises GateFailed."""
    if not right:
        raise GateFailed(what)


def process(
    command: Sequence[str | Path], folder: Path, environ: Mapping[str, str] | None = None, code: int = 0
) -> Finished:
    """Run a command to its end. Raises GateFailed when its exit code is another one."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, cwd=folder, env=environ, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read().decode("utf-8", "replace")
    gate(child.returncode == code, f"{' '.join(map(str, command))} ended with {child.returncode}\n{output[-2000:]}")
    return Finished(usage.ru_utime + usage.ru_stime, output)


def call(function: Callable[[], Any]) -> float:
    """CPU seconds of this process, all threads, inside `function`."""
    before = _used()
    function()
    return _used() - before


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def repeat(runs: int, *sides: Callable[[], float]) -> list[Timing]:
    """The timing of each side; the sides take turns, so that a busy minute of the machine falls on all of them."""
    seconds: list[list[float]] = [[] for _ in sides]
    for _ in range(runs):
        for side, found in zip(sides, seconds, strict=True):
            found.append(side())
    return [Timing.of(found) for found in seconds]


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def save(name: str, title: str, rows: Sequence[Row], versions: Mapping[str, str], **notes: Any) -> None:
    """Write `results/<name>.json`: the table's rows, the day, the machine, versions, and whatever explains them."""
    RESULTS.mkdir(exist_ok=True)
    found = {
        "title": title,
        "date": str(datetime.now(UTC).date()),
        "machine": machine(),
        "versions": versions,
        "rows": [asdict(row) for row in rows],
        "notes": notes,
    }
    RESULTS.joinpath(f"{name}.json").write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", "utf-8")
