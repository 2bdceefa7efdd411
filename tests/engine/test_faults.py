"""What goes wrong on the way to a warehouse: passing troubles, lost connections, full disks and killed processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assay.engine import Dsn, connect, faults, parse_dsn
from assay.engine.clickhouse import ClickHouse
from assay.errors import CODES, WarehouseError
from assay.statement import Insert, Statement

READ = Statement("SELECT 1 AS one", "read")
WRITE = Statement("INSERT INTO t SELECT 1", "write", writes=True)
ROWS = Insert("t", {"n": [1]}, "insert", "token")


class Driver:
    """A client of the driver that fails with given errors before it answers."""

    column_names, result_rows = ("one",), [(1,)]

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    def query(self, *_: Any, **__: Any) -> Driver:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self

    command = insert = query


def trouble(code: int) -> Exception:
    return RuntimeError(
        f"Received ClickHouse exception, code: {code}, server response: Code: {code}. DB::Exception: No."
    )


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.engine.clickhouse._PAUSE", 0.001)


@pytest.mark.parametrize("code", sorted(faults.RETRY))
def test_a_query_survives_two_passing_troubles(code: int) -> None:
    driver = Driver(trouble(code), trouble(code))
    assert ClickHouse(driver, driver, embedded=True).run(READ).scalar() == 1
    assert driver.calls == 3


@pytest.mark.parametrize("code", sorted(faults.RETRY))
@pytest.mark.parametrize("statement", [WRITE, ROWS], ids=["write", "insert"])
def test_a_write_is_never_repeated(code: int, statement: Statement | Insert) -> None:
    driver = Driver(trouble(code))
    with pytest.raises(WarehouseError):
        ClickHouse(driver, driver, embedded=True).run(statement)
    assert driver.calls == 1


def test_a_lasting_trouble_is_reported_after_three_attempts() -> None:
    driver = Driver(*(trouble(202) for _ in range(9)))
    with pytest.raises(WarehouseError):
        ClickHouse(driver, driver, embedded=True).run(READ)
    assert driver.calls == 3


@pytest.mark.parametrize("code", [60, 62, 47, 159, 241, 243, 516])
def test_a_mistake_is_not_repeated(code: int) -> None:
    driver = Driver(trouble(code))
    with pytest.raises(WarehouseError):
        ClickHouse(driver, driver, embedded=True).run(READ)
    assert driver.calls == 1


class OperationalError(Exception):
    """Named like the driver's own, which carries no number when there was no answer."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (trouble(60), "E506"), (trouble(81), "E506"), (trouble(47), "E507"), (trouble(16), "E507"),
        (trouble(159), "E509"), (trouble(243), "E508"), (trouble(74), "E508"), (trouble(75), "E508"),
        (trouble(516), "E504"), (trouble(210), "E504"), (trouble(62), "E505"), (trouble(99999), "E505"),
        (RuntimeError("Code: 1001. DB::Exception: std::exception. Code: 1001, No space left on device"), "E508"),
        (OperationalError("Error HTTPConnectionPool(...) timed out"), "E504"), (RuntimeError(""), "E505"),
    ],
)  # fmt: skip
def test_every_error_of_the_driver_has_a_code(error: Exception, code: str) -> None:
    translated = faults.translate(error, READ)
    (told,) = translated.diagnostics
    assert told.code == code
    assert told.code in CODES
    assert told.message.startswith("read:")
    assert translated.exit_code == 3


def test_two_passing_troubles_of_a_real_server(server: Any) -> None:
    with connect(server.dsn()) as engine:
        server.fault("code:202", "first_marker", 2)
        assert engine.run(Statement("SELECT 'first_marker'", "test")).scalar() == "first_marker"
        server.fault("503", "second_marker")
        assert engine.run(Statement("SELECT 'second_marker'", "test")).scalar() == "second_marker"
        server.fault("before", "third_marker")
        assert engine.run(Statement("SELECT 'third_marker'", "test")).scalar() == "third_marker"


def test_a_write_whose_answer_was_lost_is_not_repeated(server: Any) -> None:
    with connect(server.dsn()) as engine:
        engine.run(Statement("CREATE TABLE lost (n UInt8) ENGINE = MergeTree ORDER BY n", "test", writes=True))
        server.fault("after", "INSERT INTO lost")
        with pytest.raises(WarehouseError) as caught:
            engine.run(Statement("INSERT INTO lost SELECT 1", "test", writes=True))
        assert caught.value.diagnostics[0].code == "E504"
        assert engine.run(Statement("SELECT count() FROM lost", "test")).scalar() == 1
        assert server.executed("INSERT INTO lost") == 1


