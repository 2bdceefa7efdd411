from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from assay.engine import Dsn, Engine, connect, parse_dsn
from assay.statement import Statement

PASSWORD = "s3c:r/t@#%"
_NUMBERS = count()


class Server:
    """The loopback server of http_server.py in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("http_server.py")), str(folder), PASSWORD]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin
        assert self._process.stdout
        self._stop = self._process.stdin.close
        self.port = int(self._process.stdout.readline())

    def dsn(self, password: str = PASSWORD) -> Dsn:
        return parse_dsn(f"clickhouse://default:{quote(password, safe='')}@127.0.0.1:{self.port}/default")

    def fault(self, kind: str, match: str, times: int = 1) -> None:
        """Order a fault for the next `times` queries that contain `match`."""
        self._get(f"fault?kind={kind}&times={times}&match={quote(match)}")

    def executed(self, match: str) -> int:
        """How many queries with this text reached the engine."""
        return sum(match in sql for sql in json.loads(self._get("log")))

    def _get(self, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.port}/{path}") as answer:
            return bytes(answer.read())

    def close(self) -> None:
        self._stop()
        self._process.wait(30)
        assert self._process.stdout
        self._process.stdout.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server") / "data")
    yield started
    started.close()


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
