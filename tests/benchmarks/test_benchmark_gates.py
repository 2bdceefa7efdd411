"""The benchmarks' correctness gates at a tiny size; nothing here looks at a clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.project import Project
from benchmarks import definitions, measure, projects, table, website

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_definitions_are_counted_and_a_seeded_mistake_is_found(tmp_path: Path) -> None:
    definitions.check(tmp_path, 20)


def test_an_edit_changes_a_file_every_time(tmp_path: Path) -> None:
    file = projects.write_assay(tmp_path, 20)
    texts = [file.read_text()]
    for number in (1, 2):
        projects.edit(file, number)
        texts.append(file.read_text())
    assert len(set(texts)) == 3
    assert "description: Edit 2." in texts[2]
    assert "age >= 2" in texts[2]


def test_the_project_of_the_site_is_right(tmp_path: Path) -> None:
    website.write(tmp_path / "site", 250)
    catalog = Project.load(tmp_path / "site").catalog
    assert set(catalog.metrics) == {f"m_{number}" for number in range(250)}
    assert {name for metric in catalog.metrics.values() for name in metric.sources} == {"events_0", "events_1"}


# A process of its own: an embedded warehouse cannot share one with the other tests.
SCENE = """
from benchmarks import measure, one_scan
with one_scan.scene(0.004, 3) as found:
    print(one_scan.check(found))
    found.run("ALTER TABLE assay.theirs UPDATE value = value + 1 WHERE dim = 'os' AND val = 'iOS'")
    try:
        one_scan.same_states(found, "assay.ours", "assay.theirs")
    except measure.GateFailed as error:
        print(error)
"""


@pytest.mark.slow
def test_one_scan_gives_the_states_of_single_queries_and_a_difference_is_seen() -> None:
    done = subprocess.run([sys.executable, "-c", SCENE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, difference = done.stdout.splitlines()
    assert int(count) > 400
    assert difference.endswith(f"of {count} states differ")


def test_the_table_is_the_one_of_the_stored_results() -> None:
    results = [json.loads(file.read_text("utf-8")) for file in sorted(measure.RESULTS.glob("*.json"))]
    assert (measure.RESULTS.parent / "README.md").read_text("utf-8") == table.page(results)


READS = """
from benchmarks import measure, reads
product = reads.Product("tiny", 20_000, 2_000, 60, 1, judged=False)
with reads.built(product) as context:
    print([reads.check(context, side, product.end) > 2 for side in reads.SIDES])
    spoil = "ALTER TABLE events DELETE WHERE user_id < 20000 SETTINGS mutations_sync = 2"
    context.engine.run(reads.Statement(spoil, "spoil", writes=True))
    try:
        reads.check(context, reads.SIDES[0], product.end)
    except measure.GateFailed as error:
        print(error)
"""


@pytest.mark.slow
def test_states_and_raw_events_answer_alike_and_a_difference_is_seen() -> None:
    done = subprocess.run([sys.executable, "-c", READS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alike, difference = done.stdout.splitlines()
    assert alike == "[True, True, True, True]"
    assert difference.startswith("daily users: ")
