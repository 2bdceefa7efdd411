"""What is due becomes groups, digests and limited numbers of messages; pure, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assay.delivery import Block, Entry, Letter, Limit, MemoryLedger, Message, Past, Route
from assay.delivery.batches import Batch, Round, batches, due, reply_to

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROUTES = {
    "alone": Route("alone", "stdout", {"name": "alone"}),
    "grouped": Route("grouped", "stdout", {"name": "grouped"}, group_by=("alert",)),
    "limited": Route("limited", "stdout", {"name": "limited"}, limits=(Limit(3, HOUR),)),
    "limited_too": Route("limited_too", "stdout", {"name": "limited"}),
}


def letter(key: str, name: str = "alone", **fields: Any) -> Letter:
    labels = {"alert": "feed", "route": name} | fields.pop("labels", {})
    more = {each: fields.pop(each) for each in ("severity", "kind", "episode", "text") if each in fields}
    text = more.pop("text", f"Text {key}")
    more["blocks"] = fields.pop("pictures", ())
    return Letter(
        Message(key, f"Title {key}", text, created=NOW, labels=labels, **more),
        name,
        fields.pop("since", NOW),
        fields.pop("due", NOW),
        **fields,
    )


def now(letters: list[Letter], past: Past | None = None) -> tuple[Batch, ...]:
    return batches(letters, ROUTES, past or Past(), NOW).now


def planned(*letters: Letter, at: datetime = NOW) -> MemoryLedger:
    ledger = MemoryLedger()
    ledger.record(*(Entry((each.key,), "planned", at, letter=each) for each in letters))
    return ledger


def sent(count: int, name: str = "limited", at: datetime = NOW) -> Past:
    letters = [letter(f"old{number}", name) for number in range(count)]
    ledger = planned(*letters)
    for number, each in enumerate(letters):
        ledger.record(Entry((each.key,), "sent", at, str(number)))
    return ledger.read()


def test_without_group_by_each_goes_alone_and_unchanged() -> None:
    first, second = letter("a"), letter("b")
    assert [each.message for each in now([second, first])] == [first.message, second.message]


def test_a_group_is_one_message_with_criticals_first() -> None:
    minor = letter("a", "grouped", severity="warning", pictures=(Block("A", "a", b"png"),))
    major = letter("b", "grouped", severity="critical", labels={"city": "Perm"})
    other = letter("c", "grouped", labels={"alert": "ctr"})
    together, apart = now([minor, major, other])
    assert together.letters == (major, minor)
    assert together.message.title == "Title b (+1 more)"
    assert together.message.text == "Title b\nText b\n\nTitle a\nText a"
    assert together.message.severity == "critical"
    assert together.message.blocks == minor.message.blocks
    assert together.message.labels == {"route": "grouped", "alert": "feed"}
    assert apart.message == other.message


def test_a_repeat_that_may_have_arrived_says_so_and_is_not_mixed_with_news() -> None:
    again, fresh = letter("a", "grouped", severity="critical", possible_repeat=True), letter("b", "grouped")
    first, second = now([again, fresh])
    assert first.message.text == f"possible repeat · {again.message.mark}\n\nText a"
    assert second.message == fresh.message


def test_what_was_said_before_has_a_key_of_its_own() -> None:
    (batch,) = now([letter("old0", "limited")], sent(1))
    assert batch.message.key == "old0@2025-10-07T12:00:00+00:00"  # channels keep one message per key


def test_what_waited_for_quiet_hours_comes_as_one_digest() -> None:
    waited = [letter(key, "grouped", waits="quiet hours", labels={"alert": key}) for key in "ab"]
    fresh = letter("c", "grouped")
    alone, digest = (each.message for each in sorted(now([*waited, fresh]), key=lambda each: len(each.letters)))
    assert alone == fresh.message
    assert digest.title == "2 messages together (quiet hours)"
    assert digest.text == "• 07 Oct 12:00 Title a: Text a\n• 07 Oct 12:00 Title b: Text b"
    (single,) = now(waited[:1])
    assert single.message == waited[0].message


def test_more_than_a_limit_is_some_and_a_digest_with_criticals_first() -> None:
    letters = [letter(f"w{number}", "limited", severity="warning") for number in range(4)]
    letters += [letter("c", "limited", severity="critical")]
    found = now(letters)
    assert [each.message.key for each in found[:2]] == ["c", "w0"]
    assert [each.message.key for each in found[2].letters] == ["w1", "w2", "w3"]
    assert len(found) == 3


def test_a_limit_counts_what_the_recipient_got_by_any_route() -> None:
    found = batches([letter("a", "limited")], ROUTES, sent(3, "limited_too"), NOW)
    assert found.now == ()
    assert [each.due for each in found.waiting] == [NOW + HOUR]
    assert len(now([letter("a", "limited")], sent(3, at=NOW - HOUR))) == 1


def test_criticals_come_when_nothing_is_left() -> None:
    letters = [letter(key, "limited", severity="critical") for key in "ab"] + [letter("w", "limited")]
    found = batches(letters, ROUTES, sent(3), NOW)
    (digest,) = found.now
    assert sorted(each.message.key for each in digest.letters) == ["a", "b"]
    assert [each.message.key for each in found.waiting] == ["w"]


def test_a_resolve_answers_its_fire() -> None:
    fire = letter("a", kind="fire")
    ledger = planned(fire)
    ledger.record(Entry((fire.key,), "sent", NOW, "77"))
    over = letter("b", kind="resolve", episode="a")
    (batch,) = now([over])
    assert reply_to(batch, ledger.read()) == "77"
    assert reply_to(Batch("alone", fire.message, (fire,)), ledger.read()) == ""


def test_fires_go_before_resolves() -> None:
    over, fire = letter("a", kind="resolve", episode="z"), letter("z", kind="fire")
    assert [each.message.kind for each in now([over, fire])] == ["fire", "resolve"]


def test_a_letter_is_due_in_its_time_unless_its_recipient_asked_to_wait() -> None:
    ready, later = letter("a"), letter("b", due=NOW + HOUR)
    assert due(planned(ready, later).read(), ROUTES, NOW) == [ready]
    blocking = letter("c", due=NOW + HOUR, blocks=True, attempts=1)
    assert due(planned(ready, blocking).read(), ROUTES, NOW) == []
    assert due(planned(letter("d", "nowhere")).read(), ROUTES, NOW) == []


def test_a_clock_that_was_put_back_holds_nothing_up() -> None:
    year = timedelta(days=365)
    ready, strange = letter("a"), letter("b", due=NOW + year, since=NOW + year, blocks=True, attempts=1)
    ledger = planned(ready)
    ledger.record(Entry((strange.key,), "planned", NOW + year, letter=strange))
    assert due(ledger.read(), ROUTES, NOW) == [ready, strange]


letters = st.lists(
    st.builds(
        lambda key, name, severity, alert, waits, repeat: letter(
            key, name, severity=severity, labels={"alert": alert}, waits=waits, possible_repeat=repeat
        ),
        st.sampled_from("abcdefgh"),
        st.sampled_from([*ROUTES]),
        st.sampled_from(["info", "warning", "critical"]),
        st.sampled_from("xy"),
        st.sampled_from(["", "quiet hours"]),
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda each: each.key,
)


@given(letters, st.integers(0, 4))
def test_each_letter_is_sent_once_or_waits(given_letters: list[Letter], before: int) -> None:
    found: Round = batches(given_letters, ROUTES, sent(before), NOW)
    keys = [*(key for each in found.now for key in each.keys), *(each.key for each in found.waiting)]
    assert sorted(keys) == sorted(each.key for each in given_letters)
    assert not [each for each in found.waiting if each.message.severity == "critical"]
    limited = [each for each in found.now if each.route.startswith("limited")]
    assert len(limited) <= max(3 - before, 1)


@given(letters)
def test_grouping_keeps_the_worst_severity(given_letters: list[Letter]) -> None:
    for each in now(given_letters):
        severities = {member.message.severity for member in each.letters}
        assert each.message.severity == next(s for s in ("critical", "warning", "info") if s in severities)


@given(letters, st.randoms())
def test_the_order_of_letters_does_not_matter(given_letters: list[Letter], random: Any) -> None:
    shuffled = list(given_letters)
    random.shuffle(shuffled)
    assert now(shuffled) == now(given_letters)
