"""From messages to receipts with real channels and ledgers; a channel of the test counts and fails on demand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.delivery import FileLedger, MemoryLedger, Message, Receipt, Route, deliver, open_channels
from assay.errors import DeliveryError

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)


def message(key: str, to: str = "product") -> Message:
    return Message(key, f"Title {key}", "Text", created=NOW, labels={"route": to})


class Recorder:
    """A channel that keeps what it is given and refuses the keys in `broken`."""

    def __init__(self, *broken: str) -> None:
        self.broken = set(broken)
        self.got: list[str] = []

    def send(self, message: Message) -> Receipt:
        if message.key in self.broken:
            raise DeliveryError.of("E701", f"{message.key} is refused.", why="The test asks for it.", fix="None.")
        self.got.append(message.key)
        return Receipt("recorder", "test", "sent", f"#{len(self.got)}")


ROUTES = {"product": Route("product", "recorder"), "chatty": Route("chatty", "recorder", repeat=timedelta(hours=4))}


def channels(recorder: Recorder) -> dict[str, Recorder]:
    return dict.fromkeys(ROUTES, recorder)


def test_the_same_tick_twice_sends_nothing_twice() -> None:
    recorder, ledger = Recorder(), MemoryLedger()
    batch = [message("a"), message("b", "chatty")]
    first = deliver(batch, ROUTES, channels(recorder), ledger, NOW)
    second = deliver(batch, ROUTES, channels(recorder), ledger, NOW)
    assert [each.status for each in first] == ["sent", "sent"]
    assert [each.status for each in second] == ["skipped", "skipped"]
    assert all("sent at" in each.detail for each in second)
    assert sorted(recorder.got) == ["a", "b"]


def test_it_is_said_again_while_it_lasts() -> None:
    recorder, ledger = Recorder(), MemoryLedger()
    for hours in range(13):
        deliver([message("a", "chatty")], ROUTES, channels(recorder), ledger, NOW + timedelta(hours=hours))
    assert len(recorder.got) == len(set(recorder.got)) == 4  # at 0, 4, 8 and 12 hours


def test_a_failed_send_stops_nothing_and_is_tried_again() -> None:
    recorder, ledger = Recorder("b"), MemoryLedger()
    batch = [message(key) for key in "abc"]
    receipts = deliver(batch, ROUTES, channels(recorder), ledger, NOW)
    assert [each.status for each in receipts] == ["sent", "failed", "sent"]
    assert receipts[1].detail.startswith("b: E701 b is refused.")
    recorder.broken.clear()
    assert [each.status for each in deliver(batch, ROUTES, channels(recorder), ledger, NOW)].count("sent") == 1
    assert recorder.got == ["a", "c", "b"]


def test_the_ledger_hears_of_every_step() -> None:
    ledger = MemoryLedger()
    deliver([message("a"), message("b")], ROUTES, channels(Recorder("b")), ledger, NOW)
    steps = [(each.keys, each.state, each.reference) for each in ledger.entries]
    assert steps == [
        (("product:a",), "sending", ""),
        (("product:a",), "sent", "#1"),
        (("product:b",), "sending", ""),
        (("product:b",), "failed", ""),
    ]


def test_an_unknown_route_fails_and_is_told() -> None:
    (receipt,) = deliver([message("a", "nowhere")], ROUTES, {}, MemoryLedger(), NOW)
    assert (receipt.status, receipt.detail) == ("failed", "a: there is no route 'nowhere'")


def test_one_key_on_two_routes_is_two_messages() -> None:
    recorder = Recorder()
    deliver([message("a"), message("a", "chatty")], ROUTES, channels(recorder), MemoryLedger(), NOW)
    assert recorder.got == ["a", "a"]


def test_a_crash_between_send_and_ledger_does_not_double_the_outbox(tmp_path: Path) -> None:
    routes = {"product": Route("product", "outbox", {"path": tmp_path / "outbox"})}
    batch = [message("daily:2025-10-06")]
    first, second = (
        deliver(batch, routes, open_channels(routes), FileLedger(tmp_path / name), NOW) for name in ("lost", "found")
    )
    assert (first[0].status, second[0].status) == ("sent", "skipped")
    assert len(list((tmp_path / "outbox").iterdir())) == 1
    assert FileLedger(tmp_path / "found").sent_at("product:daily:2025-10-06") == NOW


def test_without_a_ledger_nothing_is_sent(tmp_path: Path) -> None:
    recorder = Recorder()
    with pytest.raises(DeliveryError, match="ledger"):
        deliver([message("a")], ROUTES, channels(recorder), FileLedger(tmp_path), NOW)
    assert recorder.got == []
