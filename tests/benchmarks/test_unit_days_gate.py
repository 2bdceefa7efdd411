"""The gate of the benchmark of stored days at a tiny size: equal units pass, and a difference is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A process of its own: an embedded warehouse cannot share one with the other tests.
SIDES = """
from benchmarks import measure, unit_days
from assay.statement import Statement
with unit_days.built(unit_days.Product(daily=2_000, users=300, actions=20, days=14)) as sides:
    print(unit_days.check(sides))
    table = f"{sides.declared.database}.unit_days"
    forget = "DELETE FROM assay.builds WHERE grain = 'experiment totals'"  # else the days before are not read again
    sides.declared.engine.run(Statement(forget, "test", writes=True))
    more = f"INSERT INTO {table} SELECT * FROM {table} WHERE day = '2025-06-20' LIMIT 5"
    sides.declared.engine.run(Statement(more, "test", writes=True))
    try:
        unit_days.check(sides)
    except measure.GateFailed as error:
        print(error)
"""


@pytest.mark.slow
def test_both_sides_have_the_same_units_and_a_difference_is_seen() -> None:
    done = subprocess.run([sys.executable, "-c", SIDES], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, difference = done.stdout.splitlines()
    assert 250 < int(count) <= 300
    assert difference == "the read-outs differ"
