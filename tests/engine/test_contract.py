"""What both warehouses must do: embedded chDB, and a server over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.catalog.template import quote_literal
from assay.engine import Engine, Partitions, publish, sweep
from assay.engine.publish import recover
from assay.errors import AssayError, CheckFailed, Location, UsageError, WarehouseError
from assay.statement import Insert, Statement, Table

Write = Callable[[str], None]
Rows = Callable[[str], list[tuple[Any, ...]]]
ORIGIN = Location("metrics/feed.yaml", 4, 3)


def failure(engine: Engine, sql: str, **more: Any) -> AssayError:
    with pytest.raises(AssayError) as caught:
        engine.run(Statement(sql, "test", **more))
    return caught.value


def test_a_result_has_names_and_plain_values(engine: Engine) -> None:
    sql = "SELECT toDate('2025-05-01') AS d, 1.5 AS f, NULL AS n, ['x', 'é'] AS a"
    found = engine.run(Statement(f"{sql}, toDateTime('2025-05-01 10:00:00', 'UTC') AS t", "test"))
    assert found.columns == ("d", "f", "n", "a", "t")
    (row,) = found.rows
    assert row[:4] == (date(2025, 5, 1), 1.5, None, ["x", "é"])
    assert row[4].replace(tzinfo=UTC) == datetime(2025, 5, 1, 10, tzinfo=UTC)


def test_an_empty_result_has_no_rows(engine: Engine) -> None:
    found = engine.run(Statement("SELECT number FROM numbers(0)", "test"))
    assert len(found) == 0
    assert found.column("number") == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_parameter_comes_back_as_it_went(engine: Engine, text: str) -> None:
    found = engine.run(Statement("SELECT {text:String}, length({text:String})", "test", {"text": text}))
    assert found.rows == ((text, len(text.encode())),)


def test_parameters_keep_their_types(engine: Engine) -> None:
    values = {"day": date(2025, 5, 1), "ids": [1, 2], "share": 0.1, "big": 2**63}
    sql = "SELECT {day:Date}, {ids:Array(UInt8)}, {share:Float64}, {big:UInt64}"
    assert engine.run(Statement(sql, "test", values)).rows == ((date(2025, 5, 1), [1, 2], 0.1, 2**63),)


def test_a_percent_sign_beside_parameters_is_only_a_percent_sign(engine: Engine) -> None:
    found = engine.run(Statement("SELECT 'a' LIKE '%a%', {n:UInt8} % 2", "test", {"n": 3}))
    assert found.rows == ((1, 1),)


def test_settings_hold_for_one_statement(engine: Engine, rows: Rows) -> None:
    before = rows("SELECT getSetting('max_block_size')")
    found = engine.run(Statement("SELECT getSetting('max_block_size')", "test", settings={"max_block_size": 1234}))
    assert found.scalar() == 1234
    assert rows("SELECT getSetting('max_block_size')") == before


def test_settings_of_a_write_do_not_stay(engine: Engine, table: str, rows: Rows, write: Write) -> None:
    sql = f"INSERT INTO {table} SELECT '2025-05-03', getSetting('max_block_size')"
    engine.run(Statement(sql, "test", settings={"max_block_size": 1234}, writes=True))
    write(f"INSERT INTO {table} SELECT '2025-05-03', getSetting('max_block_size')")
    first, second = sorted(n for (n,) in rows(f"SELECT n FROM {table} WHERE day = '2025-05-03'"))
    assert first == 1234
    assert second > first


WRITES = (
    "INSERT INTO {table} VALUES ('2025-05-09', 9)",
    "INSERT INTO {table} SELECT '2025-05-09', 9",
    "CREATE TABLE {table}_more (x UInt8) ENGINE = Memory",
    "DROP TABLE {table}",
    "TRUNCATE TABLE {table}",
    "ALTER TABLE {table} DROP PARTITION '2025-05-01'",
    "ALTER TABLE {table} DELETE WHERE 1",
    "DELETE FROM {table} WHERE 1",
    "OPTIMIZE TABLE {table} FINAL",
    "RENAME TABLE {table} TO {table}_gone",
    "CREATE DATABASE more",
    "SET readonly = 0",
    "CREATE TEMPORARY TABLE more (x UInt8)",
    "KILL QUERY WHERE 1",
    "SYSTEM FLUSH LOGS",
)


@pytest.mark.parametrize("more", [{}, {"settings": {"readonly": 0}}], ids=["plain", "with readonly off"])
def test_a_statement_that_does_not_say_so_cannot_write(
    engine: Engine, table: str, rows: Rows, more: dict[str, Any]
) -> None:
    for sql in WRITES:
        failure(engine, sql.format(table=table), **more)
        assert rows(f"SELECT count() FROM {table}") == [(5,)]  # and the reader still reads


def test_the_engine_refuses_it_even_without_our_guard(
    engine: Engine, table: str, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.engine.clickhouse.refuse_statements", lambda *_: None)
    for sql in WRITES[:12]:
        error = failure(engine, sql.format(table=table), settings={"readonly": 0})
        assert isinstance(error, WarehouseError), sql
        assert rows(f"SELECT count() FROM {table}") == [(5,)]


def test_a_parameter_cannot_write_either(engine: Engine, table: str, rows: Rows) -> None:
    evil = f"'; DROP TABLE {table}; SELECT '"
    assert engine.run(Statement("SELECT {x:String}", "test", {"x": evil})).scalar() == evil
    failure(engine, "DROP TABLE shop.{name:Identifier}", parameters={"name": table.removeprefix("shop.")})
    assert rows(f"SELECT count() FROM {table}") == [(5,)]


def test_a_read_only_statement_writes_no_file(engine: Engine, tmp_path: Path) -> None:
    target = tmp_path / "stolen.tsv"
    for sql in (f"SELECT 1 INTO OUTFILE '{target}'", f"INSERT INTO FUNCTION file('{target}', TSV, 'x UInt8') SELECT 1"):
        failure(engine, sql)
    assert not target.exists()


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM nowhere", "E506"),
        ("SELECT * FROM nowhere.at_all", "E506"),
        ("SELECT nothing FROM system.one", "E507"),
        ("SELECT one.nothing FROM system.one AS one", "E507"),
        ("SELECT 1 FROM system.one WHERE ORDER BY 1", "E505"),
        ("WITH 1", "E505"),
        ("SELECT 1 + 'x'", "E505"),
        ("SELECT no_such_function(1)", "E505"),
        ("SELECT {missing:UInt8}", "E505"),
    ],
)
def test_driver_errors_become_ours(engine: Engine, sql: str, code: str) -> None:
    error = failure(engine, sql, origin=ORIGIN)
    assert isinstance(error, WarehouseError)
    (told,) = error.diagnostics
    assert told.code == code
    assert told.location == ORIGIN
    assert told.message.startswith("test: ")
    assert told.why
    assert told.fix
    assert "s3c" not in str(error)
    assert "version 2" not in told.message


@pytest.mark.parametrize("writes", [False, True])
def test_a_statement_has_a_time_limit(engine: Engine, table: str, writes: bool) -> None:
    head = f"INSERT INTO {table} " if writes else ""
    sql = f"{head}SELECT '2025-05-01', count() FROM numbers(100000000000) WHERE sipHash64(number) = 1"
    error = failure(engine, sql, settings={"max_execution_time": 0.2}, writes=writes)
    assert error.diagnostics[0].code == "E509"


@pytest.mark.parametrize("writes", [False, True])
def test_one_statement_at_a_time(engine: Engine, table: str, rows: Rows, writes: bool) -> None:
    error = failure(engine, f"SELECT 1; DROP TABLE {table}", writes=writes)
    assert isinstance(error, UsageError)
    assert error.diagnostics[0].code == "E402"
    assert rows(f"SELECT count() FROM {table}") == [(5,)]


def insert(table: str, token: str, *values: int) -> Insert:
    days = [date(2025, 5, 4)] * len(values)
    return Insert(table, {"day": days, "n": list(values)}, "test", token)


def test_the_same_token_is_stored_once(engine: Engine, table: str, rows: Rows) -> None:
    for token in ("a", "a", "b"):
        engine.run(insert(table, token, 7, 8))
    assert rows(f"SELECT n, count() FROM {table} WHERE day = '2025-05-04' GROUP BY n ORDER BY n") == [(7, 2), (8, 2)]


def test_a_wrong_insert_is_refused_as_a_whole(engine: Engine, table: str, rows: Rows) -> None:
    with pytest.raises(WarehouseError) as caught:
        engine.run(Insert(f"{table}_gone", {"n": [1]}, "test", "t"))
    assert caught.value.diagnostics[0].code == "E506"
    with pytest.raises(WarehouseError):
        engine.run(Insert(table, {"nope": [1]}, "test", "t"))
    with pytest.raises(WarehouseError):
        engine.run(Insert(table, {"day": [date(2025, 5, 4)] * 2, "n": [1, "two"]}, "test", "t"))
    assert rows(f"SELECT count() FROM {table}") == [(5,)]


def rebuild(table: str, fill: str, *days: str, check: str = "SELECT 0 AS failures") -> Partitions:
    return Partitions(
        target=table,
        fill=lambda stage: [Statement(f"INSERT INTO {stage} {fill}", "fill", writes=True)],
        check=lambda stage: [Statement(f"{check} FROM {stage}", "check")],
        partitions=[f"'{day}'" for day in days],
        purpose="rebuild",
    )


def refuse_failures(statement: Statement, found: Table) -> None:
    if any(row["failures"] for row in found.dicts()):
        raise CheckFailed.of("E510", f"{statement.purpose} failed", why="test", fix="test")


DAYS = "SELECT toString(day), count(), sum(n) FROM {} GROUP BY day ORDER BY day"
BEFORE = [("2025-05-01", 3, 3), ("2025-05-02", 2, 1)]
FOUR = "SELECT '2025-05-01', 10 FROM numbers(4)"


def stages(rows: Rows, table: str) -> list[tuple[Any, ...]]:
    name = table.removeprefix("shop.")
    return rows(f"SELECT name FROM system.tables WHERE startsWith(name, '{name}__stg')")


def test_publish_replaces_exactly_its_partitions(engine: Engine, table: str, rows: Rows) -> None:
    publish(engine, rebuild(table, FOUR, "2025-05-01"), "r1", refuse_failures)
    assert rows(DAYS.format(table)) == [("2025-05-01", 4, 40), BEFORE[1]]
    assert stages(rows, table) == []


def test_publishing_twice_is_publishing_once(engine: Engine, table: str, rows: Rows) -> None:
    for run in ("r1", "r1", "r2"):
        publish(engine, rebuild(table, FOUR, "2025-05-01"), run, refuse_failures)
    assert rows(DAYS.format(table)) == [("2025-05-01", 4, 40), BEFORE[1]]


def test_a_day_that_became_empty_is_really_empty(engine: Engine, table: str, rows: Rows) -> None:
    publish(engine, rebuild(table, f"{FOUR} WHERE 0", "2025-05-01", "2025-05-03"), "r1", refuse_failures)
    assert rows(DAYS.format(table)) == [BEFORE[1]]


def test_rows_outside_the_partitions_are_not_published(engine: Engine, table: str, rows: Rows) -> None:
    publish(engine, rebuild(table, "SELECT '2025-05-02', 99", "2025-05-01"), "r1", refuse_failures)
    assert rows(DAYS.format(table)) == [BEFORE[1]]


NO_FAILURES = "SELECT 0 AS failures"


@pytest.mark.parametrize(
    ("fill", "check", "error"),
    [
        ("SELECT '2025-05-01', throwIf(number > 2) FROM numbers(4)", NO_FAILURES, WarehouseError),
        ("SELECT nothing", NO_FAILURES, WarehouseError),
        (FOUR, "SELECT count() AS failures", CheckFailed),
        (FOUR, "SELECT nothing", WarehouseError),
    ],
)
def test_a_failure_leaves_the_target_as_it_was(
    engine: Engine, table: str, rows: Rows, fill: str, check: str, error: type[AssayError]
) -> None:
    with pytest.raises(error):
        publish(engine, rebuild(table, fill, "2025-05-01", check=check), "r1", refuse_failures)
    assert rows(DAYS.format(table)) == BEFORE
    assert stages(rows, table) == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interruption_leaves_the_target_as_it_was(
    engine: Engine, table: str, rows: Rows, interruption: type[BaseException]
) -> None:
    def interrupted(_statement: Statement, _found: Table) -> None:
        raise interruption

    with pytest.raises(interruption):
        publish(engine, rebuild(table, FOUR, "2025-05-01"), "r1", interrupted)
    assert rows(DAYS.format(table)) == BEFORE
    assert stages(rows, table) == []


def test_nothing_to_publish_is_said(engine: Engine, table: str) -> None:
    with pytest.raises(UsageError) as caught:
        publish(engine, rebuild(table, FOUR), "r1", refuse_failures)
    assert caught.value.diagnostics[0].code == "E602"


def test_an_interrupted_publication_is_finished(engine: Engine, table: str, rows: Rows, write: Write) -> None:
    """The state that a kill inside REPLACE PARTITION may leave: the new rows beside the old ones."""
    ready = f"{table}__rdy_dead"
    note = quote_literal("assay: " + json.dumps(["'2025-05-01'", "'2025-05-02'"]))
    write(f"CREATE TABLE {ready} AS {table} COMMENT {note}")
    write(f"INSERT INTO {ready} {FOUR}")
    write(f"INSERT INTO {table} {FOUR}")
    assert recover(engine, timedelta(days=1)) == 0
    assert recover(engine) == 1
    assert rows(DAYS.format(table)) == [("2025-05-01", 4, 40)]
    assert recover(engine) == 0


def test_an_interrupted_publication_without_its_target_is_dropped(engine: Engine, write: Write) -> None:
    write("CREATE DATABASE IF NOT EXISTS shop")
    note = quote_literal("assay: " + json.dumps(["'2025-05-01'"]))
    write(f"CREATE TABLE shop.gone__rdy_dead (d Date) ENGINE = MergeTree PARTITION BY d ORDER BY d COMMENT {note}")
    assert recover(engine) == 1
    assert recover(engine) == 0


def test_orphans_are_swept_and_only_orphans(engine: Engine, write: Write, rows: Rows) -> None:
    write("CREATE DATABASE IF NOT EXISTS swept")
    for name in ("target", "target__stg_dead", "other__stg_dead", "target_stg_alive"):
        write(f"CREATE TABLE swept.{name} (x UInt8) ENGINE = Memory COMMENT 'assay: []'")
    write("CREATE TABLE swept.yours__stg_1 (x UInt8) ENGINE = Memory")
    assert sweep(engine, "swept") == 0  # a run of today may still be filling them
    assert sweep(engine, "swept", timedelta(0)) == 2
    assert sweep(engine, "swept", timedelta(0)) == 0
    kept = rows("SELECT name FROM system.tables WHERE database = 'swept' ORDER BY name")
    assert kept == [("target",), ("target_stg_alive",), ("yours__stg_1",)]
    write("DROP DATABASE swept")
