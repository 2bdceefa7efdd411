"""The engine over clickhouse-connect: a server by HTTP(S), or chDB in this process."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import Any

from assay.engine import faults, log, placement
from assay.engine.cluster import Cluster
from assay.engine.dsn import Dsn
from assay.engine.guard import refuse_statements
from assay.engine.lock import exclusive
from assay.engine.publish import recover
from assay.errors import AssayError, WarehouseError
from assay.statement import Insert, Statement, Table

_ATTEMPTS = 3
_TEXT = 8 << 20  # bytes of a statement: a thousand measures of one source take more than ClickHouse's 256 KB
_PAUSE = 0.2  # seconds, doubled after each attempt
_PATIENCE = 3.0  # seconds for a server that is asked to stop a statement
_GRACE = 10  # seconds: the server's own time limit comes first


class ClickHouse:
    """Two clients of one warehouse: `reader` cannot change anything, `writer` can."""

    def __init__(self, reader: Any, writer: Any, embedded: bool, cluster: Cluster | None = None) -> None:
        self._reader, self._writer, self._embedded, self._cluster = reader, writer, embedded, cluster
        self._verified: list[Cluster] = []

    def run(self, statement: Statement | Insert) -> Table:
        """Run one statement, on a cluster in its form there, which may be several."""
        if self._cluster is None or isinstance(statement, Insert):
            return self._run(statement)
        if self._cluster.trusts(statement):
            self._verify(self._cluster.behind(statement))
        return [self._run(each) for each in self._cluster.statements(statement)][-1]

    def _verify(self, cluster: Cluster) -> None:
        """Look at the sharding of some tables, once."""
        if cluster not in self._verified:
            placement.verify(cluster, self)
            self._verified.append(cluster)

    def _run(self, statement: Statement | Insert) -> Table:
        """Only statements that write go through the writing client, and they are never repeated."""
        attempts = _ATTEMPTS if isinstance(statement, Statement) and not statement.writes else 1
        for attempt in range(attempts):
            try:
                return self._watched(statement)
            except AssayError:
                raise
            except Exception as error:  # the driver raises many kinds; all are translated here
                if attempt + 1 == attempts or not faults.passing(error):
                    raise faults.translate(error, statement) from error
                time.sleep(_PAUSE * 2**attempt)
        raise AssertionError("unreachable")

    def _watched(self, statement: Statement | Insert) -> Table:
        """Run it; what is given up without an answer, by Ctrl-C, a timeout or a lost connection, is stopped."""
        query_id = f"assay-{uuid.uuid4()}"
        try:
            with log.timed(statement, query_id) as rows:
                found = self._once(statement, query_id)
                rows.append(len(found))
                return found
        except BaseException as error:
            if not self._embedded and faults.unanswered(error):
                self._kill(query_id)
            raise

    def _kill(self, query_id: str) -> None:
        """Ask the server to stop a statement. It may not answer: that takes no longer, and hides no other error."""
        on = f"{self._cluster.on} " if self._cluster else ""
        asking = Thread(target=_attempt, args=(self._writer, f"KILL QUERY {on}WHERE query_id = '{query_id}' ASYNC"))
        asking.daemon = True  # the process may end before it does
        asking.start()
        asking.join(_PATIENCE)

    def _once(self, statement: Statement | Insert, query_id: str) -> Table:
        if isinstance(statement, Insert):
            return self._insert(statement)
        refuse_statements(statement.sql, statement.writes)
        sql = _with_origin(statement)
        arguments: dict[str, Any] = {"parameters": dict(statement.parameters)} if statement.parameters else {}
        # a server takes a statement's own `readonly` over the client's, and would let a reader write
        settings = {name: value for name, value in statement.settings.items() if name != "readonly"}
        settings |= self._labels(statement, query_id)
        if settings:
            arguments["settings"] = settings
        if statement.writes:
            self._writer.command(sql, **arguments)
            return Table()
        result = self._reader.query(sql, **arguments)
        return Table(tuple(result.column_names), tuple(tuple(row) for row in result.result_rows))

    def _labels(self, statement: Statement, query_id: str) -> dict[str, Any]:
        """Names under which a server's query log shows the statement. chDB keeps no such log."""
        if self._embedded:
            return {}
        return {"log_comment": str(statement.origin or statement.purpose), "query_id": query_id}

    def _insert(self, insert: Insert) -> Table:
        self._writer.insert(
            insert.table,
            [list(values) for values in insert.columns.values()],
            column_names=list(insert.columns),
            column_oriented=True,
            settings={"insert_deduplication_token": insert.token, "async_insert": 0},
        )
        return Table()


def _attempt(client: Any, sql: str) -> None:
    with suppress(Exception):  # there is another one to tell
        client.command(sql)


def _with_origin(statement: Statement) -> str:
    """The SQL behind a comment that leads back to the YAML line."""
    return f"-- {statement.origin or ''} {statement.purpose}".replace("\n", " ") + f"\n{statement.sql}"


@contextmanager
def connect(
    dsn: Dsn,
    timeout: int = 300,
    wait: float = 10.0,
    cluster: Cluster | None = None,
    limits: Mapping[str, int] | None = None,
) -> Iterator[ClickHouse]:
    """Open the warehouse while inside; `timeout` bounds a statement and `wait` the lock, both in seconds.

    `limits` are settings that hold for every statement that names no others.

    The driver, and chdb behind it, are imported here and nowhere else.
    Raises EngineBusy (E503) or WarehouseError (E504).
    """
    with ExitStack() as stack:
        if dsn.path is not None:
            stack.enter_context(exclusive(dsn.path, wait))
        settings: dict[str, Any] = {"max_execution_time": timeout, "max_query_size": _TEXT, **(limits or {})}
        settings |= (cluster.settings(timeout) if cluster else {}) | dsn.settings
        # readonly=2 forbids every change but still lets a statement carry its own settings
        reader = _open(dsn, timeout, settings | {"readonly": 2})
        stack.callback(reader.close)
        writer = _open(dsn, timeout, settings)
        stack.callback(writer.close)
        engine = ClickHouse(reader, writer, dsn.embedded, cluster)
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
    options = {"chdb_options": {"config-file": str(dsn.config)}} if dsn.config else {}
    return {"interface": "chdb", "path": str(dsn.path), **options}


def _server(dsn: Dsn, timeout: int) -> dict[str, Any]:
    return {
        "interface": "https" if dsn.secure else "http",
        "host": dsn.host,
        "port": dsn.port,
        "username": dsn.user,
        "password": dsn.password,
        "database": dsn.database,
        "autogenerate_session_id": False,  # one client may then serve several threads
        "send_receive_timeout": timeout + _GRACE,
        "query_retries": 0,  # the driver would repeat with the same id, which a server may still be running
        **({"ca_cert": str(dsn.ca_cert)} if dsn.ca_cert else {}),
    }


def _unreachable(dsn: Dsn, error: Exception) -> AssayError:
    code, fix = faults.classify(error)
    return WarehouseError.of(
        code if code == "E508" else "E504",
        f"The warehouse {dsn} cannot be opened: {faults.told(error)}.",
        why="Every number comes from ClickHouse.",
        fix=fix if code != "E505" else "Check that the address is right and that the folder or server is reachable.",
    )
