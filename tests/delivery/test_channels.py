"""The channels: a contract for all, and the outbox's files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.delivery import Block, Channel, Message, channel_names, open_channel
from assay.delivery.channels.outbox import Outbox, folder_name, render
from assay.delivery.channels.stdout import Stdout
from assay.errors import DeliveryError

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"
HOSTILE = """<script>alert("&'")</script>"""
MESSAGE = Message(
    "daily:2025-10-06",
    "Daily report",
    "DAU 22K (+5.6 %)",
    (Block("Views", "544K", PNG, "views.png"), Block("Likes", "112K"), Block("CTR", "20.6 %", PNG + b"2", "../ctr")),
    severity="warning",
    created=NOW,
    labels={"route": "product"},
)
MAKERS: dict[str, Callable[[Path], Channel]] = {
    "outbox": lambda folder: Outbox(folder / "outbox"),
    "stdout": lambda _: Stdout(io.StringIO()),
}


SERVICES = {"telegram", "apprise"}  # they need a server: their tests are in files of their own


def test_every_channel_is_under_contract() -> None:
    assert set(channel_names()) == set(MAKERS) | SERVICES


@pytest.mark.parametrize("name", MAKERS)
class TestContract:
    def test_a_message_is_sent(self, name: str, tmp_path: Path) -> None:
        receipt = MAKERS[name](tmp_path).send(MESSAGE)
        assert (receipt.channel, receipt.status, receipt.detail) == (name, "sent", "")
        assert receipt.recipient
        assert receipt.reference

    def test_any_text_is_sent(self, name: str, tmp_path: Path) -> None:
        hostile = Message(HOSTILE, HOSTILE, HOSTILE, (Block(HOSTILE, HOSTILE, PNG, HOSTILE),), created=NOW)
        assert MAKERS[name](tmp_path).send(hostile).status == "sent"


def test_an_unknown_channel_is_met_with_a_suggestion() -> None:
    with pytest.raises(DeliveryError, match="Did you mean 'outbox'"):
        open_channel("outbx", {})


def test_a_channel_opens_with_the_options_of_a_route(tmp_path: Path) -> None:
    assert open_channel("outbox", {"path": str(tmp_path)}).send(MESSAGE).recipient == str(tmp_path)


def test_the_outbox_writes_one_folder(tmp_path: Path) -> None:
    folder = Path(Outbox(tmp_path).send(MESSAGE).reference)
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]
    assert sorted(each.name for each in folder.iterdir()) == [
        "01-views.png",
        "03-ctr.png",
        "message.html",
        "message.json",
        "message.txt",
    ]
    assert (folder / "03-ctr.png").read_bytes() == PNG + b"2"
    assert (folder / "message.txt").read_text(encoding="utf-8") == (
        "Daily report\n\nDAU 22K (+5.6 %)\n\nViews\n544K\n[01-views.png]\n\nLikes\n112K\n\nCTR\n20.6 %\n[03-ctr.png]\n"
    )
    assert json.loads((folder / "message.json").read_bytes()) == {
        "key": "daily:2025-10-06",
        "title": "Daily report",
        "text": "DAU 22K (+5.6 %)",
        "severity": "warning",
        "kind": "note",
        "episode": "",
        "created": "2025-10-07T12:00:00+00:00",
        "labels": {"route": "product"},
        "blocks": [
            {"title": "Views", "text": "544K", "image": "01-views.png"},
            {"title": "Likes", "text": "112K", "image": None},
            {"title": "CTR", "text": "20.6 %", "image": "03-ctr.png"},
        ],
    }


def test_the_same_key_is_written_once(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    first, second = outbox.send(MESSAGE), outbox.send(MESSAGE)
    assert (second.status, second.detail, second.reference) == ("skipped", "already there", first.reference)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    path.write_text("a file where a folder should be")
    with pytest.raises(DeliveryError) as caught:
        Outbox(path).send(MESSAGE)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E701"
    assert all((diagnostic.message, diagnostic.why, diagnostic.fix))
    assert path.is_file()


def test_an_interrupted_write_is_not_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(DeliveryError, match="No space left"):
            Outbox(tmp_path).send(MESSAGE)
    assert list(tmp_path.iterdir()) == []
    assert Outbox(tmp_path).send(MESSAGE).status == "sent"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(), st.text())
def test_no_text_becomes_markup(title: str, text: str) -> None:
    page = Tags()
    message = Message("k", HOSTILE + title, text, (Block(HOSTILE, text, PNG, HOSTILE),), created=NOW)
    page.feed(render(message)["message.html"].decode())
    assert [tag for tag in page.tags if tag != "p"] == [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "img",
    ]
    assert page.text.count(HOSTILE) == 3  # the page's title, its heading and the block's heading


def test_text_that_is_not_unicode_is_written_with_a_mark(tmp_path: Path) -> None:
    receipt = Outbox(tmp_path).send(Message("k", "t", "half a \ud83d", created=NOW))
    assert Path(receipt.reference, "message.txt").read_text() == "t\n\nhalf a ?\n"


@given(st.text(min_size=1), st.text(min_size=1))
def test_folder_names_are_safe_and_distinct(one: str, two: str) -> None:
    name = folder_name(one)
    assert Path(name).name == name
    assert name.isascii()
    assert not name.startswith(".")
    assert len(name) <= 89
    assert (name.lower() == folder_name(two).lower()) == (one == two)


def test_stdout_shows_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    Stdout().send(MESSAGE)
    assert capsys.readouterr().out.startswith("Daily report\n\nDAU 22K (+5.6 %)\n\nViews\n544K\n[views.png]\n")


def test_a_broken_output_is_a_delivery_error() -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (closed, io.TextIOWrapper(io.BytesIO(), encoding="ascii")):
        with pytest.raises(DeliveryError, match="E701"):
            Stdout(stream).send(Message("k", "Ответ", "", created=NOW))
