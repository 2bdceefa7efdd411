"""What `platform doctor` asks about Airflow: the manifest, and where Airflow is installed its version, its pools, the
Connection, its schedulers and its clock."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from assay.doctor import Finding
from assay.errors import AssayError
from assay.project import Project
from dag_factory import address, problems, store
from dag_factory.plan import EMBEDDED
from dag_factory.store import Manifest

SUPPORTED = "3.3."
ALIVE = timedelta(minutes=1)  # a scheduler beats every few seconds
SKEW = timedelta(minutes=1)  # clocks further apart than this start runs for wrong days
_NO_DATABASE = "airflow-db-not-allowed"  # what a task sees in place of Airflow's database


def examine(project: Project, now: datetime) -> Iterator[Finding]:
    """Every check of a project with an `airflow:` block or a manifest; nothing for the others."""
    used = "airflow" in project.catalog.definitions.project.model_fields_set
    if not used and not store.home(project.root).is_dir():
        return
    try:
        manifest = store.read(project.root)
    except AssayError as error:
        yield _failed("manifest", error)
        return
    yield from _manifest(project.root, manifest, now)
    yield from _airflow(project, manifest, now)


def _manifest(root: Path, manifest: Manifest, now: datetime) -> Iterator[Finding]:
    made = datetime.fromtimestamp((store.home(root) / "current").stat().st_mtime, UTC)
    stale = [each.dag_id for each in store.shards(root, manifest.sha) if each.stale]
    told = f"{len(manifest.shards)} DAGs, compiled {made:%Y-%m-%d %H:%M} UTC"
    wrong = [each.splitlines()[0] for each in problems.problems(root)]
    if wrong:
        yield Finding("manifest", "fail", f"{told}. {' '.join(wrong)} See: platform dags check")
    else:
        yield Finding("manifest", "ok", told)
    if stale:
        yield Finding("stale DAGs", "warn", f"{', '.join(stale)} run with definitions that were right before")
    if made > now + SKEW:
        yield Finding("clock", "fail", f"the manifest was compiled {made - now} after now: a clock is wrong")


def _airflow(project: Project, manifest: Manifest, now: datetime) -> Iterator[Finding]:
    found = _version()
    if found is None:
        yield Finding("airflow", "warn", "not installed here: its pools, schedulers and Connection were not looked at")
        return
    right = found.startswith(SUPPORTED)
    yield Finding("airflow", "ok" if right else "fail", f"{found}, {SUPPORTED}x is supported")
    if right and (name := project.catalog.definitions.project.airflow.connection):
        yield _connection(name, manifest)
    if right:
        yield from _database(manifest, now)


def _version() -> str | None:
    try:
        return version("apache-airflow-core")
    except PackageNotFoundError:
        return None


def _connection(name: str, manifest: Manifest) -> Finding:
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # else Airflow asks its server, as tasks do
    from dag_factory.loader import connection

    try:
        found = address.dsn(name, connection)
    except AssayError as error:
        return _failed("connection", error)
    kind = found.partition(":")[0]
    if kind == "chdb" and any(each["slots"] > 1 for each in manifest.pools):
        return Finding("connection", "fail", f"'{name}' is embedded: one task at a time. Fix: airflow: {{slots: 1}}")
    return Finding("connection", "ok", f"'{name}' is {kind}")


def _database(manifest: Manifest, now: datetime) -> Iterator[Finding]:
    """What Airflow's database says. Tasks may not look at it, and a machine without settings has none."""
    if not (os.environ.get("AIRFLOW_HOME") or os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")):
        yield Finding("pools", "warn", "AIRFLOW_HOME is not set: Airflow's database was not looked at")
        return
    from airflow.configuration import conf

    url = conf.get("database", "sql_alchemy_conn")
    if url.startswith(_NO_DATABASE):
        return
    try:
        answers = _ask(url)
    except Exception as error:  # whatever a driver raises
        reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        yield Finding("pools", "fail", f"Airflow's database cannot be read ({reason}). Fix: airflow db migrate")
        return
    yield from _pools(manifest, answers["pools"])
    yield _schedulers(manifest, answers["jobs"], now)
    yield _clock(answers["clock"], now)


def _ask(url: str) -> dict[str, Any]:
    import sqlalchemy

    with sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool).connect() as database:
        ask = sqlalchemy.text
        jobs = "SELECT hostname, latest_heartbeat FROM job WHERE job_type = 'SchedulerJob' AND state = 'running'"
        return {
            "pools": dict(iter(database.execute(ask("SELECT pool, slots FROM slot_pool")))),
            "jobs": [(host, _moment(beat)) for host, beat in database.execute(ask(jobs))],
            "clock": _moment(database.execute(ask("SELECT CURRENT_TIMESTAMP")).scalar()),
        }


def _moment(value: Any) -> datetime:
    """SQLite answers with a text; moments without a zone are UTC."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _pools(manifest: Manifest, have: Mapping[str, int]) -> Iterator[Finding]:
    """A task whose pool is missing waits for ever, and Airflow says nothing."""
    for each in manifest.pools:
        name, wanted = each["name"], each["slots"]
        fix = "Fix: platform dags pools > pools.json && airflow pools import pools.json"
        if name not in have:
            yield Finding(f"pool {name}", "fail", f"missing: its tasks would wait for ever. {fix}")
        elif have[name] < wanted:
            yield Finding(f"pool {name}", "fail", f"{have[name]} slots, {wanted} are asked for. {fix}")
        elif have[name] > wanted:
            yield Finding(f"pool {name}", "warn", f"{have[name]} slots, {wanted} are asked for. {fix}")
        else:
            yield Finding(f"pool {name}", "ok", f"{wanted} slots")


def _schedulers(manifest: Manifest, jobs: list[tuple[str, datetime]], now: datetime) -> Finding:
    """One embedded engine serves one machine: another one has other files under the same path."""
    alive = sorted({host for host, beat in jobs if now - beat < ALIVE})
    if not alive:
        return Finding("scheduler", "warn", "none has been alive in the last minute")
    if len(alive) > 1 and any(each["name"] == EMBEDDED for each in manifest.pools):
        return Finding("scheduler", "fail", f"{', '.join(alive)} would share an embedded engine. Fix: use a server")
    return Finding("scheduler", "ok", f"alive on {', '.join(alive)}")


def _clock(there: datetime, now: datetime) -> Finding:
    """Both clocks start runs; days of runs are cut by the scheduler's."""
    apart = abs(there - now)
    detail = f"{apart.total_seconds():.0f} s from that of Airflow's database"
    return Finding("clock", "ok" if apart < SKEW else "fail", detail)


def _failed(name: str, error: AssayError) -> Finding:
    first = error.diagnostics[0]
    return Finding(name, "fail", f"{first.code} {first.message} Fix: {first.fix}")
