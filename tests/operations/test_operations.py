"""Limits, the pause, status, retention, the layout of our tables and a back-up, on a small shop."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from assay.cli.main import main
from assay.compiler import migrations
from assay.config.limits import Limits, Retention
from assay.errors import UsageError, WarehouseError
from assay.jobs.alerts import alerting
from assay.jobs.forecasts import running
from assay.jobs.operations.retention import gc
from assay.jobs.operations.status import status
from assay.jobs.outputs.boards import wide
from assay.jobs.outputs.contracts import SCHEMAS
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.jobs.storage import layout, pauses
from assay.project import Project
from assay.statement import Statement
from tests.conftest import Lab, Shop

NOW = datetime(2025, 3, 6, 1, tzinfo=UTC)
FIRST, END = date(2025, 3, 1), date(2025, 3, 6)
EVENTS = """sources:
  app: {table: RAW.events, time: at, entities: {user: user_id}, freshness: 2d%s}
metrics:
  views: {type: count, source: app}
"""
ROWS = [
    {"at": datetime(2025, 3, day, hour, tzinfo=UTC), "user_id": user}
    for day in range(1, 6) for hour in range(4) for user in range(day * 3)
]  # fmt: skip
VIEWS = {date(2025, 3, day): 12 * day for day in range(1, 6)}


def make(lab: Lab, extra: str = "") -> Shop:
    shop = lab.shop({"metrics/a.yaml": EVENTS % extra}, {"events": "at DateTime('UTC'), user_id UInt64"}, now=NOW)
    shop.load("events", ROWS)
    return shop


@pytest.fixture(scope="module")
def shop(lab: Lab) -> Shop:
    made = make(lab)
    materialize.run(replace(made.context, environ={"USER": "ann"}), (), FIRST, END)
    return made


def views(shop: Shop) -> dict[date, float | None]:
    return {row.time: row.value for row in query(shop.context, ["views"], FIRST, END)}


def code(error: pytest.ExceptionInfo[UsageError] | pytest.ExceptionInfo[WarehouseError]) -> str:
    return error.value.diagnostics[0].code


def test_limits_become_settings() -> None:
    assert Limits(rows=7, memory="2GB", seconds=3).settings == {
        "max_rows_to_read": 7,
        "max_memory_usage": 2 * 10**9,
        "max_execution_time": 3,
    }
    assert Limits().settings == {}


def test_a_source_that_reads_too_much_is_stopped_at_its_line(lab: Lab) -> None:
    small = make(lab, ", limits: {rows: 50}")  # 180 rows are there
    with pytest.raises(WarehouseError) as error:
        materialize.run(small.context, (), FIRST, END)
    found = error.value.diagnostics[0]
    assert (found.code, found.location and found.location.path) == ("E515", "metrics/a.yaml")
    assert "limits.rows" in found.fix
    assert small.rows(f"SELECT count() FROM {small.context.database}.measure_states") == [(0,)]


STOPPED = [
    ({"max_rows_to_read": 10}, "E515"),
    ({"max_memory_usage": 10**6}, "E515"),
    ({"max_execution_time": 0.1}, "E509"),
]


@pytest.mark.parametrize(("settings", "wanted"), STOPPED)
def test_each_limit_stops_its_statement(shop: Shop, settings: dict[str, float], wanted: str) -> None:
    sql = "SELECT uniqExact(number, sleep(0.01)) FROM numbers(2000000) SETTINGS max_block_size = 1000"
    with pytest.raises(WarehouseError) as error:
        shop.context.engine.run(Statement(sql, "test", settings=settings))
    assert code(error) == wanted


def test_a_run_that_would_read_too_much_does_not_begin(lab: Lab) -> None:
    fresh = make(lab)
    with pytest.raises(UsageError) as error:
        materialize.run(fresh.context, (), FIRST, END, most=100)
    assert code(error) == "E515"
    assert "180 rows" in str(error.value)
    assert fresh.rows(f"SELECT count() FROM {fresh.context.database}.builds") == [(0,)]
    assert materialize.run(fresh.context, (), FIRST, END, most=180).ok


def test_a_pause_stops_runs_and_alerts_and_a_resume_lets_them_go_on(shop: Shop) -> None:
    pauses.pause(shop.context, "a bad load")
    later = replace(shop.context, now=NOW + timedelta(minutes=1))
    for work in (
        lambda: materialize.run(shop.context),
        lambda: alerting.check(shop.context, NOW),
        lambda: gc(later, drop=True),
        lambda: running.run(shop.context),
        lambda: wide.refresh_all(shop.context, []),
    ):
        with pytest.raises(UsageError, match="a bad load") as error:
            work()
        assert code(error) == "E516"
    assert views(shop) == VIEWS  # what is stored is still read
    assert status(shop.context).paused is not None
    pauses.resume(later)
    assert materialize.run(shop.context, (), FIRST, END).ok
    assert status(shop.context).paused is None


def test_status_tells_freshness_runs_and_costs(shop: Shop) -> None:
    found = status(shop.context)
    answer = json.loads(json.dumps({"schema": 1, **found.as_dict()}, allow_nan=False))
    Draft202012Validator(SCHEMAS["status"]).validate(answer)
    (app,) = found.sources
    assert (app["days"], app["first"], app["last"], app["fresh"]) == (5, "2025-03-01", "2025-03-05", True)
    assert found.runs[-1]["who"] in ("ann", "unknown")
    assert [each["name"] for each in found.costs] == ["app:1d"]
    (late,) = status(shop.at(NOW + timedelta(days=2))).sources
    assert late["fresh"] is False


def test_gc_shows_then_drops_what_nobody_defines(lab: Lab) -> None:
    old = make(lab)
    materialize.run(old.context, (), FIRST, END)
    path = old.context.root / "metrics/a.yaml"
    path.write_text(path.read_text().replace("app", "web"), encoding="utf-8")
    catalog = Project.load(old.context.root).catalog
    project = catalog.definitions.project.model_copy(update={"retention": Retention(steps="1d")})
    catalog = replace(catalog, definitions=replace(catalog.definitions, project=project))
    now = replace(old.context, catalog=catalog, now=NOW + timedelta(days=3))
    shown = gc(now)
    assert [(each.what, each.rows) for each in shown] == [("app 1d", 5), ("run_steps", 1)]
    assert all(each.bytes > 0 for each in shown)
    assert gc(now) == shown  # a look changes nothing
    gc(now, drop=True)
    assert gc(now) == []
    assert old.rows(f"SELECT count() FROM {now.database}.measure_states") == [(0,)]
    assert old.rows(f"SELECT count() FROM {now.database}.run_steps") == [(0,)]


def test_an_older_layout_is_brought_forward_with_the_same_numbers(lab: Lab) -> None:
    old = make(lab)
    materialize.run(old.context, (), FIRST, END)
    old.write(f"ALTER TABLE {old.context.database}.builds DROP COLUMN seen")
    old.write(f"DROP TABLE {old.context.database}.schema_version")
    layout.migrate(old.context)
    assert views(old) == VIEWS
    assert old.rows(f"SELECT max(version) FROM {old.context.database}.schema_version") == [(migrations.NEWEST,)]
    layout.migrate(old.context)  # again is nothing
    old.write(f"INSERT INTO {old.context.database}.schema_version (version) VALUES ({migrations.NEWEST + 1})")
    with pytest.raises(WarehouseError, match="Update Assay") as error:
        materialize.run(old.context)
    assert code(error) == "E517"


PROJECT = "name: shop\nwarehouse: {dsn: 'chdb://warehouse'}\n"


def test_a_copy_of_the_closed_folder_brings_everything_back(tmp_path: Path, shop: Shop) -> None:
    """The commands of docs/operations.md, on a folder of its own in a process of its own."""
    import os
    import subprocess
    import sys

    (tmp_path / "metrics").mkdir()
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "metrics/a.yaml").write_text(EVENTS.replace("RAW", "raw").replace(", freshness: 2d", "") % "")

    def run(*words: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "USER": "ann"}
        program = [sys.executable, "-c", "from assay.cli.main import main; main()", *words, "-p", str(tmp_path)]
        done = subprocess.run(program, capture_output=True, text=True, env=environ, check=False)
        assert (done.returncode == 0) is ok, done.stderr
        return done

    seed = f"""
