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
            yield from (_source(context, name) for name in project.catalog.definitions.sources)
    except AssayError as error:
        yield _failed("warehouse", error)


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
