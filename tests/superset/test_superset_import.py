"""A real Superset, in an environment of its own, imports the bundle and answers every chart: `make superset`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import pytest

from assay.jobs.outputs.boards import superset, wide
from assay.jobs.queries.query import query
from assay.project import Project
from tests.conftest import AFTER_ALL

HOME = Path(os.environ.get("ASSAY_SUPERSET", ""))
SCRIPT = Path(__file__).with_name("import_bundle.py")
LAST = date(2025, 10, 20)

pytestmark = [
    pytest.mark.superset,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif("ASSAY_SUPERSET" not in os.environ, reason="run it with 'make superset'"),
]


@pytest.fixture(scope="module")
def numbers(demo_project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Superset says after importing twice, and what `query` says."""
    folder = tmp_path_factory.mktemp("superset")
    with demo_project.open(AFTER_ALL) as context:
        uri = f"clickhousedb:///?interface=chdb&path={quote(str(demo_project.dsn.path))}"
        made = superset.export(context, [], uri, folder / "boards.zip")
        names = sorted({name for board in wide.boards(context) for name in board.tab.metrics})
        expected = [row for each in names for row in query(context, [each], LAST, LAST + timedelta(days=1))]
        labels = {name: context.catalog.metric(name).label for name in names}
    shutil.copy(HOME / "superset.db", folder / "superset.db")
    settings = (HOME / "superset_config.py").read_text(encoding="utf-8")
    settings += f'\nSQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"\n'
    (folder / "superset_config.py").write_text(settings, encoding="utf-8")
    done = subprocess.run(
        [HOME / "bin" / "python", SCRIPT, made.path],
        env=os.environ | {"SUPERSET_CONFIG_PATH": str(folder / "superset_config.py")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = (each for each in done.stdout.splitlines() if each.startswith("ANSWER "))
    files = [name.split("/")[1] for name in ZipFile(made.path).namelist() if name.count("/") > 1]
    known = {"query": {labels[row.metric]: row.value for row in expected}, "files": Counter(files)}
    return json.loads(line.removeprefix("ANSWER ")) | known


def test_a_second_import_changes_nothing(numbers: dict[str, Any]) -> None:
    assert numbers["unchanged"] is True
    assert {kind: len(found) for kind, found in numbers["imported"].items()} == numbers["files"]
    assert numbers["files"]["dashboards"] == 5


def test_every_chart_returns_rows(numbers: dict[str, Any]) -> None:
    kinds = {chart["kind"] for chart in numbers["charts"].values()}
    assert {"big_number", "table", "echarts_timeseries_line", "echarts_timeseries_bar", "heatmap_v2"} == kinds
    assert [chart["name"] for chart in numbers["charts"].values() if chart["error"] or not chart["rows"]] == []


def test_numbers_are_those_of_query(numbers: dict[str, Any]) -> None:
    seen = {}
    for chart in numbers["charts"].values():
        if chart["kind"] == "big_number":
            (row,) = (each for each in chart["rows"] if str(each["day"]).startswith(str(LAST)))
            seen[chart["name"]] = next(value for name, value in row.items() if name != "day")
    known = {label: value for label, value in numbers["query"].items() if value is not None}
    assert len(known) > 20
    assert {label: seen[label] for label in known} == known
