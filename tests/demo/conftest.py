"""A real embedded engine for the demo's SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest

from assay.demo import statements


class Engine:
    """A chDB client with the two verbs that the tests need."""

    def __init__(self, path: Path) -> None:
        self.client = clickhouse_connect.get_client(interface="chdb", path=str(path))

    def build(self, **arguments: Any) -> None:
        for statement in statements(**arguments):
            self.client.command(statement.sql)

    def rows(self, sql: str) -> list[Any]:
        return list(self.client.query(sql).result_rows)

    def row(self, sql: str) -> Any:
        (only,) = self.rows(sql)
        return only


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("demo"))
    yield engine
    engine.client.close()
