"""The engine over clickhouse-connect: a server by HTTP(S), or chDB in this process."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from assay.engine import faults
from assay.engine.dsn import Dsn
from assay.engine.guard import refuse_statements
from assay.engine.lock import exclusive
from assay.engine.publish import recover
from assay.errors import AssayError, WarehouseError
from assay.statement import Insert, Statement, Table

_ATTEMPTS = 3
_PAUSE = 0.2  # seconds, doubled after each attempt


class ClickHouse:
    """Two clients of one warehouse: `reader` cannot change anything, `writer` can."""

    def __init__(self, reader: Any, writer: Any, embedded: bool) -> None:
        self._reader, self._writer, self._embedded = reader, writer, embedded

    def run(self, statement: Statement | Insert) -> Table:
        """Run one statement; only statements that write go through the writing client, and they are never repeated."""
        attempts = _ATTEMPTS if isinstance(statement, Statement) and not statement.writes else 1
        for attempt in range(attempts):
            try:
                return self._once(statement)
            except AssayError:
                raise
            except Exception as error:  # the driver raises many kinds; all are translated here
                if attempt + 1 == attempts or faults.number(error) not in faults.RETRY:
                    raise faults.translate(error, statement) from error
                time.sleep(_PAUSE * 2**attempt)
        raise AssertionError("unreachable")

    def _once(self, statement: Statement | Insert) -> Table:
        if isinstance(statement, Insert):
            return self._insert(statement)
        refuse_statements(statement.sql, statement.writes)
        sql = _with_origin(statement)
        arguments: dict[str, Any] = {"parameters": dict(statement.parameters)} if statement.parameters else {}
        # a server takes a statement's own `readonly` over the client's, and would let a reader write
        settings = {name: value for name, value in statement.settings.items() if name != "readonly"}
        settings |= self._labels(statement)
        if settings:
            arguments["settings"] = settings
        if statement.writes:
            self._writer.command(sql, **arguments)
            return Table()
        result = self._reader.query(sql, **arguments)
        return Table(tuple(result.column_names), tuple(tuple(row) for row in result.result_rows))

    def _labels(self, statement: Statement) -> dict[str, Any]:
        """Names under which a server's query log shows the statement. chDB keeps no such log."""
        if self._embedded:
            return {}
        return {"log_comment": str(statement.origin or statement.purpose), "query_id": f"assay-{uuid.uuid4()}"}

    def _insert(self, insert: Insert) -> Table:
        self._writer.insert(
            insert.table,
            [list(values) for values in insert.columns.values()],
            column_names=list(insert.columns),
            column_oriented=True,
            settings={"insert_deduplication_token": insert.token, "async_insert": 0},
        )
        return Table()


def _with_origin(statement: Statement) -> str:
    """The SQL behind a comment that leads back to the YAML line."""
    return f"-- {statement.origin or ''} {statement.purpose}".replace("\n", " ") + f"\n{statement.sql}"


@contextmanager
def connect(dsn: Dsn, timeout: int = 300, wait: float = 10.0) -> Iterator[ClickHouse]:
    """Open the warehouse while inside; `timeout` bounds a statement and `wait` the lock, both in seconds.

    The driver, and chdb behind it, are imported here and nowhere else.
    Raises EngineBusy (E503) or WarehouseError (E504).
    """
    with ExitStack() as stack:
        if dsn.path is not None:
            stack.enter_context(exclusive(dsn.path, wait))
        limits: dict[str, Any] = {"max_execution_time": timeout} | dsn.settings
        # readonly=2 forbids every change but still lets a statement carry its own settings
        reader = _open(dsn, timeout, limits | {"readonly": 2})
        stack.callback(reader.close)
        writer = _open(dsn, timeout, limits)
        stack.callback(writer.close)
        engine = ClickHouse(reader, writer, dsn.embedded)
        if dsn.embedded:  # nobody else has it open, so whoever was publishing is dead
            recover(engine)
        yield engine


def _open(dsn: Dsn, timeout: int, settings: dict[str, Any]) -> Any:
    import clickhouse_connect

    logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())  # what it logs, we raise
    arguments = _embedded(dsn) if dsn.path else _server(dsn, timeout)
    try:
        return clickhouse_connect.get_client(**arguments, settings=settings)
    except Exception as error:  # as above: the border
        raise _unreachable(dsn, error) from error


def _embedded(dsn: Dsn) -> dict[str, Any]:
    return {"interface": "chdb", "path": str(dsn.path)}


def _server(dsn: Dsn, timeout: int) -> dict[str, Any]:
    return {
        "interface": "https" if dsn.secure else "http",
        "host": dsn.host,
        "port": dsn.port,
        "username": dsn.user,
        "password": dsn.password,
        "database": dsn.database,
        "autogenerate_session_id": False,  # one client may then serve several threads
        "send_receive_timeout": timeout + 10,
    }


def _unreachable(dsn: Dsn, error: Exception) -> AssayError:
    code, fix = faults.classify(error)
    return WarehouseError.of(
        code if code == "E508" else "E504",
        f"The warehouse {dsn} cannot be opened: {str(error).splitlines()[0][:300].rstrip('.')}.",
        why="Every number comes from ClickHouse.",
        fix=fix if code != "E505" else "Check that the address is right and that the folder or server is reachable.",
    )