from assay.engine import Dsn, connect
from assay.statement import Statement
from pathlib import Path
with connect(Dsn(path=Path({str(tmp_path / "warehouse")!r}))) as engine:
    for sql in ("CREATE DATABASE raw",
                "CREATE TABLE raw.events (at DateTime('UTC'), user_id UInt64) ENGINE = MergeTree ORDER BY at",
                "INSERT INTO raw.events SELECT toDateTime(1740787200 + number * 3600), number FROM numbers(48)"):
        engine.run(Statement(sql, "seed", writes=True))
"""
    subprocess.run([sys.executable, "-c", seed], check=True)
    built = run("--log", "json", "run")
    logged = [json.loads(line) for line in built.stderr.splitlines() if line.startswith("{")]
    assert {"build app 1d", "record a build"} <= {each["purpose"] for each in logged}
    assert all(each.keys() == {"purpose", "origin", "status", "seconds", "rows", "query_id"} for each in logged)
    asked = ("query", "views", "--from", "2025-03-01", "--to", "2025-03-03", "--format", "json")
    before = run(*asked).stdout
    subprocess.run(["cp", "-a", tmp_path / "warehouse", tmp_path / "backup"], check=True)
    shutil.rmtree(tmp_path / "warehouse")
    run(*asked, ok=False)
    shutil.rmtree(tmp_path / "warehouse", ignore_errors=True)
    subprocess.run(["cp", "-a", tmp_path / "backup", tmp_path / "warehouse"], check=True)
    assert run(*asked).stdout == before
    run("pause", "--reason", "a test")
    assert "E516" in run("run", ok=False).stderr
    run("resume")
    for words, name in ((("status",), "status"), (("gc",), "gc")):
        answer = json.loads(run(*words, "--format", "json").stdout)
        Draft202012Validator(SCHEMAS[name]).validate(answer)


def test_help_names_the_commands() -> None:
    told = CliRunner().invoke(main, ["--help"]).output
    assert all(name in told for name in ("status", "pause", "resume", "gc", "--log"))
