"""From messages to receipts with real ledgers; a channel of the test counts and fails on demand."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.delivery import (
    Channels,
    Escalation,
    FileLedger,
    Hints,
    Later,
    Limit,
    MemoryLedger,
    Message,
    Moved,
    Patience,
    Quiet,
    Receipt,
    Refused,
    Route,
    Uncertain,
    deliver,
    plan,
)
from assay.delivery.channels.registry import NO_HINTS, Channel
from assay.errors import DeliveryError

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def message(key: str, to: str = "product", **fields: Any) -> Message:
    labels = {"route": to} | fields.pop("labels", {})
    return Message(key, f"Title {key}", fields.pop("text", "Text"), created=NOW, labels=labels, **fields)


def fault(kind: Any, **more: Any) -> Any:
    found = kind.told("It failed.", "The test asks for it.", "None.", more.pop("parts", ()))
    for name, value in more.items():
        setattr(found, name, value)
    return found


class Recorder(Channel):
    """Keeps what it is given, after the failures that it was told to make."""

    def __init__(self, *failures: Any) -> None:
        self.failures = list(failures)
        self.got: list[tuple[str, str]] = []  # route and text
        self.hints: list[Hints] = []

    def opened(self, found: Route) -> Channel:
        return _On(self, found.name)

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.got]


class _On(Channel):
    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder, self.name = recorder, name

    def send(self, message: Message, hints: Hints = NO_HINTS) -> Receipt:
        failure = self.recorder.failures.pop(0) if self.recorder.failures else None
        self.recorder.hints.append(hints)
        if failure is not None:
            raise failure
        self.recorder.got.append((f"{self.name}:{message.key}", message.text))
        return Receipt("recorder", "test", "sent", f"#{len(self.recorder.got)}")

    def close(self) -> None:
        """Nothing is open."""


ROUTES = {
    each.name: each
    for each in (
        Route("product", "recorder", {"to": "product"}, fallback="mail"),
        Route("mail", "recorder", {"to": "mail"}),
        Route("chatty", "recorder", {"to": "chatty"}, repeat=4 * HOUR),
        Route("night", "recorder", {"to": "night"}, quiet=Quiet(time(12), time(14), "UTC")),
        Route("duty", "recorder", {"to": "duty"}, escalate=Escalation(HOUR / 2, "mail")),
        Route("few", "recorder", {"to": "few"}, limits=(Limit(2, HOUR),)),
    )
}


class Bench:
    """A ledger and a channel that live through several ticks."""

    def __init__(self, *failures: Any, ledger: Any = None) -> None:
        self.recorder, self.ledger = Recorder(*failures), ledger or MemoryLedger()
        self.pauses: list[float] = []

    def tick(self, *messages: Message, at: timedelta = timedelta(0), **more: Any) -> tuple[Receipt, ...]:
        channels = Channels(ROUTES, self.recorder.opened)
        patience = Patience(pause=self.pauses.append)
        return deliver(messages, ROUTES, channels, self.ledger, NOW + at, patience=patience, **more)

    def states(self) -> dict[str, str]:
        return {key: each.state for key, each in self.ledger.read().records.items()}


def test_the_same_tick_twice_sends_nothing_twice() -> None:
    bench, batch = Bench(), [message("a"), message("b", "chatty")]
    assert [each.status for each in bench.tick(*batch)] == ["sent", "sent"]
    second = bench.tick(*batch)
    assert [each.status for each in second] == ["skipped", "skipped"]
    assert all("sent at" in each.detail for each in second)
    assert sorted(bench.recorder.keys) == ["chatty:b", "product:a"]


def test_it_is_said_again_while_it_lasts() -> None:
    bench = Bench()
    for hours in range(13):
        bench.tick(message("a", "chatty"), at=hours * HOUR)
    assert len(bench.recorder.keys) == len(set(bench.recorder.keys)) == 4  # at 0, 4, 8 and 12 hours


def test_the_ledger_hears_of_every_step() -> None:
    bench = Bench(None, fault(Refused))
    bench.tick(message("a", "mail"), message("b", "mail"))
    assert [(each.keys, each.state, each.reference) for each in bench.ledger.entries] == [
        (("a:note:mail",), "planned", ""),
        (("b:note:mail",), "planned", ""),
        (("a:note:mail",), "sending", ""),
        (("a:note:mail",), "sent", "#1"),
        (("b:note:mail",), "sending", ""),
        (("b:note:mail",), "failed", ""),
    ]


def test_a_refused_message_stops_nothing_and_is_tried_when_it_is_said_again() -> None:
    bench, batch = Bench(None, fault(Refused)), [message(key, "mail") for key in "abc"]
    receipts = bench.tick(*batch)
    assert [each.status for each in receipts] == ["sent", "failed", "sent"]
    assert receipts[1].detail.startswith("b: E701 It failed.")
    assert [each.status for each in bench.tick(*batch)].count("sent") == 1
    assert bench.recorder.keys == ["mail:a", "mail:c", "mail:b"]


def test_a_refused_message_goes_to_the_next_route_with_a_note() -> None:
    bench = Bench(fault(Refused))
    bench.tick(message("a", severity="critical"))
    assert bench.recorder.keys == ["mail:a", "mail:delivery_failed:product:2025-10-07"]
    bench.recorder.failures = [fault(Refused)]
    bench.tick(message("b"), at=HOUR)
    assert bench.recorder.keys[2:] == ["mail:b"]  # the note is said once a day


def test_a_service_that_asks_to_wait_is_obeyed_within_the_tick() -> None:
    bench = Bench(fault(Later, after=timedelta(seconds=7), everybody=True))
    receipts = bench.tick(message("a", "mail"), message("b", "mail"))
    assert [each.status for each in receipts] == ["sent", "sent"]
    assert (bench.pauses, bench.recorder.keys) == ([7.0], ["mail:a", "mail:b"])


def test_and_over_processes_for_all_that_goes_there() -> None:
    bench = Bench(None, fault(Later, after=timedelta(minutes=40), everybody=True))
    (_, first) = bench.tick(message("a", "mail"), message("b", "mail"), message("c", "chatty"))
    assert (first.status, "Tried again from 2025-10-07T12:40" in first.detail) == ("failed", True)
    assert bench.recorder.keys == ["chatty:c"]
    bench.tick(at=HOUR / 2)
    assert bench.recorder.keys == ["chatty:c"]
    bench.tick(at=HOUR)
    assert bench.recorder.keys == ["chatty:c", "mail:a", "mail:b"]
    assert bench.pauses == []


def test_a_dead_network_is_tried_again_and_again_until_it_is_no_news() -> None:
    bench = Bench()
    ticks = 0
    while bench.states().get("a:note:mail") != "failed":
        bench.recorder.failures = [fault(Later, everybody=True)] * 50
        bench.tick(*([message("a", "mail")] if not ticks else []), at=ticks * HOUR / 4)
        ticks += 1
    assert 24 * 4 < ticks <= 24 * 4 + 2
    assert max(bench.pauses) <= 20


@pytest.mark.parametrize("severity", ["info", "warning", "critical"])
def test_what_may_have_arrived_is_repeated_once_if_it_is_critical(severity: Any) -> None:
    bench = Bench(fault(Uncertain), fault(Uncertain))
    one = message("a", "mail", severity=severity)
    (receipt,) = bench.tick(one)
    assert (receipt.status, bench.states()) == ("failed", {"a:note:mail": "unknown"})
    bench.tick(one)
    assert bench.recorder.keys == []
    assert len(bench.recorder.hints) == (2 if severity == "critical" else 1)
    bench.recorder.failures = [fault(Uncertain)]
    other = message("b", "mail", severity=severity)
    bench.tick(other, at=HOUR)
    marked = [("mail:b", f"possible repeat · {other.mark}\n\nText")]
    assert bench.recorder.got == (marked if severity == "critical" else [])


def test_the_rest_of_a_long_message_follows_what_has_arrived() -> None:
    bench = Bench(fault(Later, after=timedelta(seconds=1), parts=("11",)))
    (first, rest) = bench.tick(message("a", "mail"))
    assert (first.status, first.reference, rest.status) == ("sent", "11", "sent")
    assert [each.parts for each in bench.recorder.hints] == [(), ("11",)]
    assert bench.states() == {"a:note:mail": "sent", "a:rest:note:mail": "sent"}
    assert not [each for each in bench.tick(message("a", "mail"), at=HOUR) if each.status != "skipped"]


def test_the_rest_that_may_have_arrived_is_not_repeated() -> None:
    bench = Bench(fault(Uncertain, parts=("11",)))
    bench.tick(message("a", "mail", severity="critical"))
    assert bench.states() == {"a:note:mail": "sent", "a:rest:note:mail": "unknown"}
    assert len(bench.recorder.hints) == 1


def test_a_chat_that_moved_is_remembered() -> None:
    bench = Bench(fault(Moved, old="-1", new="-2"))
    assert [each.status for each in bench.tick(message("a", "mail"))] == ["sent"]
    bench.tick(message("b", "mail"))
    assert [each.moved for each in bench.recorder.hints] == [{}, {"-1": "-2"}, {"-1": "-2"}]


def test_a_service_that_moves_for_ever_does_not_hold_us() -> None:
    bench = Bench(*[fault(Moved, old="-1", new="-1")] * 100)
    (receipt,) = bench.tick(message("a", "mail"))
    assert receipt.status == "failed"
    assert len(bench.recorder.hints) < 10


def test_quiet_hours_end_with_a_digest() -> None:
    bench = Bench()
    batch = [message("a", "night"), message("b", "night", severity="warning")]
    receipts = bench.tick(*batch, message("c", "night", severity="critical"))
    assert [each.status for each in receipts] == ["sent", "skipped", "skipped"]
    assert receipts[1].detail == "a: quiet hours 12:00-14:00, until 2025-10-07T14:00:00+00:00"
    bench.tick(at=HOUR)
    bench.tick(*batch, at=2 * HOUR)
    assert bench.recorder.keys[0] == "night:c"
    assert bench.recorder.got[1][1] == "• 07 Oct 12:00 Title b: Text\n• 07 Oct 12:00 Title a: Text"
    assert len(bench.recorder.got) == 2


class Seen:
    def by(self, episode: str) -> str:
        return "anna" if episode == "a" else ""


def test_nobody_answers_and_somebody_else_is_told() -> None:
    bench = Bench()
    bench.tick(message("a", "duty", kind="fire"))
    bench.tick(at=HOUR / 4)
    assert bench.recorder.keys == ["duty:a"]
    bench.tick(at=HOUR / 2)
    bench.tick(at=HOUR)
    assert bench.recorder.keys == ["duty:a", "mail:a"]
    bench.tick(message("over", "duty", kind="resolve", episode="a"), at=HOUR)
    assert bench.recorder.keys[2:] == ["duty:over", "mail:over"]
    assert [each.reply_to for each in bench.recorder.hints[2:]] == ["#1", "#2"]


@pytest.mark.parametrize("how", ["acknowledged", "over"])
def test_an_escalation_is_dropped_when_somebody_saw_it_or_it_is_over(how: str) -> None:
    bench = Bench()
    bench.tick(message("a", "duty", kind="fire"))
    over = [message("b", "duty", kind="resolve", episode="a")] if how == "over" else []
    bench.tick(*over, at=HOUR / 4, acknowledgements=Seen() if how == "acknowledged" else None)
    bench.tick(at=HOUR)
    assert bench.states()["a:escalation:mail"] == "cancelled"
    assert not [each for each in bench.recorder.keys if each.startswith("mail")]


def test_a_limit_leaves_a_digest() -> None:
    bench = Bench()
    bench.tick(*(message(f"m{number}", "few") for number in range(30)))
    assert len(bench.recorder.got) == 2
    assert bench.recorder.got[1][1].count("•") == 29
    bench.tick(message("late", "few"), message("bad", "few", severity="critical"), at=HOUR / 2)
    assert bench.recorder.keys[2:] == ["few:bad"]
    bench.tick(at=HOUR)
    assert bench.recorder.keys[3:] == ["few:late"]


def test_an_unknown_route_fails_and_is_told() -> None:
    (receipt,) = Bench().tick(message("a", "nowhere"))
    assert (receipt.status, receipt.detail) == ("failed", "a: there is no route 'nowhere'")


def test_one_key_on_two_routes_is_two_messages() -> None:
    bench = Bench()
    bench.tick(message("a"), message("a", "chatty"))
    assert sorted(bench.recorder.keys) == ["chatty:a", "product:a"]


def test_a_crash_between_send_and_ledger_does_not_double_the_outbox(tmp_path: Path) -> None:
    routes = {"product": Route("product", "outbox", {"path": tmp_path / "outbox"})}
    batch = [message("daily:2025-10-06")]
    first, second = (
        deliver(batch, routes, Channels(routes), FileLedger(tmp_path / name), NOW) for name in ("lost", "found")
    )
    assert (first[0].status, second[0].status) == ("sent", "skipped")
    assert len(list((tmp_path / "outbox").iterdir())) == 1
    assert FileLedger(tmp_path / "found").read().records["daily:2025-10-06:note:product"].state == "sent"


def test_an_interrupted_outbox_is_simply_written(tmp_path: Path) -> None:
    routes = {"product": Route("product", "outbox", {"path": tmp_path / "outbox"})}
    ledger, (one,) = FileLedger(tmp_path / "sent.jsonl"), [message("a")]
    plan([one], routes, ledger, NOW)

    class Crash(BaseException):
        """What no handler of errors may catch."""

    class Dying(Channel):
        def send(self, message: Message, hints: Hints = NO_HINTS) -> Receipt:  # noqa: ARG002
            raise Crash

    with pytest.raises(Crash):
        deliver([], routes, Channels(routes, lambda _: Dying()), ledger, NOW)
    assert [each.state for each in ledger.read().open()] == ["sending"]
    (receipt,) = deliver([one], routes, Channels(routes), FileLedger(ledger.path), NOW)[:1]
    assert receipt.status == "sent"


def test_while_another_process_sends_messages_are_kept_for_it(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "sent.jsonl")
    bench = Bench(ledger=FileLedger(ledger.path))
    with ledger.alone("sending", timedelta(0)):
        channels = Channels(ROUTES, bench.recorder.opened)
        patience = Patience(others=timedelta(0))
        (receipt,) = deliver([message("a")], ROUTES, channels, bench.ledger, NOW, patience=patience)
    assert (receipt.status, receipt.detail) == ("skipped", "a: another process is sending")
    assert bench.recorder.got == []
    assert [each.status for each in bench.tick()] == ["sent"]


def test_without_a_ledger_nothing_is_sent(tmp_path: Path) -> None:
    (tmp_path / "sent").write_text("a file where a folder should be")
    bench = Bench(ledger=FileLedger(tmp_path / "sent" / "sent.jsonl"))
    with pytest.raises(DeliveryError, match="ledger"):
        bench.tick(message("a"))
    assert bench.recorder.got == []
