"""One contract for every ledger, and what a file must survive."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from assay.delivery import Block, Entry, FileLedger, Ledger, Letter, MemoryLedger, Message
from assay.errors import DeliveryError

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
LEDGERS: dict[str, Callable[[Path], Ledger]] = {
    "memory": lambda _: MemoryLedger(),
    "file": lambda folder: FileLedger(folder / "outbox" / "ledger.jsonl"),
}


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    return LEDGERS[request.param](tmp_path)


def letter(key: str, **fields: Any) -> Letter:
    message = Message(key, "Title", "Text", (Block("Views", "", b"png"),), created=NOW, kind="fire")
    return Letter(message, "chat", NOW, NOW, **fields)


def sent_at(ledger: Ledger, key: str) -> datetime | None:
    record = ledger.read().records.get(key)
    return record.sent_at if record else None


def test_only_a_finished_send_counts(ledger: Ledger) -> None:
    assert sent_at(ledger, "a") is None
    ledger.record(Entry(("a",), "sending", NOW))
    ledger.record(Entry(("a",), "failed", NOW))
    assert sent_at(ledger, "a") is None
    ledger.record(Entry(("a", "b"), "sent", NOW))
    assert (sent_at(ledger, "a"), sent_at(ledger, "b"), sent_at(ledger, "c")) == (NOW, NOW, None)


def test_the_last_send_counts(ledger: Ledger) -> None:
    later = NOW + timedelta(hours=4)
    for at in (later, NOW):
        ledger.record(Entry(("a",), "sent", at))
    ledger.record(Entry(("a",), "failed", later + timedelta(hours=1)))
    assert sent_at(ledger, "a") == later


def test_keys_are_any_text(ledger: Ledger) -> None:
    key = 'Пермь: "<a>\\\n\u2028'
    ledger.record(Entry((key,), "sent", NOW, "ref"))
    assert sent_at(ledger, key) == NOW


def test_a_letter_is_kept_until_its_way_ends(ledger: Ledger) -> None:
    one, two = letter("a", attempts=2, parts=("7",), fallbacks=("mail",)), letter("b", possible_repeat=True)
    ledger.record(*(Entry((each.key,), "planned", NOW, letter=each) for each in (one, two)))
    ledger.record(Entry((one.key, two.key), "sending", NOW))
    assert [each.letter for each in ledger.read().open()] == [one, two]
    ledger.record(Entry((one.key,), "sent", NOW, "8"), Entry((two.key,), "unknown", NOW))
    past = ledger.read()
    assert past.open() == []
    assert [(each.state, each.reference, each.thread) for each in past.records.values()] == [
        ("sent", "8", "a"),
        ("unknown", "", "b"),
    ]


def test_a_recipient_that_moved_is_remembered(ledger: Ledger) -> None:
    ledger.move("-1", "-2", NOW)
    assert ledger.read().moved == {"-1": "-2"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def test_a_file_is_remembered_and_shared(path: Path) -> None:
    one, two = FileLedger(path), FileLedger(path)
    one.record(Entry(("a",), "sent", NOW))
    assert sent_at(two, "a") == NOW
    two.record(Entry(("b",), "sent", NOW))
    assert (sent_at(one, "b"), sent_at(FileLedger(path), "a")) == (NOW, NOW)


def test_a_line_is_json(path: Path) -> None:
    FileLedger(path).record(Entry(("a",), "sent", NOW, "folder/a"))
    assert json.loads(path.read_text()) == {
        "keys": ["a"],
        "state": "sent",
        "at": "2025-10-07T12:00:00+00:00",
        "reference": "folder/a",
    }


def test_a_crash_at_any_byte_loses_only_the_unacknowledged_steps(path: Path) -> None:
    FileLedger(path).record(Entry(("a",), "sent", NOW))
    whole = path.read_bytes()
    FileLedger(path).record(Entry(("b",), "sent", NOW), Entry(("b2",), "sent", NOW))
    second = path.read_bytes()[len(whole) :]
    for cut in range(len(second)):
        path.write_bytes(whole + second[:cut])
        reader = FileLedger(path)
        assert (sent_at(reader, "a"), sent_at(reader, "b"), sent_at(reader, "b2")) == (NOW, None, None)
        reader.record(Entry(("c",), "sent", NOW))
        assert (sent_at(reader, "c"), sent_at(FileLedger(path), "c")) == (NOW, NOW)


def test_pictures_are_kept_once_and_only_while_they_are_needed(path: Path) -> None:
    ledger, one, two = FileLedger(path), letter("a"), letter("b")
    ledger.record(*(Entry((each.key,), "planned", NOW, letter=each) for each in (one, two)))
    pictures = list(path.with_suffix("").iterdir())
    assert len(pictures) == 1
    for number, each in enumerate((one, two), 1):
        ledger.record(Entry((each.key,), "sent", NOW))
        with ledger.alone("sending", timedelta(0)) as ours:
            assert ours
        assert len(list(path.with_suffix("").iterdir())) == 2 - number


def test_a_lost_picture_does_not_lose_the_message(path: Path) -> None:
    one = letter("a")
    FileLedger(path).record(Entry((one.key,), "planned", NOW, letter=one))
    next(path.with_suffix("").iterdir()).unlink()
    (found,) = FileLedger(path).read().open()
    assert found.letter
    assert found.letter.message.blocks == (Block("Views", "", None),)


def test_one_process_is_alone(path: Path) -> None:
    one, two = FileLedger(path), FileLedger(path)
    with one.alone("sending", timedelta(0)) as first, two.alone("sending", timedelta(milliseconds=60)) as second:
        assert (first, second) == (True, False)
        with two.alone("planning", timedelta(0)) as other:
            assert other
    with two.alone("sending", timedelta(0)) as third:
        assert third


def _write_many(path: Path, name: str) -> None:
    for number in range(50):
        FileLedger(path).record(Entry((f"{name}{number}",), "sent", NOW))


def test_two_processes_write_at_once(path: Path) -> None:
    spawn = get_context("spawn")
    writers = [spawn.Process(target=_write_many, args=(path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    ledger = FileLedger(path)
    assert all(sent_at(ledger, f"{name}{number}") for name in "ab" for number in range(50))


@pytest.mark.parametrize("content", ["not json\n", "[1]\n", '{"state": "sent"}\n'])
def test_a_broken_file_stops_everything(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(DeliveryError, match="E701 The ledger"):
        FileLedger(path).read()


def test_a_ledger_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="E701 The ledger"):
        FileLedger(tmp_path).record(Entry(("a",), "sent", NOW))
