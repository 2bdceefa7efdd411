"""Who reads cannot write, whatever the statement: in chDB, and over ClickHouse's HTTP protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from assay.engine import Dsn, Engine, connect
from assay.errors import AssayError
from assay.statement import Statement
from tests.engine.serving import serving

SHOP = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.target (a UInt8) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE shop.other (a UInt8) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO shop.target SELECT 1",
)
WRITES = (
    "CREATE DATABASE evil",
    "CREATE TABLE shop.evil (a UInt8) ENGINE = Memory",
    "CREATE TABLE shop.evil ENGINE = Memory AS SELECT 1 AS a",
    "CREATE VIEW shop.evil AS SELECT 1",
    "CREATE FUNCTION evil AS (a) -> a",
    "INSERT INTO shop.target VALUES (2)",
    "INSERT INTO shop.target SELECT 2",
    "ALTER TABLE shop.target DELETE WHERE 1",
    "ALTER TABLE shop.target DROP COLUMN a",
    "ALTER TABLE shop.target UPDATE a = 2 WHERE 1",
    "DELETE FROM shop.target WHERE 1",
    "TRUNCATE TABLE shop.target",
    "RENAME TABLE shop.target TO shop.evil",
    "EXCHANGE TABLES shop.target AND shop.other",
    "DETACH TABLE shop.target",
    "DROP TABLE shop.target",
    "DROP DATABASE shop",
    "OPTIMIZE TABLE shop.target FINAL",
    "SET readonly = 0",
    "SYSTEM STOP MERGES",
    "GRANT ALL ON *.* TO default",
    "KILL QUERY WHERE 1",
    "CREATE TEMPORARY TABLE evil (a UInt8)",
    "INSERT INTO FUNCTION file('evil.tsv', TSV, 'a UInt8') SELECT 1",
    "SELECT 1 INTO OUTFILE 'evil.tsv'",
    "SELECT 1; DROP TABLE shop.target",
)
# What `readonly` itself does not stop in an embedded engine; the guard does, before anything is sent.
_ONLY_GUARDED = ("INSERT INTO FUNCTION", "SELECT 1", "KILL", "CREATE TEMPORARY", "GRANT", "SET ", "SYSTEM")


@pytest.fixture(scope="module", params=["chdb", "clickhouse"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("least") / "warehouse"
    with ExitStack() as stack:
        served = request.param == "clickhouse"
        dsn = stack.enter_context(serving(folder)).dsn() if served else Dsn(path=folder)
        opened = stack.enter_context(connect(dsn))
        for sql in SHOP:
            opened.run(Statement(sql, "test", writes=True))
        yield opened


def untouched(engine: Engine) -> bool:
    found = engine.run(Statement("SELECT groupArray(a) FROM shop.target", "test"))
    tables = engine.run(Statement("SELECT count() FROM system.tables WHERE database IN ('shop', 'evil')", "test"))
    return (found.scalar(), tables.scalar()) == ([1], 2)


@pytest.mark.parametrize("sql", WRITES)
def test_a_statement_that_does_not_say_so_writes_nothing(engine: Engine, sql: str) -> None:
    with pytest.raises(AssayError) as caught:
        engine.run(Statement(sql, "test"))
    assert caught.value.diagnostics[0].code == "E402"
    assert untouched(engine)


@pytest.mark.parametrize("sql", [each for each in WRITES if not each.startswith(_ONLY_GUARDED)])
def test_the_reading_client_is_refused_by_the_engine_too(engine: Any, sql: str) -> None:
    """The second line: were the guard wrong, ClickHouse itself would refuse."""
    with pytest.raises(Exception, match=r"(?i)readonly"):
        engine._reader.command(sql)
    assert untouched(engine)


@pytest.mark.parametrize("settings", [{"readonly": 0}, {"readonly": "0"}])
def test_a_statement_cannot_free_itself(engine: Engine, settings: dict[str, Any]) -> None:
    with pytest.raises(AssayError):
        engine.run(Statement("INSERT INTO shop.target SELECT 2", "test", settings=settings))
    assert engine.run(Statement("SELECT getSetting('readonly')", "test", settings=settings)).scalar() == 2
    assert untouched(engine)
