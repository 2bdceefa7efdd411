"""A server that is slow, breaks off, or is not trusted: statements are stopped, reads repeated, rows stored once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.engine import Engine, connect, parse_dsn
from assay.errors import WarehouseError
from assay.jobs.storage import builds
from assay.statement import Insert, Statement
from tests.engine.serving import PASSWORD, Server, serving

pytestmark = pytest.mark.warehouse


FOREVER = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1 AND 'MARK' != ''"
NOW = datetime(2025, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine(server: Server) -> Iterator[Engine]:
    with connect(server.dsn(), timeout=120) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _fresh(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.engine.clickhouse._PAUSE", 0.01)
    server.reset()


def _running(engine: Engine, mark: str) -> int:
    sql = (
        "SELECT count() FROM system.processes WHERE position(query, {mark:String}) > 0 AND query NOT LIKE '%processes%'"
    )
    return int(engine.run(Statement(sql, "look", {"mark": mark})).scalar())


def _until(done: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    return done()


def _statement(mark: str, writes: bool) -> Statement:
    sql = FOREVER.replace("MARK", mark)
    return Statement(f"INSERT INTO FUNCTION null('n UInt64') {sql}" if writes else sql, "work", writes=writes)


@pytest.mark.parametrize("writes", [False, True])
def test_ctrl_c_stops_the_statement_on_the_server(engine: Engine, server: Server, writes: bool) -> None:
    mark = f"ctrl_c_{writes}"
    with connect(server.dsn()) as watch:

        def press() -> None:
            _until(lambda: _running(watch, mark) == 1)
            os.kill(os.getpid(), signal.SIGINT)

        pressing = threading.Thread(target=press)
        pressing.start()
        with pytest.raises(KeyboardInterrupt):
            engine.run(_statement(mark, writes))
        pressing.join()
        assert _until(lambda: _running(watch, mark) == 0)
    assert server.executed("KILL QUERY")


@pytest.mark.parametrize("writes", [False, True])
def test_a_timeout_of_the_client_stops_it_too_and_is_not_repeated(
    engine: Engine, server: Server, monkeypatch: pytest.MonkeyPatch, writes: bool
) -> None:
    """The server's own limit is taken away, as if it were stuck."""
    monkeypatch.setattr("assay.engine.clickhouse._GRACE", 0)
    mark = f"timeout_{writes}"
    dsn = replace(server.dsn(), settings={"max_execution_time": "0"})
    with pytest.raises(WarehouseError) as caught, connect(dsn, timeout=1) as hasty:
        hasty.run(_statement(mark, writes))
    assert "timed out" in str(caught.value)
    assert _until(lambda: _running(engine, mark) == 0)
    assert server.executed(mark) == 1


