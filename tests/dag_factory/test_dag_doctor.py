"""What `platform doctor` says about Airflow: with a database like Airflow's where Airflow is installed, and without."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from assay.project import Project
from dag_factory import doctor, store
from dag_factory.compile import compile_dags

Change = Callable[[str, str, str], None]
SETTINGS = "project.yaml"
INSTALLED = find_spec("airflow") is not None


def found(root: Path, now: datetime | None = None) -> dict[str, tuple[str, str]]:
    findings = doctor.examine(Project.load(root), now or datetime.now(UTC))
    return {each.name: (each.status, each.detail) for each in findings}


@pytest.fixture
def without_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda: None)


def test_a_project_that_does_not_use_airflow(shop: Path, change: Change) -> None:
    change(SETTINGS, "airflow:\n  route: team\n", "")
    assert found(shop) == {}
    compile_dags(shop)
    assert found(shop)["manifest"][0] == "ok"


def test_nothing_was_compiled_yet(shop: Path) -> None:
    assert found(shop)["manifest"][0] == "fail"
    assert "platform dags compile" in found(shop)["manifest"][1]


@pytest.mark.usefixtures("without_airflow")
def test_without_airflow_it_says_what_it_left_out(shop: Path) -> None:
    compile_dags(shop)
    assert found(shop).keys() == {"manifest", "airflow"}
    assert found(shop)["airflow"][0] == "warn"
    assert "pools" in found(shop)["airflow"][1]


@pytest.mark.usefixtures("without_airflow")
def test_a_manifest_that_is_older_than_the_definitions(shop: Path, change: Change) -> None:
    compile_dags(shop)
    change("metrics/metrics.yaml", "type: count, source: visits", "type: count, source: visits, label: Seen")
    status, detail = found(shop)["manifest"]
    assert (status, "have changed since they were compiled" in detail) == ("fail", True)


@pytest.mark.usefixtures("without_airflow")
def test_stale_dags_and_damaged_ones(shop: Path, change: Change) -> None:
    compile_dags(shop)
    change("alerts/alerts.yaml", "every: 1h", "every: 45m")  # right for people, not for Airflow
    sha = compile_dags(shop).manifest.sha
    answer = found(shop)
    assert "alerts/alerts.yaml:10:47: E802" in answer["manifest"][1]
    assert answer["stale DAGs"] == ("warn", "alerts__1h run with definitions that were right before")
    store.shard_file(shop, sha, "maintenance").unlink()
    assert "'maintenance' is damaged" in found(shop)["manifest"][1]


@pytest.mark.usefixtures("without_airflow")
def test_a_manifest_from_tomorrow(shop: Path) -> None:
    compile_dags(shop)
    assert found(shop, datetime.now(UTC) - timedelta(days=1))["clock"][0] == "fail"


@pytest.mark.parametrize(("number", "status"), [("3.3.0", "ok"), ("3.2.9", "fail"), ("2.11.0", "fail")])
def test_versions(shop: Path, monkeypatch: pytest.MonkeyPatch, number: str, status: str) -> None:
    compile_dags(shop)
    monkeypatch.setattr(doctor, "_version", lambda: number)
    monkeypatch.setattr(doctor, "_database", lambda *_: iter(()))
    assert found(shop)["airflow"][0] == status


needs_airflow = [
    pytest.mark.airflow,
    pytest.mark.skipif(not INSTALLED, reason="needs the airflow extra"),
]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tables of Airflow's database that are asked, and nothing else of Airflow."""
    path = tmp_path / "airflow.db"
    with sqlite3.connect(path) as written:
        written.execute("CREATE TABLE slot_pool (pool TEXT, slots INTEGER)")
        written.execute("CREATE TABLE job (hostname TEXT, latest_heartbeat TEXT, job_type TEXT, state TEXT)")
    written.close()
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{path}")
    return path


def write(path: Path, sql: str, *values: object) -> None:
    with sqlite3.connect(path) as database:
        database.execute(sql, values)
    database.close()


class TestWithAirflow:
    pytestmark = needs_airflow

    def test_its_version(self, shop: Path) -> None:
        compile_dags(shop)
        assert found(shop)["airflow"] == ("ok", f"{version('apache-airflow-core')}, 3.3.x is supported")

    def test_pools(self, shop: Path, database: Path) -> None:
        compile_dags(shop)
        assert "wait for ever" in found(shop)["pool chdb"][1]
        for slots, status in ((0, "fail"), (1, "ok"), (4, "warn")):
            write(database, "DELETE FROM slot_pool")
            write(database, "INSERT INTO slot_pool VALUES ('chdb', ?)", slots)
            assert found(shop)["pool chdb"][0] == status

    def test_schedulers_of_two_machines_on_an_embedded_engine(self, shop: Path, database: Path) -> None:
        compile_dags(shop)
        now = datetime.now(UTC)
        assert found(shop, now)["scheduler"][0] == "warn"
        beat = "INSERT INTO job VALUES (?, ?, 'SchedulerJob', 'running')"
        write(database, beat, "one", str(now))
        write(database, beat, "old", str(now - timedelta(hours=1)))
        assert found(shop, now)["scheduler"] == ("ok", "alive on one")
        write(database, beat, "two", str(now))
        assert found(shop, now)["scheduler"] == ("fail", "one, two would share an embedded engine. Fix: use a server")
        assert found(shop, now)["clock"][0] == "ok"

    def test_a_database_without_airflows_tables(self, shop: Path, database: Path) -> None:
        compile_dags(shop)
        database.unlink()
        assert "airflow db migrate" in found(shop)["pools"][1]

    @pytest.mark.usefixtures("database")
    def test_a_clock_that_is_wrong(self, shop: Path) -> None:
        compile_dags(shop)
        assert found(shop, datetime.now(UTC) + timedelta(hours=1))["clock"][0] == "fail"

    def test_connections(self, shop: Path, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
        change(SETTINGS, "route: team", "route: team\n  connection: house")
        compile_dags(shop)
        monkeypatch.delenv("AIRFLOW_HOME", raising=False)
        for text, status in (
            ("clickhouse://ann:secret@ch:8123/shop", "ok"),
            ("mysql://ann:secret@ch/shop", "fail"),
            ('{"conn_type": "clickhouse", "extra": {"interface": "chdb", "path": "/data"}}', "fail"),  # four slots
        ):
            monkeypatch.setenv("AIRFLOW_CONN_HOUSE", text)
            state, detail = found(shop)["connection"]
            assert (state, "secret" in detail) == (status, False)
