"""`doctor`: is this machine, this project and its warehouse in order? Leaves definitions and tables alone."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from assay.config.base import show_duration
from assay.engine import Engine
from assay.errors import AssayError
from assay.jobs.context import Context
from assay.jobs.storage.source_states import extent
from assay.project import Project
from assay.statement import Statement

_LEAST_DISK = 1 << 30  # bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and what it saw."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str


def examine(folder: Path, now: datetime) -> list[Finding]:
    """Every check; one that needs what an earlier one found missing is left out."""
    found = [_python(), _packages(), _disk(folder)]
    try:
        project = Project.load(folder)
    except AssayError as error:
        return [*found, _failed("project", error)]
    defined = f"{len(project.catalog.definitions)} definitions in {project.root}"
    return [*found, Finding("project", "ok", defined), *_warehouse(project, now), *_airflow(project, now)]


def _airflow(project: Project, now: datetime) -> Iterator[Finding]:
    """Airflow's part stands beside its DAGs; nothing here imports dag_factory."""
    found: Iterator[Finding] = import_module("dag_factory.doctor").examine(project, now)
    return found


def _python() -> Finding:
    have = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok" if sys.version_info >= (3, 11) else "fail", f"{have}, 3.11 or newer is needed")


def _packages() -> Finding:
    names = ("clickhouse-connect", "chdb", "numpy", "scipy", "pydantic")
    missing = [name for name in names if _version(name) is None]
    if missing:
        return Finding("packages", "fail", f"missing: {', '.join(missing)}")
    return Finding("packages", "ok", ", ".join(f"{name} {_version(name)}" for name in names))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    return Finding("disk", "ok" if free > _LEAST_DISK else "warn", f"{free / 2**30:.1f} GiB free")


def _failed(name: str, error: AssayError) -> Finding:
    first = error.diagnostics[0]
    return Finding(name, "fail", f"{first.code} {first.message} Fix: {first.fix}")


def _warehouse(project: Project, now: datetime) -> Iterator[Finding]:
    """Opening it shows address, lock and version; then every source's table is looked at."""
    try:
        with project.open(now, wait=1.0) as context:
            answer = context.engine.run(Statement("SELECT version()", "ask for the version")).scalar()
            yield Finding("warehouse", "ok", f"{project.dsn}, ClickHouse {answer}")
            if project.cluster:
                yield cluster(context.engine, project.cluster.name)
            yield from (_source(context, name) for name in project.catalog.definitions.sources)
    except AssayError as error:
        yield _failed("warehouse", error)


def cluster(engine: Engine, name: str) -> Finding:
    """Whether every node of a cluster answers, and says by its macros which shard and which copy of it it is."""
    known = "SELECT shard_num, count() FROM system.clusters WHERE cluster = {name:String} GROUP BY shard_num"
    shards = engine.run(Statement(known, "count shards", {"name": name})).rows
    if not shards:
        return Finding("cluster", "fail", f"no cluster '{name}' in system.clusters")
    sql = f"""SELECT node, anyIf(substitution, macro = 'shard'), anyIf(substitution, macro = 'replica')
FROM (
  SELECT concat(hostName(), ':', toString(tcpPort())) AS node, macro, substitution
  FROM clusterAllReplicas('{name}', system.macros)
) GROUP BY node"""  # noqa: S608 - a checked name
    places = [(shard, replica) for _, shard, replica in engine.run(Statement(sql, "read macros")).rows]
    nodes = sum(count for _, count in shards)
    shape = f"{name}: {len(shards)} shards, {nodes} nodes"
    if len(set(places)) < nodes or any(not part for place in places for part in place):
        told = f"the macros {{shard}} and {{replica}} name {len(set(places))} places: {sorted(places)}"
        return Finding("cluster", "fail", f"{shape}; {told}. Give each node its own in the server's configuration")
    return Finding("cluster", "ok", shape)


def _source(context: Context, name: str) -> Finding:
    try:
        found = extent(context, name)
    except AssayError as error:
        return _failed(f"source {name}", error)
    seen = f"{found.rows:,} rows, {found.first} to {found.last}"
    fresh = context.catalog.source(name).spec.freshness
    if fresh is not None and context.now - found.newest > fresh:
        return Finding(f"source {name}", "warn", f"{seen}; the newest is older than {show_duration(fresh)}")
    return Finding(f"source {name}", "ok", seen)
