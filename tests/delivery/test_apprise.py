"""Any service of Apprise, shown by the one that posts JSON to an address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

pytest.importorskip("apprise")

from assay.delivery import Message, Refused, Uncertain, open_channel

# apprise 2.2 imports a module that Python has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MESSAGE = Message("a", "Views fell", "10 & <20>", severity="critical", created=datetime(2025, 10, 7, tzinfo=UTC))


@pytest.fixture
def service() -> Iterator[tuple[str, list[Any], list[int]]]:
    got: list[Any] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silence."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_address[1]}/secret", got, answers
        server.shutdown()


def test_title_text_and_kind_arrive(service: Any) -> None:
    url, got, _ = service
    receipt = open_channel("apprise", {"url": url}).send(MESSAGE)
    assert (receipt.channel, receipt.recipient, receipt.status) == ("apprise", "json://…", "sent")
    assert [(each["title"], each["message"], each["type"]) for each in got] == [("Views fell", "10 & <20>", "failure")]


def test_a_service_that_does_not_take_it_may_have_taken_it(service: Any) -> None:
    url, _, answers = service
    answers.append(500)
    with pytest.raises(Uncertain) as caught:
        open_channel("apprise", {"url": url}).send(MESSAGE)
    assert "secret" not in str(caught.value)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="does not understand the address nothing") as caught:
        open_channel("apprise", {"url": "nothing://secret"}).send(MESSAGE)
    assert "secret" not in str(caught.value)
