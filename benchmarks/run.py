"""Every benchmark, then the table. Names choose some: `python -m benchmarks.run definitions`."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import ROOT, WORK

BENCHMARKS = (
    "definitions", "one_scan", "backfill", "reads",
    "power", "bootstrap", "moments", "replays", "first_answer", "alerts", "airflow", "unit_days", "website",
    "scale", "forecast",
)  # fmt: skip
# Its peers and Orbit share an interpreter, which the Makefile installs.
OWN = {"forecast": WORK / "forecast" / "bin" / "python"}


def main(names: list[str]) -> int:
    """Each runs in a process of its own, because an embedded engine cannot share one. Returns how many failed."""
    failed = 0
    for name in names or BENCHMARKS:
        print(f"{name} …", flush=True)
        failed += subprocess.run([OWN.get(name, sys.executable), "-m", f"benchmarks.{name}"], cwd=ROOT).returncode != 0
    subprocess.run([sys.executable, "-m", "benchmarks.table"], cwd=ROOT, check=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
