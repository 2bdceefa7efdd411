"""The loopback server of http_server.py in a process of its own, and what tests ask of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from assay.engine import Dsn, parse_dsn

PASSWORD = "s3c:r/t@#%"


class Server:
    """`certificate` is a PEM file with its key: the server then speaks TLS only, and orders are not taken."""

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        command = [sys.executable, str(Path(__file__).with_name("http_server.py")), str(folder), PASSWORD]
        command += [str(certificate)] if certificate else []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin
        assert self._process.stdout
        self._stop = self._process.stdin.close
        self.port = int(self._process.stdout.readline())

    def url(self, password: str = PASSWORD) -> str:
        return f"clickhouse://default:{quote(password, safe='')}@127.0.0.1:{self.port}/default"

    def dsn(self, password: str = PASSWORD) -> Dsn:
        return parse_dsn(self.url(password))

    def fault(self, kind: str, match: str = "", times: int = 1, skip: int = 0) -> None:
        """Order a fault for `times` queries that contain `match`, after `skip` of them."""
        self._ask("fault", {"kind": kind, "match": match, "times": times, "skip": skip})

    def reset(self) -> None:
        """Forget the faults that did not happen."""
        self._ask("reset", {})

    def executed(self, match: str) -> int:
        """How many queries with this text reached the engine."""
        return len(self.settings(match))

    def settings(self, match: str = "") -> list[dict[str, str]]:
        """Of the queries with this text that reached the engine."""
        return [settings for sql, settings in json.loads(self._ask("log")) if match in sql]

    def _ask(self, path: str, content: object = None) -> bytes:
        body = None if content is None else json.dumps(content).encode()
        with urlopen(f"http://127.0.0.1:{self.port}/{path}", body) as answer:
            return bytes(answer.read())

    def close(self) -> None:
        self._stop()
        self._process.wait(30)
        assert self._process.stdout
        self._process.stdout.close()


@contextmanager
def serving(folder: Path, certificate: Path | None = None) -> Iterator[Server]:
    server = Server(folder, certificate)
    try:
        yield server
    finally:
        server.close()
