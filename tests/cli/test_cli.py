"""Every command on a small warehouse of its own: texts, JSON, exit codes, and no traceback for a user's mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.warehouse

LOAD = """
import sys
from datetime import UTC, datetime, timedelta
from assay.engine import connect, parse_dsn
from assay.statement import Insert, Statement

first = datetime(2025, 3, 1, tzinfo=UTC)
times = [first + timedelta(minutes=7 * n) for n in range(2000)]
columns = {
    "user_id": [n % 37 for n in range(2000)],
    "time": times,
    "action": ["view" if n % 3 else "like" for n in range(2000)],
    "country": ["fi" if n % 5 else "se" for n in range(2000)],
}
with connect(parse_dsn(sys.argv[1])) as engine:
    engine.run(Statement(
        "CREATE TABLE events (user_id UInt64, time DateTime('UTC'), action String, country String) "
        "ENGINE = MergeTree ORDER BY (user_id, time) SETTINGS non_replicated_deduplication_window = 10",
        "create events", writes=True))
    engine.run(Insert("events", columns, "load events", "once"))
"""


def platform(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    command = [sys.executable, "-c", "from assay.cli.main import main; main()", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return subprocess.run(command, cwd=folder, env=clean | environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made by `init`, with 2,000 events and everything built."""
    folder = tmp_path_factory.mktemp("cli") / "mine"
    assert platform("init", str(folder), folder=folder.parent).returncode == 0
    subprocess.run([sys.executable, "-c", LOAD, f"chdb://{folder}/target/warehouse"], check=True)
    built = platform("run", "--format", "json", folder=folder)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["ok"]
    return folder


def answer(project: Path, *arguments: str, code: int = 0) -> dict[str, object]:
    found = platform(*arguments, "--format", "json", folder=project)
    assert found.returncode == code, found.stderr + found.stdout
    parsed: dict[str, object] = json.loads(found.stdout)
    assert parsed["schema"] == 1
    return parsed


@pytest.mark.slow
def test_run_twice_says_the_same(project: Path) -> None:
    before = answer(project, "query", "dau", "--from", "2025-03-01", "--to", "2025-03-09")
    assert platform("run", "--from", "2025-03-01", "--to", "2025-03-09", folder=project).returncode == 0
    assert answer(project, "query", "dau", "--from", "2025-03-01", "--to", "2025-03-09") == before


@pytest.mark.slow
def test_query_formats_agree(project: Path) -> None:
    asked = ("query", "events_total", "--from", "2025-03-01", "--to", "2025-03-03")
    rows = answer(project, *asked)["rows"]
    assert isinstance(rows, list)
    values = [row["value"] for row in rows]
    assert values == [206, 206]
    table = platform(*asked, "--format", "csv", folder=project).stdout.splitlines()
    assert [line.split(",")[2] for line in table[1:]] == [str(value) for value in values]
    assert "▄▄" in platform(*asked, "--format", "sparkline", folder=project).stdout
    drawn = platform(*asked, "--chart", folder=project).stdout
    assert "206 │██" in drawn
    assert "\x1b" not in drawn, "a pipe is no terminal"
    refused = platform(*asked, "--chart", "--format", "csv", folder=project)
    assert (refused.returncode, "E601" in refused.stderr) == (2, True)


def test_list_show_and_schema(project: Path) -> None:
    assert [item["name"] for item in answer(project, "list", "metrics")["items"]] == [  # type: ignore[index, attr-defined]
        "events_total", "dau", "events_per_user",
    ]  # fmt: skip
    shown = answer(project, "show", "events_per_user")
    assert "nullIf" in shown["sql"][0]["statement"]  # type: ignore[index]
    assert json.loads(platform("schema", folder=project).stdout)["type"] == ["object", "null"]


@pytest.mark.slow
def test_alert_report_site_and_doctor(project: Path) -> None:
    checked = answer(project, "alert", "check", "--at", "2025-03-10T12:00")
    assert checked["firing"] == []
    sent = answer(project, "report", "send", "daily", "--date", "2025-03-08", "--dry-run")
    assert sent["deliveries"][0]["status"] == "sent"  # type: ignore[index]
    built = answer(project, "site", "build")
    assert Path(str(built["index"])).exists()
    assert answer(project, "doctor")["ok"]


@pytest.mark.slow
def test_report_is_sent_once(project: Path) -> None:
    first = answer(project, "report", "send", "daily", "--date", "2025-03-07")
    again = answer(project, "report", "send", "daily", "--date", "2025-03-07")
    states = [each["deliveries"][0]["status"] for each in (first, again)]  # type: ignore[index]
    assert states == ["sent", "skipped"]


MISTAKES = [
    (("query", "daus", "--from", "2025-03-01", "--to", "2025-03-02"), 2, "E201", "Did you mean 'dau'?"),
    (("query", "dau", "--by", "city", "--from", "2025-03-01", "--to", "2025-03-02"), 2, "E203", "country"),
    (("query", "dau", "--from", "2025-03-02", "--to", "2025-03-02"), 2, "E602", "half-open"),
    (("run", "nothing"), 2, "E201", "platform list sources"),
    (("run", "--from", "2025-03-05", "--to", "2025-03-05"), 2, "E602", "nothing to build"),
    (("experiment", "analyze", "x"), 2, "E201", "experiment"),
    (("alert", "check", "user_15m"), 2, "E201", "users_15m"),
    (("report", "send", "weekly"), 2, "E201", "report"),
    (("show", "dua"), 2, "E201", "dau"),
    (("explain", "E999"), 2, "E201", "closed table"),
]


@pytest.mark.parametrize(("arguments", "code", "name", "text"), MISTAKES)
def test_a_mistake_is_told_in_four_parts(
    project: Path, arguments: Sequence[str], code: int, name: str, text: str
) -> None:
    found = platform(*arguments, folder=project)
    assert found.returncode == code
    assert name in found.stderr
    assert text in found.stderr
    assert "why:" in found.stderr
    assert "fix:" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_bad_date_is_wrong_usage(project: Path) -> None:
    found = platform("query", "dau", "--from", "yesterday", "--to", "2025-03-02", folder=project)
    assert found.returncode == 2
    assert "not a date" in found.stderr


def test_a_broken_definition_stops_every_command(project: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "project.yaml").write_text("name: broken\n")
    (tmp_path / "metrics" / "m.yaml").write_text(
        "metrics:\n  ctr: {type: ratio, numerater: likes, denominator: views}\n"
    )
    for arguments in (("validate",), ("list", "metrics"), ("doctor",)):
        found = platform(*arguments, folder=tmp_path)
        assert found.returncode == (5 if arguments == ("doctor",) else 1)
        assert "Write 'numerator' instead" in found.stderr + found.stdout


def test_the_password_is_never_shown(project: Path) -> None:
    address = "clickhouse://user:hunter2@127.0.0.1:1/default"
    found = platform("query", "dau", "--from", "2025-03-01", "--to", "2025-03-02", folder=project, ASSAY_DSN=address)
    assert found.returncode == 3
    assert "E504" in found.stderr
    assert "hunter2" not in found.stderr + found.stdout


def test_init_overwrites_nothing(project: Path) -> None:
    found = platform("init", ".", folder=project)
    assert found.returncode == 2
    assert "overwritten" in found.stderr
