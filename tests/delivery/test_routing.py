"""Routing is pure: grouping, repetition, quiet hours, and properties over random messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.delivery import Block, Message, Quiet, Route, route
from assay.delivery.routing import ledger_key

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
NIGHT = Quiet(time(23), time(7), "Europe/Moscow")
ROUTES = {
    "alone": Route("alone", "stdout"),
    "grouped": Route("grouped", "stdout", group_by=("alert",), repeat=timedelta(hours=4)),
    "nights_off": Route("nights_off", "stdout", group_by=("alert",), quiet=NIGHT),
}


def message(key: str, to: str = "alone", **fields: object) -> Message:
    labels = {"route": to, "alert": "feed"} | fields.pop("labels", {})
    return Message(key, f"Title {key}", f"Text {key}", created=fields.pop("created", NOW), labels=labels, **fields)


messages = st.lists(
    st.builds(
        lambda key, to, severity, alert, text: replace(
            message(key, to, severity=severity, labels={"alert": alert}), text=text
        ),
        key=st.sampled_from("abcd"),
        to=st.sampled_from([*ROUTES, "nowhere"]),
        severity=st.sampled_from(["info", "warning", "critical"]),
        alert=st.sampled_from("xy"),
        text=st.sampled_from(["one", "two"]),
    ),
    max_size=8,
)
clocks = st.integers(0, 47).map(lambda halves: NOW + timedelta(minutes=30 * halves))


def test_without_group_by_each_goes_alone_and_unchanged() -> None:
    first, second = message("a"), message("b")
    assert [each.message for each in route([second, first], ROUTES, NOW, {})] == [first, second]


def test_a_group_is_one_message_with_criticals_first() -> None:
    minor = message("a", "grouped", severity="warning", blocks=(Block("A", "a", b"png"),))
    major = message("b", "grouped", severity="critical", labels={"city": "Perm"})
    other = message("c", "grouped", labels={"alert": "ctr"})
    together, apart = route([minor, major, other], ROUTES, NOW, {})
    assert together.members == ("grouped:b", "grouped:a")
    assert together.message.title == "Title b (+1 more)"
    assert together.message.text == "Title b\nText b\n\nTitle a\nText a"
    assert together.message.severity == "critical"
    assert together.message.blocks == minor.blocks
    assert together.message.labels == {"route": "grouped", "alert": "feed"}
    assert apart.message == other


def test_a_key_is_said_once_or_again_after_repeat() -> None:
    once, again = message("a"), message("a", "grouped")
    sent = {"alone:a": NOW, "grouped:a": NOW}
    early = route([once, again], ROUTES, NOW + timedelta(hours=3), sent)
    assert [(each.action, each.reason) for each in early] == [("skip", f"sent at {NOW.isoformat()}")] * 2
    late = route([once, again], ROUTES, NOW + timedelta(hours=4), sent)
    assert [(each.route, each.action) for each in late] == [("grouped", "send"), ("alone", "skip")]
    assert late[0].message.key == "a@2025-10-07T16:00:00+00:00"  # channels keep one message per key


def test_a_group_says_only_what_is_new() -> None:
    old, new = message("a", "grouped"), message("b", "grouped")
    sending, held = route([old, new], ROUTES, NOW + timedelta(hours=1), {"grouped:a": NOW})
    assert (sending.message, held.message) == (new, old)


@pytest.mark.parametrize(
    ("moscow", "severity", "action"),
    [
        ("22:59", "warning", "send"),
        ("23:00", "warning", "skip"),
        ("03:00", "info", "skip"),
        ("03:00", "critical", "send"),
        ("06:59", "warning", "skip"),
        ("07:00", "warning", "send"),
    ],
)
def test_quiet_hours_pass_midnight_and_let_criticals_through(moscow: str, severity: str, action: str) -> None:
    clock = datetime.fromisoformat(f"2025-10-07T{moscow}:00+03:00").astimezone(UTC)
    (delivery,) = route([message("a", "nights_off", severity=severity)], ROUTES, clock, {})
    assert delivery.action == action
    assert delivery.reason == ("" if action == "send" else "quiet hours 23:00-07:00")


def test_quiet_hours_within_a_day_and_empty_ones() -> None:
    lunch, none = Quiet(time(12), time(13), "UTC"), Quiet(time(12), time(12), "UTC")
    assert lunch.covers(NOW)
    assert not lunch.covers(NOW + timedelta(hours=1))
    assert not none.covers(NOW)


def test_an_unknown_route_is_told() -> None:
    (delivery,) = route([message("a", "nowhere")], ROUTES, NOW, {})
    assert (delivery.action, delivery.reason) == ("fail", "there is no route 'nowhere'")


def test_two_messages_of_one_key_are_one_and_a_reason() -> None:
    mild, severe = message("a"), message("a", severity="critical")
    sending, held = route([mild, severe], ROUTES, NOW, {})
    assert sending.message == severe
    assert (held.message, held.reason) == (mild, "another message has the key 'a'")


@given(messages, clocks)
def test_nothing_vanishes_and_nothing_doubles(given_messages: list[Message], clock: datetime) -> None:
    deliveries = route(given_messages, ROUTES, clock, {})
    told = [key for each in deliveries if each.action == "send" for key in each.members]
    assert len(told) == len(set(told))
    held = [each.message for each in deliveries if each.action != "send"]
    assert all(each.reason for each in deliveries if each.action != "send")
    assert {ledger_key(each) for each in given_messages} == {*told, *map(ledger_key, held)}
    assert all(each in held or ledger_key(each) in told for each in given_messages)


@given(messages, clocks, st.randoms())
def test_the_order_of_the_input_does_not_matter(given_messages: list[Message], clock: datetime, random: object) -> None:
    shuffled = list(given_messages)
    random.shuffle(shuffled)
    assert route(shuffled, ROUTES, clock, {}) == route(given_messages, ROUTES, clock, {})


def test_nor_does_it_for_pictures() -> None:
    twins = [message("a", blocks=(Block("t", "x", image),)) for image in (b"1", b"2", b"3")]
    assert len({repr(route(order, ROUTES, NOW, {})) for order in permutations(twins)}) == 1


@given(messages, clocks)
def test_routing_is_idempotent(given_messages: list[Message], clock: datetime) -> None:
    first = route(given_messages, ROUTES, clock, {})
    assert route(given_messages * 2, ROUTES, clock, {}) == first
    sent = {key: clock for each in first if each.action == "send" for key in each.members}
    assert not [each for each in route(given_messages, ROUTES, clock, sent) if each.action == "send"]


@given(messages, clocks)
def test_grouping_keeps_the_worst_severity(given_messages: list[Message], clock: datetime) -> None:
    for each in route(given_messages, ROUTES, clock, {}):
        if each.action == "send":
            members = [m for m in given_messages if ledger_key(m) in each.members]
            worst = {"critical", "warning", "info"} & {m.severity for m in members}
            assert ("critical" in worst) == (each.message.severity == "critical")


def test_a_naive_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        route([], ROUTES, NOW.replace(tzinfo=None), {})
    with pytest.raises(ValueError, match="time zone"):
        message("a", created=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="key"):
        message("")
