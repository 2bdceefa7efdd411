"""Shared fixtures: an embedded warehouse with small projects in it, and the demo project with its data.

One process opens one embedded folder at a time, so whoever opens one closes it with its module.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from assay.demo.events import FIRST_DAY, LAST_DAY
from assay.demo.project import copy_to
from assay.engine import Dsn, Engine, connect
from assay.jobs.context import Context
from assay.jobs.outputs import demo
from assay.jobs.runs import materialize
from assay.project import Project
from assay.statement import Insert, Statement
from tests.engine.serving import serving

SCALE = 0.02
settings.register_profile("default", deadline=None)  # a busy machine is no defect
settings.register_profile(
    "check", max_examples=20, deadline=None
)  # for `make check`; the whole suite takes hypothesis' own number
AFTER_ALL = datetime(2026, 1, 1, tzinfo=UTC)


# Of the tests with a warehouse, those that tell most and stay in `make check`.
_TELLING = ("test_jobs_query.py", "test_jobs_experiment.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules with long tests first: a long one that comes last leaves the other cores idle."""
    for item in items:
        if "lab_folder" in getattr(item, "fixturenames", ()) and item.path.name not in _TELLING:
            item.add_marker("warehouse")
    longest = dict[str, float]()
    for item in items:
        longest[item.path.name] = max(longest.get(item.path.name, 0), _length(item))
    items.sort(key=lambda item: -longest[item.path.name])


def _length(item: pytest.Item) -> float:
    timeout = item.get_closest_marker("timeout")
    return timeout.args[0] if timeout else 1.0 * bool(item.get_closest_marker("slow"))


class Shop:
    """A small project over tables of its own; `RAW` in its YAML stands for the database of the tables."""

    def __init__(self, context: Context, raw: str) -> None:
        self.context, self.raw = context, raw

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return list(self.context.engine.run(Statement(sql.replace("RAW", self.raw), "test", parameters)).rows)

    def write(self, sql: str) -> None:
        self.context.engine.run(Statement(sql.replace("RAW", self.raw), "test", writes=True))

    def load(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
        if columns:
            self.context.engine.run(Insert(f"{self.raw}.{table}", columns, "load", f"{self.raw}-{next(_NUMBERS)}"))

    def at(self, now: datetime) -> Context:
        """The same project at another time."""
        return replace(self.context, now=now)


class Lab:
    """Makes shops: each has two fresh databases in one embedded warehouse."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder

    def shop(
        self, files: Mapping[str, str], tables: Mapping[str, str], timezone: str = "UTC", now: datetime = AFTER_ALL
    ) -> Shop:
        """`files`: path: YAML. `tables`: name: columns."""
        number = next(_NUMBERS)
        raw, root = f"raw_{number}", self.folder / f"shop_{number}"
        settings = f"name: shop\ntimezone: {timezone}\nwarehouse: {{dsn: chdb://unused, database: assay_{number}}}\n"
        for path, text in {"project.yaml": settings, **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text.replace("RAW", raw), encoding="utf-8")
        shop = Shop(Context(Project.load(root).catalog, self.engine, now), raw)
        shop.write("CREATE DATABASE RAW")
        for name, columns in tables.items():
            shop.write(f"CREATE TABLE RAW.{name} ({columns}) ENGINE = MergeTree ORDER BY tuple()")
        return shop


_NUMBERS = count()


@pytest.fixture(scope="module")
def lab_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab(lab_folder: Path) -> Iterator[Lab]:
    """A warehouse for small projects; ASSAY_TEST_ENGINE=http puts it on a server."""
    if os.environ.get("ASSAY_TEST_ENGINE") == "http":
        with serving(lab_folder / "served") as server, connect(server.dsn()) as engine:
            yield Lab(engine, lab_folder)
        return
    with connect(Dsn(path=lab_folder / "warehouse")) as engine:
        yield Lab(engine, lab_folder)


def make_events(folder: Path, scale: float) -> Project:
    """The demo project with its events, and nothing built."""
    copy_to(folder)
    project = replace(Project.load(folder), environ={})
    with project.open(AFTER_ALL) as context:
        demo.generate(context, scale)
    return project


def make_demo(folder: Path, scale: float) -> Project:
    """The demo project with its events and stored metrics."""
    project = make_events(folder, scale)
    with project.open(AFTER_ALL) as context:
        materialize.run(context, start=FIRST_DAY, end=LAST_DAY + timedelta(days=1))
    return project


def _own_copy(factory: pytest.TempPathFactory, name: str, scale: float) -> Project:
    """The demo as one of the test processes builds it, copied for each: building takes half a minute of computing."""
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / name).exists():
            make_demo(base / f"{name}.making", scale)
            (base / f"{name}.making").rename(base / name)
    own = factory.mktemp(name) / "project"
    shutil.copytree(base / name, own, symlinks=True)
    return replace(Project.load(own), environ={})


@pytest.fixture(scope="session")
def demo_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo at a small scale; closed, so that each module may open it."""
    return _own_copy(tmp_path_factory, "demo", SCALE)


@pytest.fixture(scope="session")
def big_demo_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo at its default scale, 0.1, for slow tests."""
    return _own_copy(tmp_path_factory, "big_demo", 0.1)
