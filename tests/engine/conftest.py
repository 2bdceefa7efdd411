from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from assay.engine import Dsn, Engine, connect
from assay.statement import Statement
from tests.engine.serving import Server, serving

_NUMBERS = count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "data") as started:
        yield started


@pytest.fixture(scope="module", params=["chdb", "clickhouse"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each kind of warehouse in turn: what holds for one must hold for the other."""
    if request.param == "clickhouse":
        dsn = request.getfixturevalue("server").dsn()
    else:
        dsn = Dsn(path=tmp_path_factory.mktemp("embedded") / "warehouse")
    with connect(dsn) as opened:
        yield opened


@pytest.fixture
def write(engine: Engine) -> Callable[[str], None]:
    return lambda sql: engine.run(Statement(sql, "test", writes=True)) and None


@pytest.fixture
def rows(engine: Engine) -> Callable[[str], list[tuple[object, ...]]]:
    return lambda sql: list(engine.run(Statement(sql, "test")).rows)


@pytest.fixture
def table(write: Callable[[str], None]) -> str:
    """A fresh table by day, with three rows on the first of May and two on the second."""
    write("CREATE DATABASE IF NOT EXISTS shop")
    name = f"shop.target_{next(_NUMBERS)}"
    write(
        f"CREATE TABLE {name} (day Date, n UInt32) ENGINE = MergeTree PARTITION BY day ORDER BY n "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    write(f"INSERT INTO {name} SELECT '2025-05-01', number FROM numbers(3)")
    write(f"INSERT INTO {name} SELECT '2025-05-02', number FROM numbers(2)")
    return name