def test_who_does_not_answer_at_all_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the statement nor the order to stop it is answered; the first error is the one that is told."""
    monkeypatch.setattr("assay.engine.clickhouse._GRACE", 0)
    monkeypatch.setattr("assay.engine.clickhouse._PATIENCE", 0.2)
    with connect(server.dsn(), timeout=1) as hasty:
        server.fault("slow:2.5", "SELECT 'stuck'")
        server.fault("slow:2.5", "KILL QUERY")
        begun = time.monotonic()
        with pytest.raises(WarehouseError, match="timed out"):
            hasty.run(Statement("SELECT 'stuck'", "work"))
        assert time.monotonic() - begun < 2.4


@pytest.mark.parametrize("kind", ["503", "429", "before", "after", "cut", "code:202", "late:999"])
def test_a_read_survives_what_passes(engine: Engine, server: Server, kind: str) -> None:
    mark = f"'passes {kind}'"
    server.fault(kind, mark, times=2)
    found = engine.run(Statement(f"SELECT {mark}, number FROM numbers(1000)", "read"))
    assert len(found) == 1000


@pytest.mark.parametrize("kind", ["503", "before", "cut", "code:202"])
def test_what_lasts_is_told_after_a_few_attempts(engine: Engine, server: Server, kind: str) -> None:
    mark = f"'lasts {kind}'"
    server.fault(kind, mark, times=50)
    begun = time.monotonic()
    with pytest.raises(WarehouseError) as caught:
        engine.run(Statement(f"SELECT {mark}, number FROM numbers(1000)", "read"))
    assert time.monotonic() - begun < 10
    assert caught.value.diagnostics[0].code in ("E504", "E505")
    assert "http://" not in caught.value.diagnostics[0].message.replace(f"http://127.0.0.1:{server.port}", "")


def test_an_exception_in_the_middle_of_an_answer_is_an_error_and_no_shorter_answer(
    engine: Engine, server: Server
) -> None:
    server.fault("late:241", "'half'")
    with pytest.raises(WarehouseError, match="Memory limit exceeded"):
        engine.run(Statement("SELECT 'half', number FROM numbers(1000)", "read"))
    assert server.executed("'half'") == 1


@pytest.mark.parametrize("kind", ["503", "before", "after", "code:202"])
def test_a_write_is_sent_once_whatever_happens(engine: Engine, server: Server, kind: str) -> None:
    name = f"sent_{kind.replace(':', '_')}"
    engine.run(Statement(f"CREATE TABLE {name} (n UInt8) ENGINE = MergeTree ORDER BY n", "create", writes=True))
    server.fault(kind, f"INSERT INTO {name}")
    with pytest.raises(WarehouseError):
        engine.run(Statement(f"INSERT INTO {name} SELECT 1", "write", writes=True))
    assert server.executed(f"INSERT INTO {name}") == (kind == "after")


def test_rows_are_stored_once_however_often_the_answer_is_lost(engine: Engine, server: Server) -> None:
    """Even the repeated attempt of the driver fails; whoever runs the same again adds nothing."""
    layout = "(n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100"
    engine.run(Statement(f"CREATE TABLE once {layout}", "create", writes=True))
    rows = Insert("once", {"n": [1, 2]}, "insert", "token")
    server.fault("after", "INTO `once`", times=5)
    with pytest.raises(WarehouseError):
        engine.run(rows)
    server.reset()
    engine.run(rows)
    assert engine.run(Statement("SELECT count() FROM once", "count")).scalar() == 2


def test_rows_of_many_blocks_all_arrive(engine: Engine) -> None:
    """The driver sends a large insert in blocks, each compressed by itself."""
    engine.run(Statement("CREATE TABLE many (n String) ENGINE = MergeTree ORDER BY n", "create", writes=True))
    engine.run(Insert("many", {"n": [f"{number:>500}" for number in range(100_000)]}, "insert", "many"))
    found = engine.run(Statement("SELECT count(), sum(toUInt32(trimLeft(n))) FROM many", "count")).rows
    assert found == ((100_000, 99_999 * 50_000),)


def test_every_table_that_gets_rows_keeps_the_second_copy_out(lab: Any) -> None:
    """What `publish` fills needs no tokens; every other table of ours does."""
    shop = lab.shop({}, {})
    builds.prepare(shop.context)
    filled = ["measure_states", "dimension_values", "unit_days", "experiment_days", "experiment_totals"]
    sql = """SELECT name FROM system.tables
        WHERE database = {database:String} AND NOT has({filled:Array(String)}, name)
          AND engine_full NOT LIKE '%non_replicated_deduplication_window = 1000%'"""
    assert shop.rows(sql, database=shop.context.database, filled=filled) == []
    folder = Path(builds.__file__).parents[2] / "compiler" / "templates" / "dash"
    creates = [path.read_text() for path in folder.glob("create*.j2")]
    assert creates
    assert all("non_replicated_deduplication_window" in text for text in creates)


def test_every_statement_has_a_time_limit(engine: Engine, server: Server) -> None:
    engine.run(Statement("SELECT 'limited'", "read"))
    engine.run(Statement("CREATE TABLE limited (n UInt8) ENGINE = MergeTree ORDER BY n", "create", writes=True))
    engine.run(Insert("limited", {"n": [1]}, "insert", "t"))
    found = [*server.settings("'limited'"), *server.settings("TABLE limited"), *server.settings("`limited`")]
    assert len(found) >= 3
    assert {each["max_execution_time"] for each in found} == {"120"}


SECRETS = (PASSWORD, "s3c%3Ar%2Ft%40%23%25", "ZGVmYXVsdDpz", "s3c:r")  # as it is, in an address, in a header


def test_no_error_and_no_log_tells_the_password(
    engine: Engine, server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    told = []
    for kind in ("503", "before", "cut", "code:241", "code:202"):
        for writes in (False, True):
            server.fault(kind, f"'told {kind}'", times=5)
            sql = f"SELECT 'told {kind}', {{secret:String}}, number FROM numbers(1000)"
            sql = f"INSERT INTO FUNCTION null('a String, b String, n UInt64') {sql}" if writes else sql
            try:
                engine.run(Statement(sql, "work", {"secret": "value of a user"}, writes=writes))
            except WarehouseError as error:
                told.append(str(error))
    assert len(told) >= 7
    text = "\n".join([*told, caplog.text, *capfd.readouterr()])
    assert not [secret for secret in SECRETS if secret in text]
    assert not re.search("value.of.a.user", "\n".join(told))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its self-signed certificate for the loopback, in one file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no openssl that makes a certificate: {error}")
    with path.open("a") as file:
        file.write(path.with_suffix(".crt").read_text())
    return path


@pytest.fixture(scope="module")
def guarded(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("guarded") / "data", certificate) as started:
        yield started.url().replace("clickhouse://", "clickhouses://")


def test_a_certificate_that_nobody_vouches_for_is_refused(guarded: str) -> None:
    with pytest.raises(WarehouseError) as caught, connect(parse_dsn(guarded)):
        pass
    (told,) = caught.value.diagnostics
    assert told.code == "E504"
    assert "certificate" in told.message
    assert "?ca_cert=" in told.fix
    assert not [secret for secret in SECRETS if secret in str(caught.value)]


def test_verification_cannot_be_switched_off(guarded: str) -> None:
    for option in ("verify=0", "verify=false", "secure=0"):
        with pytest.raises(WarehouseError), connect(parse_dsn(f"{guarded}?{option}")):
            pass


def test_an_authority_of_ones_own_is_named(guarded: str, certificate: Path) -> None:
    authority = certificate.with_suffix(".crt")
    with connect(parse_dsn(f"{guarded}?ca_cert={authority.name}", authority.parent)) as engine:
        assert engine.run(Statement("SELECT 1", "read")).scalar() == 1


def test_a_certificate_for_another_host_is_refused(guarded: str, certificate: Path) -> None:
    other = guarded.replace("127.0.0.1", "localhost")
    with (
        pytest.raises(WarehouseError, match="localhost"),
        connect(parse_dsn(f"{other}?ca_cert={certificate.with_suffix('.crt')}")),
    ):
        pass


def test_plain_http_is_no_answer_to_tls_and_a_certificate_needs_tls(server: Server) -> None:
    with pytest.raises(WarehouseError), connect(parse_dsn(server.url().replace("clickhouse", "clickhouses", 1))):
        pass
    with pytest.raises(WarehouseError) as caught:
        parse_dsn("clickhouse://host?ca_cert=ca.pem")
    assert caught.value.diagnostics[0].code == "E502"
