"""A password and a token are in no output, no file and no trace of an error; a hostile warehouse cannot change that."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay.cli.main import main
from assay.engine import faults
from assay.errors import AssayError
from assay.project import Project
from assay.report.text import table
from assay.statement import Statement
from dag_factory import address, runtime
from dag_factory.compile import compile_dags

CANARY = "secret-canary"
DSN = f"clickhouse://me:{CANARY}@127.0.0.1:1/db"
BASE = """
sources:
  feed: {table: feed, time: time, entities: {user: user_id}}
metrics:
  views: {type: count, source: feed}
"""
# How the password comes to the project: project.yaml, and the environment.
WAYS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "of the environment": ("chdb://target/x", {"ASSAY_DSN": DSN}),
    "by a reference": ("clickhouse://me:${CANARY}@127.0.0.1:1/db", {"CANARY": CANARY}),
    "written down": (DSN, {}),
}
COMMANDS = (
    "validate",
    "validate --format json",
    "validate --format short",
    "list",
    "list metrics",
    "show views",
    "doctor",
    "doctor --format json",
    "plan",
    "run --from 2025-01-01 --to 2025-01-02",
    "query views --from 2025-01-01 --to 2025-01-02",
    "query views --from 2025-01-01 --to 2025-01-02 --format json",
    "site build",
    "dags compile",
    "schema",
)


@pytest.fixture(params=WAYS)
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    dsn, environ = WAYS[request.param]
    monkeypatch.delenv("ASSAY_DSN", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "project.yaml").write_text(f"name: t\nwarehouse: {{dsn: '{dsn}', timeout: 1}}\n")
    (tmp_path / "metrics" / "all.yaml").write_text(BASE)
    return tmp_path


def test_no_command_tells_the_password(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for command in COMMANDS:
        words = command.split()
        done = CliRunner().invoke(main, words if words[0] == "schema" else [*words, "--project", str(root)])
        assert CANARY not in done.output, command
        assert CANARY not in "".join(_trace(done.exception)), command
    assert CANARY not in caplog.text


def _trace(error: BaseException | None) -> Iterator[str]:
    """A whole trace, with every cause."""
    yield from traceback.format_exception(error) if error else ()


def test_no_file_holds_the_password_but_copies_of_the_definitions(root: Path) -> None:
    compile_dags(root)
    CliRunner().invoke(main, ["validate", "--project", str(root)])
    written = [each for each in (root / "target").rglob("*") if each.is_file() and each.name != "project.yaml"]
    assert len(written) > 3
    assert not [each for each in written if CANARY.encode() in each.read_bytes()]


def test_a_project_is_shown_without_it(root: Path) -> None:
    project = Project.load(root)
    assert CANARY not in f"{project.dsn} {project.dsn!r} {project!r}"
    with pytest.raises(AssayError) as caught, project.open(datetime(2026, 1, 1, tzinfo=UTC)):
        pass
    assert CANARY not in "".join(_trace(caught.value))


def test_a_connection_of_airflow_is_told_without_it(root: Path) -> None:
    settings = (root / "project.yaml").read_text() + "airflow: {connection: warehouse}\n"
    (root / "project.yaml").write_text(settings)
    parts = {"conn_type": "clickhouse", "host": "127.0.0.1", "port": 1, "login": "me", "password": CANARY}

    def find(_name: str) -> dict[str, Any]:
        return {**parts, "schema": "", "extra": {}}

    manifest = compile_dags(root).manifest
    project = runtime.open_project(root, manifest.inputs, find)
    assert CANARY in address.dsn("warehouse", find)
    assert CANARY not in f"{project.dsn} {project.dsn!r}"
    broken = {**parts, "conn_type": CANARY, "schema": None, "extra": {}}
    with pytest.raises(AssayError):
        address.dsn("warehouse", lambda _: broken)


ANSWERS = {
    "an escape sequence": "\x1b[2J all is well",
    "another diagnostic": "a\nmetrics/b.yaml:1:1: E001 forged",
    "four megabytes": "x" * 4_000_000,
    "the address with its password": f"cannot connect to http://me:{CANARY}@host:8123/",
    "tags": "<script>alert(1)</script>",
}


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS)
def test_what_a_hostile_warehouse_answers_is_told_harmlessly(text: str) -> None:
    told = str(faults.translate(RuntimeError(f"Code: 62. DB::Exception: {text} (SYNTAX_ERROR)"), Statement("", "ask")))
    assert CANARY not in told
    assert "\x1b" not in told
    assert told.count("\n") == 2
    assert len(told) < 2_000


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS)
def test_what_a_hostile_warehouse_returns_is_shown_in_one_line(text: str) -> None:
    told = table(("city", "events"), [(text, 1)])
    assert "\x1b" not in told
    assert told.count("\n") == 3
    assert len(told) < 5_000
