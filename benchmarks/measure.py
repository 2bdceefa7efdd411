"""What every benchmark shares: CPU seconds of a process or a call, medians, the machine's name, results as JSON."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
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
    """One line of the table: `ours` beside `peer`; `target` bounds the ratio ours-over-peer or peer-over-ours."""

    name: str
    ours: Timing
    peer: Timing | None
    peer_name: str
    target: str
    met: bool | None

    @property
    def faster(self) -> float | None:
        """How many times the peer's CPU seconds."""
        return self.peer and round(self.peer.median / self.ours.median, 1)


def at_least(name: str, ours: Timing, peer: Timing | None, peer_name: str, times: float | None = None) -> Row:
    """A row whose target is `times` the speed of the peer."""
    met = None if peer is None or times is None else peer.median >= times * ours.median
    return Row(name, ours, peer, peer_name, f"≥ {times:g}×" if times else "–", met)


def gate(right: bool, what: str) -> None:
    """Raises GateFailed."""
    if not right:
        raise GateFailed(what)


def process(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str] | None = None) -> float:
    """CPU seconds of a command and its children. Raises GateFailed when it fails."""
    log = WORK / "last.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=folder, env=environ, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    gate(child.returncode == 0, f"{' '.join(map(str, command))}\n{log.read_text('utf-8', 'replace')[-2000:]}")
    return usage.ru_utime + usage.ru_stime


def call(function: Callable[[], Any]) -> float:
    """CPU seconds of this process, all threads, inside `function`."""
    before = _used()
    function()
    return _used() - before


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def repeat(runs: int, once: Callable[[], float], prepare: Callable[[], object] = lambda: None) -> Timing:
    """The timing of `runs` runs, each after `prepare`, which is not measured."""
    seconds = []
    for _ in range(runs):
        prepare()
        seconds.append(once())
    return Timing.of(seconds)


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text("utf-8").splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


def save(name: str, title: str, rows: Sequence[Row], packages: Sequence[str], **notes: Any) -> None:
    """Write `results/<name>.json`: the table's rows, the machine, versions, and whatever explains them."""
    RESULTS.mkdir(exist_ok=True)
    versions = {package: version(package) for package in packages}
    found = {
        "title": title,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions,
        "rows": [asdict(row) | {"faster": row.faster} for row in rows],
        "notes": notes,
    }
    RESULTS.joinpath(f"{name}.json").write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", "utf-8")
