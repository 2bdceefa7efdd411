"""ClickHouse's HTTP interface over chDB, as far as clickhouse-connect needs it, for tests on the loopback.

    python http_server.py FOLDER PASSWORD [CERTIFICATE]     prints its port, serves until its standard input closes

Faithful: POST with the query in the body or in `?query=`, `param_*`, settings, `database`, `default_format`, bodies in
lz4, Basic authentication, X-ClickHouse-* headers, exceptions with their code, KILL QUERY by query_id, TLS, /ping. Not
covered: users and roles, compressed answers, progress headers, replication.

Faults are ordered by POST /fault for queries that contain `match`, after `skip` of them, for `times`. Kinds: a number
(that HTTP status before execution), `before` and `after` (the connection drops before or after execution), `cut` (in
the middle of the answer), `code:N` (a ClickHouse exception), `late:N` (one in the middle of the answer), `slow:SECONDS`
before execution. GET /log returns the queries that were executed, with their settings.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
import tempfile
import threading
import time
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import chdb
import lz4.frame

INSERT = re.compile(rb"\s*INSERT\s[^\n]*\bFORMAT\s+(\w+) *\n", re.IGNORECASE)  # rows may begin with any byte
FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*$", re.IGNORECASE)
CODE = re.compile(r"Code: (\d+)")
KILL = re.compile(r"KILL QUERY WHERE query_id = '([\w-]+)' ASYNC")
TAG = "abcdefghijklmnop"  # marks an exception in the middle of an answer
STATUS = {"516": 403, "497": 403, "60": 404, "81": 404, "62": 400, "36": 400, "159": 408, "202": 503}
TRANSPORT = {
    "query", "database", "default_format", "query_id", "session_id", "session_timeout", "wait_end_of_query",
    "client_protocol_version", "send_progress_in_http_headers", "http_headers_progress_interval_ms", "compress",
    "enable_http_compression", "cancel_http_readonly_queries_on_client_close", "role", "quota_key",
}  # fmt: skip
TROUBLES = {"202": "Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)", "999": "Session expired. (KEEPER)",
            "241": "Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)"}  # fmt: skip


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: str, password: str, certificate: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.folder, self.password = folder, password
        self.keep = chdb.connect(folder)  # the first handle starts the engine, the last one stops it
        self.faults: list[dict[str, Any]] = []
        self.log: list[tuple[str, dict[str, str]]] = []

    def fault(self, sql: str) -> str | None:
        """The next ordered fault that concerns this query."""
        for fault in self.faults:
            if fault["match"] in sql:
                if fault["skip"]:
                    fault["skip"] -= 1
                    continue
                fault["times"] -= 1
                if not fault["times"]:
                    self.faults.remove(fault)
                return str(fault["kind"])
        return None

    def execute(self, sql: str, data: bytes, params: dict[str, str]) -> bytes:
        """Each request has a handle of its own, as it has a session on a server."""
        settings = {name: value for name, value in params.items() if name not in TRANSPORT and name[:6] != "param_"}
        values = {name[6:]: value for name, value in params.items() if name.startswith("param_")}
        self.log.append((sql, settings))
        handle = chdb.connect(self.folder)
        try:
            with tempfile.NamedTemporaryFile() as file:
                if "database" in params:
                    handle.query(f"USE `{params['database']}`")
                for name in sorted(settings, key=lambda each: each == "readonly"):  # nothing can be set after readonly
                    handle.query(f"SET {name} = '{settings[name]}'")
                if data:
                    file.write(data)
                    file.flush()
                    sql = FORMAT.sub(rf"FROM INFILE '{file.name}' FORMAT \1", sql)
                sql = named(sql, params.get("query_id", ""))
                return bytes(handle.query(sql, params.get("default_format", "TabSeparated"), params=values).bytes())
        finally:
            handle.close()


def named(sql: str, query_id: str) -> str:
    """chDB gives no names to queries, so that they carry theirs as a comment."""
    if killed := KILL.search(sql):
        return f"KILL QUERY WHERE startsWith(query, '/* {killed[1]} */') ASYNC"
    return f"/* {query_id} */ {sql}" if query_id else sql


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the head of it to be acknowledged
    server: Server

    def do_GET(self) -> None:
        asked = urlsplit(self.path).path
        self.answer(200, json.dumps(self.server.log).encode() if asked == "/log" else b"Ok.\n")

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/fault":
            self.server.faults.append({"match": "", "skip": 0, "times": 1} | json.loads(self.body()))
            return self.answer(200, b"Ok.\n")
        if url.path == "/reset":
            self.server.faults.clear()
            return self.answer(200, b"Ok.\n")
        params = {name: values[0] for name, values in parse_qs(url.query, True).items()}
        sql, data = self.query(params)
        if not self.authorized():
            return self.exception("Code: 516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)")
        kind, _, detail = (self.server.fault(sql) or "").partition(":")
        if kind == "before":
            return self.drop()
        if kind.isdecimal():
            return self.answer(int(kind), b"Service unavailable")
        if kind == "code":
            return self.exception(f"Code: {detail}. DB::Exception: {TROUBLES[detail]}")
        if kind == "slow":
            time.sleep(float(detail))
        try:
            body = self.server.execute(sql, data, params)
        except Exception as error:
            return self.exception(str(error))
        if kind == "after":
            return self.drop()
        late = f"Code: {detail}. DB::Exception: {TROUBLES[detail]}" if kind == "late" else ""
        return self.answer(200, body, sql=sql, query_id=params.get("query_id"), late=late, cut=kind == "cut")

    def query(self, params: dict[str, str]) -> tuple[str, bytes]:
        """The SQL, and the rows behind an INSERT."""
        body = self.body()
        if "query" in params:
            return params["query"], body
        inserted = INSERT.match(body)
        at = inserted.end() if inserted else len(body)
        return body[:at].decode().strip(), body[at:]

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(chunks)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") != "lz4":
            return body
        with lz4.frame.open(BytesIO(body)) as frames:  # `decompress` reads the first frame only: rows would be lost
            return bytes(frames.read())

    def authorized(self) -> bool:
        given = self.headers.get("Authorization", "Basic ").removeprefix("Basic ")
        return b64decode(given).decode() == f"default:{self.server.password}"

    def exception(self, text: str) -> None:
        found = CODE.search(text)
        code = found[1] if found else "1002"
        self.answer(STATUS.get(code, 500), text.encode(), code=code)

    def answer(
        self, status: int, body: bytes, code: str = "", sql: str = "", query_id: str | None = None,
        late: str = "", cut: bool = False,
    ) -> None:  # fmt: skip
        if late:
            ending = f"\r\n__exception__\r\n{TAG}\r\n{late}\n{len(late)} {TAG}\r\n__exception__\r\n"
            body = body[: len(body) // 2] + ending.encode()
        asked = FORMAT.search(sql)
        headers: dict[str, Any] = {"Content-Length": len(body), "X-ClickHouse-Timezone": "UTC"}
        headers |= {"X-ClickHouse-Query-Id": query_id or "", "X-ClickHouse-Summary": "{}"}
        headers |= {"X-ClickHouse-Format": asked[1] if asked else "TabSeparated", "X-ClickHouse-Exception-Tag": TAG}
        headers |= {"X-ClickHouse-Exception-Code": code} if code else {}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.wfile.flush()
            time.sleep(0.05)  # a reset would take back what is on its way
            self.drop()

    def drop(self) -> None:
        self.close_connection = True
        # a reset, which is what a dying server or a proxy sends
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Tests read /log instead."""


if __name__ == "__main__":
    server = Server(*sys.argv[1:4])
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # ends when the test's process does, however it dies
    server.shutdown()
    server.keep.close()
