"""Parse, serialise and start a task, with 100, 500 and 1,000 DAGs, beside dag-factory 1.1.0.

    python -m benchmarks.airflow [--ours PYTHON] [--peer PYTHON] [--runs 5] [--numbers 100 500 1000]

Both interpreters need Airflow; the peer's is made below `target/benchmarks/` when none is named.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Row, Timing, at_least, at_most, gate, process, save
from benchmarks.sides.side import Peer

PEER = Peer("dag-factory", "dag_factory_peer", ("apache-airflow==3.3.2", "dag-factory==1.1.0"))
SIDE = Path(__file__).with_name("side.py")
MODES = ("parse", "serialise", "task")
LIMIT = 0.02  # CPU seconds of a task's parse
STARTS = 15  # of each number of DAGs: they are short


class Bench:
    """Both sides, and a folder for what they read."""

    def __init__(self, ours: Path, peer: Path, folder: Path) -> None:
        self.pythons = {"ours": ours, "theirs": peer}
        self.folder = folder

    def once(self, side: str, number: int, mode: str) -> dict[str, Any]:
        """One process. Raises GateFailed when it did not build the DAGs that were asked for."""
        environ = os.environ | {"AIRFLOW_HOME": str(self.folder / side), "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}"}
        command = [self.pythons[side], "-W", "ignore", SIDE, side, self.folder / f"{side}_{number}", str(number), mode]
        found: dict[str, Any] = json.loads(process(command, self.folder, environ).output.splitlines()[-1])
        wanted = 1 if mode == "task" and side == "ours" else number
        gate(found["dags"] == wanted and found["tasks"] == 6 * wanted, f"{side} built {found}")
        return found

    def both(self, number: int, mode: str, runs: int) -> tuple[Timing, Timing, float]:
        """The timings of both sides in turns, and our bytes over theirs."""
        sides = ("ours", "theirs")
        self.once("ours", number, mode), self.once("theirs", number, mode)  # writes files and byte code
        found = [[self.once(side, number, mode) for side in sides] for _ in range(runs)]
        ours, theirs = (Timing.of([each[at]["seconds"] for each in found]) for at in (0, 1))
        return ours, theirs, found[0][0]["bytes"] / max(found[0][1]["bytes"], 1)

    def flat(self, few: int, many: int) -> tuple[Timing, Timing]:
        """Our start of a task with few DAGs and with many, in turns: hours apart, machines differ more than these."""
        found = [[self.once("ours", number, "task")["seconds"] for number in (few, many)] for _ in range(STARTS)]
        return Timing.of([each[0] for each in found]), Timing.of([each[1] for each in found])


def rows_of(number: int, timings: dict[str, tuple[Timing, Timing, float]]) -> list[Row]:
    targets = {"parse": 4.5, "serialise": 2.4, "task": 400.0 if number == 1000 else None}
    names = {"parse": "full parse", "serialise": "parse and serialise", "task": "start of a task"}
    return [
        at_least(f"{names[mode]}, {number:,} DAGs", PEER.name, ours, theirs, targets[mode])
        for mode, (ours, theirs, _) in timings.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", type=Path, default=Path(sys.executable))
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--numbers", type=int, nargs="+", default=[100, 500, 1000])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(asked.ours, asked.peer or PEER.python(), Path(folder))
        found = {number: {mode: bench.both(number, mode, asked.runs) for mode in MODES} for number in asked.numbers}
        first, last = bench.flat(asked.numbers[0], asked.numbers[-1])
    rows = [row for number, timings in found.items() for row in rows_of(number, timings)]
    rows.append(at_most("start of a task: most DAGs over fewest", "Assay with fewest", last, first, 1.3))
    share = {str(number): round(timings["serialise"][2], 2) for number, timings in found.items()}
    save(
        "airflow", "Airflow: generated DAGs of six tasks", rows, PEER.versions,
        gate="Both sides build the same number of DAGs and tasks.",
        limit=f"A task's parse takes {last.median:.4f} CPU s; the limit is {LIMIT}.",
        size=f"Serialised bytes, ours over theirs: {share}; the limit is 0.75.",
    )  # fmt: skip


if __name__ == "__main__":
    main()
