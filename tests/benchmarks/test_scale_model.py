"""The scale model against arithmetic by hand, and the benchmark's gates at a tiny size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale_model import EXPERIMENTS, Cluster, Stage, lines, measured, model, size, span

ROOT = Path(__file__).parents[2]
NAMES = (
    "sum of two columns", "states", "unit days", "units from events", "units from stored days",
    "units after a new day", "moments",
)  # fmt: skip
STAGES = [Stage(name, 1_000_000, 20_000_000, 10.0, 6.0, 3_000_000) for name in NAMES]
FOUND = {
    "stages": [{"name": each.name, "rows": each.rows, "bytes": each.bytes, "cpu": each.cpu, "wall": 1.0,
                "peak": 0 if each.name == NAMES[0] else 500_000_000}
               for each in STAGES],
    "event_bytes": 8.0, "unit_disk": 20.0, "unit_bytes": 50.0,
}  # fmt: skip
SMALL = Cluster(events=365e6, shards=2, cores=5)  # a million events a day by 20,000 units


def test_seconds_are_rows_over_what_all_cores_do_and_bytes_over_the_network() -> None:
    """100,000 rows a CPU second on ten cores at 0.7: 700,000 rows a second."""
    found = {each.stage: each for each in lines(SMALL, {each.name: each for each in STAGES}, 50)}
    assert found["states of a day"].seconds == pytest.approx(1e6 / 7e5)
    units = found["units of a day"]
    assert units.travels == 2 * 20_000 * 50  # to the node that was asked, and to their shards
    assert units.seconds == pytest.approx(1e6 / 7e5 + 2e6 / 1.25e9)
    stored = found["an experiment from stored days"]
    assert stored.rows == 28 * 20_000
    assert stored.seconds == pytest.approx(560_000 / 7e5 + 2 * 60_000 * 50 / 1.25e9)
    assert found["an experiment from events"].rows == 28e6
    assert found["the same after one new day"].rows == 60_000  # all that were seen, once


def test_tables_say_what_was_found() -> None:
    table = model([SMALL], FOUND)
    assert "| states of a day | 1.43 s (1 M) |" in table
    assert f"| {EXPERIMENTS} experiments, every morning | 35.2 s |" in table
    assert "| disk: events of a year | 2.92 GB |" in table
    assert "| memory of a shard, units from events | 15 MB |" in table  # 500 bytes a unit, 60,000 units, two shards
    assert "| states | 1,000,000 | 10 | 6 | 0.1 | 0.002 | 1.0% | 3 MB |" in measured(STAGES, 2e8)


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0123, "12 ms"), (0.5, "0.50 s"), (90, "90 s"), (600, "10 min"), (72_000, "20 h")]
)
def test_spans_are_told_in_their_unit(seconds: float, told: str) -> None:
    assert span(seconds) == told


@pytest.mark.parametrize(("count", "told"), [(1e3, "1 kB"), (2.5e6, "2.5 MB"), (4e9, "4 GB"), (7.6e12, "7.6 TB")])
def test_sizes_are_told_in_their_unit(count: float, told: str) -> None:
    assert size(count) == told


@pytest.mark.slow
def test_the_stages_pass_their_gates() -> None:
    """In a process of its own: an embedded warehouse cannot share one with the other tests."""
    script = "from benchmarks.scale import measure; print([each['name'] for each in measure(20_000)['stages']])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in NAMES)