def test_rows_whose_answer_was_lost_are_stored_once(server: Any) -> None:
    """The driver sends them again; the token keeps the second copy out."""
    with connect(server.dsn()) as engine:
        engine.run(
            Statement(
                "CREATE TABLE ledger (day Date) ENGINE = MergeTree ORDER BY day "
                "SETTINGS non_replicated_deduplication_window = 100",
                "test",
                writes=True,
            )
        )
        server.fault("after", "INTO `ledger`")
        engine.run(Insert("ledger", {"day": [date(2025, 5, 1)]}, "test", "once"))
        assert server.executed("INTO `ledger`") == 2
        assert engine.run(Statement("SELECT count() FROM ledger", "test")).scalar() == 1


def test_a_wrong_password_is_said_and_never_shown(server: Any) -> None:
    with pytest.raises(WarehouseError) as caught, connect(server.dsn("hunter2")):
        pass
    (told,) = caught.value.diagnostics
    assert told.code == "E504"
    assert "password" in told.fix
    assert "hunter2" not in str(caught.value)


def test_nobody_listens() -> None:
    with pytest.raises(WarehouseError) as caught, connect(parse_dsn("clickhouse://ann:hunter2@127.0.0.1:1/db")):
        pass
    (told,) = caught.value.diagnostics
    assert told.code == "E504"
    assert "clickhouse://ann@127.0.0.1:1/db" in told.message
    assert "hunter2" not in str(caught.value)


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    with connect(Dsn(path=tmp_path / "w")) as engine:
        engine.run(Statement("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n", "test", writes=True))
        engine.run(Statement("INSERT INTO t VALUES (1)", "test", writes=True))
        needs = "ALTER TABLE t MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000"
        engine.run(Statement(needs, "test", writes=True))
        with pytest.raises(WarehouseError) as caught:
            engine.run(Statement("INSERT INTO t VALUES (2)", "test", writes=True))
        assert caught.value.diagnostics[0].code == "E508"
        assert engine.run(Statement("SELECT n FROM t", "test")).rows == ((1,),)


def python(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


LOOP = """
import sys
from assay.engine import Partitions, connect, parse_dsn, publish
from assay.statement import Statement

with connect(parse_dsn("chdb://" + sys.argv[1])) as engine:
    engine.run(Statement("CREATE TABLE IF NOT EXISTS t (d UInt8, version UInt32, n UInt32) ENGINE = MergeTree "
                         "PARTITION BY d ORDER BY n", "create", writes=True))
    for version in range(1, 10_000):
        fill = "SELECT 1, {}, number FROM numbers(200000)".format(version)
        work = Partitions("t", lambda stage: [Statement(f"INSERT INTO {stage} {fill}", "fill", writes=True)],
                          lambda stage: [], ["1"], "loop")
        publish(engine, work, f"run{version}", print)
        print(version, flush=True)
"""


def killed_after(path: Path, seconds: float) -> int:
    """Publish new versions until killed; the last version that was reported."""
    process = subprocess.Popen([sys.executable, "-c", LOOP, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()  # the first version is there
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    reported = process.stdout.read().split()
    process.stdout.close()
    process.wait()
    return int(reported[-1]) if reported else 1


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.001, 0.013, 0.04, 0.09, 0.2])
def test_a_kill_while_publishing_leaves_one_whole_version(tmp_path: Path, seconds: float) -> None:
    reported = killed_after(tmp_path / "w", seconds)
    with connect(Dsn(path=tmp_path / "w")) as engine:
        sql = "SELECT count(), sum(n), min(version), max(version) FROM t"
        ((count, total, low, high),) = engine.run(Statement(sql, "read")).rows
    assert (count, total) == (200_000, 199_999 * 100_000)
    assert low == high
    assert high >= reported


def test_the_driver_is_imported_on_first_use_only() -> None:
    script = "import sys, assay.engine; assert not {'chdb', 'clickhouse_connect', 'numpy', 'pandas'} & set(sys.modules)"
    assert python(script).returncode == 0


def test_memory_engine_answers_by_purpose() -> None:
    from assay.engine.memory import MemoryEngine
    from assay.statement import Table

    engine = MemoryEngine({"read": Table(("one",), ((1,),))})
    answer: Callable[[Statement], Table] = engine.run
    assert answer(READ).scalar() == 1
    assert len(answer(WRITE)) == 0
    assert engine.asked == [READ, WRITE]
