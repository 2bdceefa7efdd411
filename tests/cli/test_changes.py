"""What happens to stored numbers when definitions change, and to files that are not ours."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay.cli.main import main
from assay.engine import connect, parse_dsn
from assay.statement import Insert, Statement

pytestmark = pytest.mark.warehouse


SOURCES = """\
sources:
  events:
    table: events
    time: time
    entities: {user: user_id}
    dimensions: {action: action}
    columns: {user_id: UInt64, time: "DateTime('UTC')", action: String}
metrics:
  total: {type: count, source: events}
  users: {type: unique, source: events, of: user}
"""
DAYS = ("--from", "2025-03-01", "--to", "2025-03-03")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two days of 10 events each, built."""
    (tmp_path / "metrics").mkdir()
    (tmp_path / "project.yaml").write_text("name: p\nwarehouse: {dsn: chdb://target/warehouse}\n")
    (tmp_path / "metrics" / "all.yaml").write_text(SOURCES)
    times = [datetime(2025, 3, 1, tzinfo=UTC) + timedelta(hours=2.4 * n) for n in range(20)]
    with connect(parse_dsn("chdb://target/warehouse", tmp_path)) as engine:
        columns = "user_id UInt64, time DateTime('UTC'), action String"
        engine.run(Statement(f"CREATE TABLE events ({columns}) ENGINE = MergeTree ORDER BY time", "t", writes=True))
        data = {"user_id": list(range(20)), "time": times, "action": ["a", "b"] * 10}
        engine.run(Insert("events", data, "load", "once"))
    call(tmp_path, "run", *DAYS)
    return tmp_path


def call(project: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, [*arguments, "--project", str(project)])
    assert result.exit_code == code, result.output
    return result.output


def rows(project: Path, *arguments: str) -> list[dict[str, Any]]:
    found = json.loads(call(project, "query", *arguments, *DAYS, "--format", "json"))
    return list(found["rows"])


def edit(project: Path, old: str, new: str) -> None:
    path = project / "metrics" / "all.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_renamed_source_is_built_anew_and_counted_once(project: Path) -> None:
    edit(project, "  events:\n", "  stream:\n")
    edit(project, "source: events", "source: stream")
    assert [row["value"] for row in rows(project, "total")] == [None, None], "nothing is stored for it yet"
    call(project, "run", *DAYS)
    assert [row["value"] for row in rows(project, "total")] == [10, 10]


def test_a_new_dimension_is_not_stored_rather_than_zero(project: Path) -> None:
    edit(project, "{action: action}", "{action: action, odd: user_id % 2}")
    call(project, "run", "--from", "2025-03-02", "--to", "2025-03-03")
    found = {(row["time"], row["by"]["odd"]): row["value"] for row in rows(project, "total", "--by", "odd")}
    first, second = "2025-03-01", "2025-03-02"
    assert found == {(first, "0"): None, (first, "1"): None, (second, "0"): 5, (second, "1"): 5}


def test_a_missing_source_leaves_the_others(project: Path) -> None:
    gone = "  gone: {table: gone, time: time, entities: {user: id}}\n"
    edit(project, "metrics:\n", gone + "metrics:\n  lost: {type: count, source: gone}\n")
    said = call(project, "run", code=5)
    assert "E506" in said
    assert [row["value"] for row in rows(project, "total")] == [10, 10]


def test_the_site_replaces_only_sites(project: Path) -> None:
    precious = project / "out" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    assert "holds something else" in call(project, "site", "build", "--out", str(precious.parent), code=2)
    assert precious.read_text() == "mine"
    for _ in range(2):
        call(project, "site", "build", "--out", str(project / "site"))
    assert (project / "site" / "index.html").exists()
    assert [each.name for each in project.iterdir() if each.name.startswith(".site")] == []


def test_the_demo_never_clears_a_project(project: Path) -> None:
    (project / "project.yaml").write_text("name: p\ntarget: .\nwarehouse: {dsn: chdb://target/warehouse}\n")
    assert "does not write" in call(project, "demo", code=2)
    assert (project / "metrics" / "all.yaml").exists()


def test_a_query_before_the_first_run_says_what_to_do(project: Path) -> None:
    shutil.rmtree(project / "target")
    said = call(project, "query", "total", *DAYS, code=3)
    assert "E511" in said
    assert "platform run" in said


def test_a_date_is_no_time(project: Path) -> None:
    edit(project, "time: time\n", "time: day\n")
    edit(project, "time: \"DateTime('UTC')\"", "day: Date")
    assert "which is no moment" in call(project, "validate", code=1)
