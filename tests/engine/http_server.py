"""ClickHouse's HTTP interface over chDB, as far as clickhouse-connect needs it, for tests on the loopback.

    python http_server.py FOLDER PASSWORD     prints its port, serves until its standard input closes

Faithful: POST with the query in the body or in `?query=`, `param_*`, settings, `database`, `default_format`, bodies in
lz4, Basic authentication, X-ClickHouse-* headers, exceptions with their code, /ping. Not covered: users and roles,
compressed answers, progress headers, TLS, replication.

Faults are ordered by GET /fault?kind=K&times=N&match=TEXT for queries that contain TEXT. Kinds: a number (that HTTP
status before execution), `before` and `after` (the connection drops before or after execution), `code:N` (a ClickHouse
exception). GET /log returns the queries that were executed.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import tempfile
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import chdb
import lz4.frame

INSERT = re.compile(rb"\s*INSERT\s[^\n]*\bFORMAT\s+(\w+)\s*\n", re.IGNORECASE)
FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*$", re.IGNORECASE)
CODE = re.compile(r"Code: (\d+)")
STATUS = {"516": 403, "497": 403, "60": 404, "81": 404, "62": 400, "36": 400, "159": 408, "202": 503}
TRANSPORT = {
    "query", "database", "default_format", "query_id", "session_id", "session_timeout", "wait_end_of_query",
    "client_protocol_version", "send_progress_in_http_headers", "http_headers_progress_interval_ms", "compress",
    "enable_http_compression", "cancel_http_readonly_queries_on_client_close", "role", "quota_key",
}  # fmt: skip
TROUBLES = {"202": "Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)", "999": "Session expired. (KEEPER)"}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: str, password: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.password = folder, password
        self.keep = chdb.connect(folder)  # the first handle starts the engine, the last one stops it
        self.lock = threading.Lock()
        self.faults: list[tuple[str, str]] = []
        self.log: list[str] = []

    def fault(self, sql: str) -> str | None:
        """The next ordered fault that concerns this query."""
        for fault in self.faults:
            if fault[1] in sql:
                self.faults.remove(fault)
                return fault[0]
        return None

    def execute(self, sql: str, data: bytes, params: dict[str, str]) -> bytes:
        """Each request has a handle of its own, as it has a session on a server."""
        settings = {name: value for name, value in params.items() if name not in TRANSPORT and name[:6] != "param_"}
        values = {name[6:]: value for name, value in params.items() if name.startswith("param_")}
        with self.lock, tempfile.NamedTemporaryFile() as file:
            self.log.append(sql)
            handle = chdb.connect(self.folder)
            try:
                if "database" in params:
                    handle.query(f"USE `{params['database']}`")
                for name in sorted(settings, key=lambda each: each == "readonly"):  # nothing can be set after readonly
                    handle.query(f"SET {name} = '{settings[name]}'")
                if data:
                    file.write(data)
                    file.flush()
                    sql = FORMAT.sub(rf"FROM INFILE '{file.name}' FORMAT \1", sql)
                return bytes(handle.query(sql, params.get("default_format", "TabSeparated"), params=values).bytes())
            finally:
                handle.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/fault":
            self.server.faults += [(asked["kind"], asked.get("match", ""))] * int(asked.get("times", 1))
        body = json.dumps(self.server.log).encode() if url.path == "/log" else b"Ok.\n"
        self.answer(200, body)

    def do_POST(self) -> None:
        params = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, True).items()}
        sql, data = self.query(params)
        if not self.authorized():
            return self.exception("Code: 516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)")
        fault = self.server.fault(sql)
        if fault == "before":
            return self.drop()
        if fault and fault.isdecimal():
            return self.answer(int(fault), b"Service unavailable")
        if fault and fault.startswith("code:"):
            return self.exception(f"Code: {fault[5:]}. DB::Exception: {TROUBLES[fault[5:]]}")
        try:
            body = self.server.execute(sql, data, params)
        except Exception as error:
            return self.exception(str(error))
        return self.drop() if fault == "after" else self.answer(200, body, sql=sql, query_id=params.get("query_id"))

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
        return bytes(lz4.frame.decompress(body)) if self.headers.get("Content-Encoding") == "lz4" else body

    def authorized(self) -> bool:
        given = self.headers.get("Authorization", "Basic ").removeprefix("Basic ")
        return b64decode(given).decode() == f"default:{self.server.password}"

    def exception(self, text: str) -> None:
        found = CODE.search(text)
        code = found[1] if found else "1002"
        self.answer(STATUS.get(code, 500), text.encode(), code=code)

    def answer(self, status: int, body: bytes, code: str = "", sql: str = "", query_id: str | None = None) -> None:
        asked = FORMAT.search(sql)
        headers: dict[str, Any] = {"Content-Length": len(body), "X-ClickHouse-Timezone": "UTC"}
        headers |= {"X-ClickHouse-Query-Id": query_id or "", "X-ClickHouse-Summary": "{}"}
        headers |= {"X-ClickHouse-Format": asked[1] if asked else "TabSeparated"}
        headers |= {"X-ClickHouse-Exception-Code": code} if code else {}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def drop(self) -> None:
        self.close_connection = True
        # a reset, which is what a dying server or a proxy sends
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Tests read /log instead."""


if __name__ == "__main__":
    server = Server(*sys.argv[1:3])
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # ends when the test's process does, however it dies
    server.shutdown()
    server.keep.close()
