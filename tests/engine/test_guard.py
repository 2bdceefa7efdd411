from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay.engine.guard import refuse_statements
from assay.errors import UsageError

ONE = (
    "SELECT 1",
    "SELECT 1;",
    "SELECT 1 ;\n  ",
    "SELECT 1; -- the end",
    "SELECT ';'",
    "SELECT 'it''s; fine'",
    "SELECT 'it\\'s; fine'",
    'SELECT 1 AS "a;b"',
    "SELECT 1 AS `a;b`",
    "SELECT 1 -- a; b",
    "SELECT 1 # a; b",
    "SELECT 1 #! a; b",
    "SELECT /* a; b */ 1",
    "SELECT $$ a; ' b $$",
    "SELECT $tag$ a; $$ b $tag$",
    "SELECT ‘a;b’",
    "SELECT 'INTO OUTFILE x'",
)
MORE = (
    "SELECT 1; SELECT 2",
    ";SELECT 1;",
    "SELECT '\\'; DROP TABLE t; --'; SELECT 2",
    "SELECT 1 -- '\n; DROP TABLE t -- '",
    "SELECT 1 # '\n; DROP TABLE t # '",
    "SELECT $$ ' $$; DROP TABLE t; SELECT '1'",
    "SELECT $a$ ' $a$; DROP TABLE t; SELECT '1'",
    "SELECT a$b$ ; DROP TABLE t; SELECT $b$",
    "SELECT “'”; DROP TABLE t; SELECT “'”",
    "SELECT /* ' */ 1; DROP TABLE t /* ' */",
    "SELECT 'unclosed; DROP TABLE t",
    "SELECT 1; ''",
    'SELECT 1; ""',
    "SELECT 1 INTO OUTFILE 'x'",
    "SELECT 1 into/* */outfile 'x'",
)


@pytest.mark.parametrize("sql", ONE)
def test_one_statement_passes(sql: str) -> None:
    refuse_statements(sql, writes=True)


@pytest.mark.parametrize("sql", MORE)
def test_more_than_one_is_refused(sql: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_statements(sql, writes=True)
    assert caught.value.diagnostics[0].code == "E402"


@pytest.mark.parametrize("sql", ["SELECT 1", "-- origin\n(SELECT 1)", "with 1 AS x SELECT x", "EXPLAIN AST SELECT 1"])
def test_reading_needs_no_permission(sql: str) -> None:
    refuse_statements(sql, writes=False)


@pytest.mark.parametrize(
    "sql", ["INSERT INTO FUNCTION file('x', TSV, 'n UInt8') SELECT 1", "/* SELECT */ DROP TABLE t", "SET x = 1", ""]
)
def test_anything_else_must_say_that_it_writes(sql: str) -> None:
    with pytest.raises(UsageError):
        refuse_statements(sql, writes=False)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """chDB itself, which runs whatever it is given."""
    import chdb

    handle = chdb.connect(str(tmp_path_factory.mktemp("guard") / "raw"))
    handle.query("CREATE TABLE leak (x UInt8) ENGINE = Memory")
    yield handle
    handle.close()


PIECES = (
    "SELECT 1", " ", "\n", "'", '"', "`", "\\", "--", "# ", "#!", "/*", "*/", "$$", "$a$", "a", "$", "‘", "’", "“", "”",
    ";INSERT INTO leak VALUES (1);", "; ", "1", "(", ")", ",",
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
@example("a$$;INSERT INTO leak VALUES (1);$$")
def test_what_passes_the_guard_is_one_statement_to_the_engine(raw: Any, tail: str) -> None:
    sql = f"SELECT 1 {tail}"
    try:
        refuse_statements(sql, writes=True)
    except UsageError:
        return
    with suppress(RuntimeError):  # most of these are nonsense
        raw.query(sql)
    assert str(raw.query("SELECT count() FROM leak")).strip() == "0"


def test_the_engine_would_have_run_both(raw: Any) -> None:
    """Without which the test above would prove nothing."""
    raw.query("SELECT 1 ;INSERT INTO leak VALUES (1);")
    assert str(raw.query("SELECT count() FROM leak")).strip() == "1"
    raw.query("TRUNCATE TABLE leak")


def test_a_file_would_have_been_written(raw: Any, tmp_path: Path) -> None:
    raw.query(f"SELECT 1 INTO OUTFILE '{tmp_path / 'out'}'")
    assert (tmp_path / "out").exists()
