"""One contract for every ledger, and what a file must survive."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from assay.delivery import Entry, FileLedger, Ledger, MemoryLedger
from assay.errors import DeliveryError

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
LEDGERS: dict[str, Callable[[Path], Ledger]] = {
    "memory": lambda _: MemoryLedger(),
    "file": lambda folder: FileLedger(folder / "outbox" / "ledger.jsonl"),
}


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    return LEDGERS[request.param](tmp_path)


def test_only_a_finished_send_counts(ledger: Ledger) -> None:
    assert ledger.sent_at("a") is None
    ledger.record(Entry(("a",), "sending", NOW))
    ledger.record(Entry(("a",), "failed", NOW))
    assert ledger.sent_at("a") is None
    ledger.record(Entry(("a", "b"), "sent", NOW))
    assert (ledger.sent_at("a"), ledger.sent_at("b"), ledger.sent_at("c")) == (NOW, NOW, None)


def test_the_last_send_counts(ledger: Ledger) -> None:
    later = NOW + timedelta(hours=4)
    for at in (later, NOW):
        ledger.record(Entry(("a",), "sent", at))
    ledger.record(Entry(("a",), "failed", later + timedelta(hours=1)))
    assert ledger.sent_at("a") == later


def test_keys_are_any_text(ledger: Ledger) -> None:
    key = 'Пермь: "<a>\\\n\u2028'
    ledger.record(Entry((key,), "sent", NOW, "ref"))
    assert ledger.sent_at(key) == NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def test_a_file_is_remembered_and_shared(path: Path) -> None:
    one, two = FileLedger(path), FileLedger(path)
    one.record(Entry(("a",), "sent", NOW))
    assert two.sent_at("a") == NOW
    two.record(Entry(("b",), "sent", NOW))
    assert (one.sent_at("b"), FileLedger(path).sent_at("a")) == (NOW, NOW)


def test_a_line_is_json(path: Path) -> None:
    FileLedger(path).record(Entry(("a",), "sent", NOW, "folder/a"))
    assert json.loads(path.read_text()) == {
        "keys": ["a"],
        "state": "sent",
        "at": "2025-10-07T12:00:00+00:00",
        "reference": "folder/a",
    }


def test_a_crash_at_any_byte_loses_only_the_unacknowledged_line(path: Path) -> None:
    FileLedger(path).record(Entry(("a",), "sent", NOW))
    whole = path.read_bytes()
    FileLedger(path).record(Entry(("b",), "sent", NOW))
    second = path.read_bytes()[len(whole) :]
    for cut in range(len(second)):
        path.write_bytes(whole + second[:cut])
        reader = FileLedger(path)
        assert (reader.sent_at("a"), reader.sent_at("b")) == (NOW, None)
        reader.record(Entry(("c",), "sent", NOW))
        assert (reader.sent_at("c"), FileLedger(path).sent_at("c")) == (NOW, NOW)


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
    assert all(ledger.sent_at(f"{name}{number}") for name in "ab" for number in range(50))


@pytest.mark.parametrize("content", ["not json\n", "[]\n", '{"state": "sent"}\n'])
def test_a_broken_file_stops_everything(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(DeliveryError, match="E701 The ledger"):
        FileLedger(path).sent_at("a")


def test_a_ledger_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="E701 The ledger"):
        FileLedger(tmp_path).record(Entry(("a",), "sent", NOW))
