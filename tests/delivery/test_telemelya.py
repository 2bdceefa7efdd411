"""Round trips through Telemelya, a Bot API server from PyPI that nobody here wrote. It has no sendMediaGroup."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

for _package in ("telegram", "telemelya", "fakeredis", "moto"):
    pytest.importorskip(_package)

from PIL import Image  # noqa: E402

from assay.delivery import Block, Channels, FileLedger, Message, Route, deliver  # noqa: E402
from assay.delivery.channels.telegram import Telegram  # noqa: E402

pytestmark = pytest.mark.slow  # the server takes seconds to start
NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)


def get(url: str) -> Any:
    with urlopen(Request(url, headers={"Authorization": "Bearer any"}), timeout=10) as answer:
        body = answer.read()
    return json.loads(body) if body.startswith((b"{", b"[")) else body


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("telemelya_server.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        for _ in range(200):
            try:
                assert get(f"{url}/api/v1/test/health")["ok"]
                break
            except URLError:
                time.sleep(0.1)
        yield url
        process.kill()


def picture() -> bytes:
    found = BytesIO()
    Image.new("RGB", (40, 30), "green").save(found, "PNG")
    return found.getvalue()


def test_a_fire_with_a_chart_and_its_resolve(server: str, tmp_path: Path) -> None:
    chart, labels = picture(), {"route": "chat"}
    fire = Message(
        "a", "Views <fell> & fell", "10, expected 20", (Block("Views", "", chart),), "critical", created=NOW,
        labels=labels, kind="fire",
    )  # fmt: skip
    over = Message("b", "Views are back", "20", created=NOW, labels=labels, kind="resolve", episode="a")
    routes = {"chat": Route("chat", "telegram", {"chat": "-100"})}
    channels = Channels(routes, lambda _: Telegram("-100", bot="123456:abc", base_url=server))
    receipts = [
        receipt for each in (fire, over)
        for receipt in deliver([each], routes, channels, FileLedger(tmp_path / "sent.jsonl"), NOW)
    ]  # fmt: skip
    assert [each.status for each in receipts] == ["sent", "sent"]
    told = get(f"{server}/api/v1/test/responses?session_id=default")
    first, second = told["responses"] if isinstance(told, dict) else told
    assert (first["method"], first["caption"]) == (
        "sendPhoto",
        f"<b>🔴 Views &lt;fell&gt; &amp; fell</b>\n10, expected 20\n\n{fire.mark}",
    )
    assert get(f"{server}/api/v1/test/media/{first['file_id']}?session_id=default") == chart
    assert (second["method"], second["raw"]["parse_mode"]) == ("sendMessage", "HTML")
    assert second["text"] == "<b>✅ Views are back</b>\n20"
    assert second["raw"]["reply_parameters"]["message_id"] == first["message_id"]
    assert [each.reference for each in receipts] == [str(first["message_id"]), str(second["message_id"])]


def test_buttons_are_sent_answered_and_replaced(server: str) -> None:
    """It hands out no updates, so the press is our own; the calls that follow from it are not."""
    from assay.delivery.buttons import answered, keyboard
    from assay.delivery.presses import Press, Presses
    from assay.delivery.telegram_bot import Bot

    fire = Message("a", "Views fell", "10", created=NOW, kind="fire", incidents=("fc5de6cff1889ba4",))
    chat = Telegram("-200", bot="123456:abc", base_url=server, buttons=True)
    number = int(chat.send(fire).reference)
    chat.close()
    rows = keyboard(fire.incidents)
    press, presses = Press("q1", "Ann", "ack:fc5de6cf", ("-200",), number, rows), Presses(Bot("123456:abc", server))
    presses.answer(press, "Acknowledged by Ann")
    presses.edit(press, answered(rows, press.data, "Acknowledged by Ann"))
    presses.close()
    told = get(f"{server}/api/v1/test/responses?session_id=default")
    sent, told_back, edited = (told["responses"] if isinstance(told, dict) else told)[-3:]
    assert texts(sent) == [["Acknowledge", "Snooze 1 h"], ["Useful", "Noise"]]
    assert (told_back["method"], told_back["text"]) == ("answerCallbackQuery", "Acknowledged by Ann")
    assert (edited["method"], edited["message_id"]) == ("editMessageReplyMarkup", number)
    assert texts(edited) == [["Acknowledged by Ann"], ["Useful", "Noise"]]


def texts(told: Any) -> list[list[str]]:
    """The buttons of a call."""
    found = told.get("reply_markup") or told["raw"]["reply_markup"]
    rows = (json.loads(found) if isinstance(found, str) else found)["inline_keyboard"]
    return [[each["text"] for each in row] for row in rows]
