"""A folder as a web site for this machine; imported only when it is served."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from assay.errors import UsageError

HERE = "127.0.0.1"  # the site has no log-in, so nobody else is let in


class Pages(SimpleHTTPRequestHandler):
    """Files of one folder: no list of what a folder holds, and no word about each request."""

    def list_directory(self, path: Any) -> None:  # noqa: ARG002 - its caller passes it
        self.send_error(HTTPStatus.NOT_FOUND, f"No page in {self.path}")

    def log_message(self, format: str, *args: Any) -> None:
        pass


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of one folder on the loopback interface. Raises UsageError E601 when the port is not free."""
    try:
        return ThreadingHTTPServer((HERE, port), partial(Pages, directory=str(folder)))
    except OSError as error:
        raise UsageError.of(
            "E601",
            f"Port {port} cannot be used: {error.strerror or error}.",
            why="A site is served from a port of this machine that nobody else uses.",
            fix="Choose another one, or 0 for any: platform site serve --port 0.",
        ) from error
