"""Routing is pure: the tree, quiet hours, repetition, escalation, silences; and properties over random messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.delivery import (
    Block,
    Decision,
    Entry,
    Escalation,
    MemoryLedger,
    Message,
    Past,
    Quiet,
    Route,
    Silence,
    reached,
    route,
)
from assay.delivery.letters import letter_key
from assay.delivery.routes import fallbacks

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
NIGHT = Quiet(time(23), time(7), "Europe/Moscow")
HOUR = timedelta(hours=1)


def to(name: str, **fields: Any) -> Route:
    """A route to a recipient of its own."""
    return Route(name, "stdout", {"name": name}, **fields)


ROUTES = {
    each.name: each
    for each in (
        to("alone"),
        to("grouped", group_by=("alert",), repeat=4 * HOUR),
        to("nights_off", group_by=("alert",), quiet=NIGHT, fallback="alone"),
        Route("tree", routes=("criticals", "cities", "empty")),
        to("criticals", match={"severity": ("critical",)}, goes_on=True, escalate=Escalation(HOUR / 2, "leads")),
        to("cities", match={"city": ("Moscow", "Perm")}),
        Route("empty", routes=("never",)),
        to("never", match={"alert": ("nothing",)}),
        to("leads"),
    )
}
ENTRIES = ["alone", "grouped", "nights_off", "tree", "nowhere"]


def message(key: str, to: str = "alone", **fields: Any) -> Message:
    labels = {"route": to, "alert": "feed"} | fields.pop("labels", {})
    return Message(key, f"Title {key}", f"Text {key}", created=fields.pop("created", NOW), labels=labels, **fields)


def decide(messages: list[Message], clock: datetime = NOW, past: Past | None = None, **more: Any) -> list[Decision]:
    return [*route(messages, ROUTES, clock, past or Past(), **more)]


def after(decisions: list[Decision], clock: datetime = NOW) -> Past:
    """The past in which these letters were sent."""
    ledger = MemoryLedger()
    letters = [each.letter for each in decisions if each.letter]
    for each in letters:
        ledger.record(Entry((each.key,), "planned", clock, letter=each), Entry((each.key,), "sent", clock, "1"))
    return ledger.read()


def _message(key: str, entry: str, severity: Any, alert: str, city: str, kind: Any, text: str) -> Message:
    labels = {"alert": alert, "severity": severity} | ({"city": city} if city else {})
    made = message(key, entry, severity=severity, labels=labels, kind=kind)
    return replace(made, text=text, episode="a" if kind in ("update", "resolve") else "")


messages = st.lists(
    st.builds(
        _message,
        key=st.sampled_from("abcd"),
        entry=st.sampled_from(ENTRIES),
        severity=st.sampled_from(["info", "warning", "critical"]),
        alert=st.sampled_from("xy"),
        city=st.sampled_from(["", "Moscow", "Perm", "Kazan"]),
        kind=st.sampled_from(["note", "fire", "update", "resolve"]),
        text=st.sampled_from(["one", "two"]),
    ),
    max_size=8,
)
clocks = st.integers(0, 47).map(lambda halves: NOW + timedelta(minutes=30 * halves))
silences = st.lists(
    st.builds(
        lambda label, value, hours: Silence({label: (value,)}, NOW, NOW + hours * HOUR, "maintenance"),
        st.sampled_from(["alert", "city", "severity"]),
        st.sampled_from(["x", "Moscow", "!Moscow", "critical"]),
        st.integers(1, 24),
    ),
    max_size=3,
)


def names(labels: dict[str, str], entry: str = "tree") -> list[str]:
    return [each.route for each in reached(entry, labels, ROUTES)]


def test_the_first_child_that_matches_takes_it_and_continue_goes_on() -> None:
    assert names({"severity": "critical"}) == ["criticals"]
    assert names({"severity": "critical", "city": "Perm"}) == ["criticals", "cities"]
    assert names({"city": "Perm"}) == ["cities"]
    assert names({"city": "Kazan"}) == []
    assert names({}, "alone") == ["alone"]
    told = [each.reason for each in reached("tree", {"severity": "critical", "city": "Perm"}, ROUTES)]
    assert told == [
        "enters at tree; criticals takes severity critical",
        "enters at tree; cities takes city Moscow or Perm",
    ]


def test_a_route_keeps_what_its_children_do_not_take() -> None:
    routes = {
        "top": to("top", routes=("child",), match={"os": ("!iOS",)}),
        "child": to("child", match={"tier": ("1",)}),
    }
    found = {str(labels): [each.route for each in reached("top", labels, routes)] for labels in ({}, {"tier": "1"})}
    assert found == {"{}": ["top"], "{'tier': '1'}": ["child"]}
    assert reached("top", {"os": "iOS", "tier": "1"}, routes) == ()


def test_a_circle_of_routes_ends() -> None:
    routes = {"a": to("a", routes=("b",)), "b": to("b", routes=("a",), fallback="a")}
    assert [each.route for each in reached("a", {}, routes)] == ["b"]
    assert fallbacks(("a", "b"), routes) == ("a",)


def test_fallbacks_are_named_or_the_routes_above() -> None:
    routes = {
        "top": to("top", routes=("middle",), fallback="mail"),
        "middle": Route("middle", routes=("low",)),
        "low": to("low"),
        "mail": to("mail"),
    }
    assert fallbacks(("top", "middle", "low"), routes) == ("top", "mail")
    assert fallbacks(("mail",), routes) == ()


def test_the_same_recipient_gets_it_once() -> None:
    twice = Route("b", "stdout", {"name": "same"}, goes_on=True)
    routes = {"top": Route("top", routes=("b", "a")), "a": replace(twice, name="a"), "b": twice}
    first, second = route([message("m", "top")], routes, NOW, Past())
    assert (first.route, first.action) == ("b", "send")
    assert (second.route, second.reason) == ("a", "route 'b' goes to the same recipient")


def test_a_key_is_said_once_or_again_after_repeat() -> None:
    batch = [message("a"), message("a", "grouped")]
    past = after(decide(batch))
    early = decide(batch, NOW + 3 * HOUR, past)
    assert [(each.action, each.reason) for each in early] == [("skip", f"sent at {NOW.isoformat()}")] * 2
    late = decide(batch, NOW + 4 * HOUR, past)
    assert [(each.route, each.action) for each in late] == [("grouped", "send"), ("alone", "skip")]


@pytest.mark.parametrize(
    ("moscow", "severity", "due"),
    [
        ("07T22:59", "warning", ""),
        ("07T23:00", "warning", "08T07:00"),
        ("08T03:00", "info", "08T07:00"),
        ("08T03:00", "critical", ""),
        ("08T06:59", "warning", "08T07:00"),
        ("08T07:00", "warning", ""),
    ],
)
def test_quiet_hours_pass_midnight_and_let_criticals_through(moscow: str, severity: Any, due: str) -> None:
    clock = datetime.fromisoformat(f"2025-10-{moscow}:00+03:00").astimezone(UTC)
    (decision,) = decide([message("a", "nights_off", severity=severity)], clock)
    assert decision.letter
    assert decision.letter.due == (datetime.fromisoformat(f"2025-10-{due}:00+03:00") if due else clock)
    assert decision.letter.waits == ("quiet hours 23:00-07:00" if due else "")


def test_quiet_hours_within_a_day_and_empty_ones() -> None:
    lunch, none = Quiet(time(12), time(13), "UTC"), Quiet(time(12), time(12), "UTC")
    assert lunch.covers(NOW)
    assert not lunch.covers(NOW + HOUR)
    assert not none.covers(NOW)


def test_quiet_hours_end_by_the_clock_on_the_wall() -> None:
    night = Quiet(time(23), time(7), "Europe/Berlin")  # the clocks go back on 2025-10-26, at three
    assert night.end_after(datetime(2025, 10, 25, 22, 30, tzinfo=UTC)) == datetime(2025, 10, 26, 6, 0, tzinfo=UTC)


def test_an_unknown_route_and_one_that_takes_nothing_are_told() -> None:
    found = decide([message("a", "nowhere"), message("b", "tree")])
    assert [(each.action, each.reason) for each in found] == [
        ("fail", "there is no route 'nowhere'"),
        ("fail", "no route at or below 'tree' takes it"),
    ]


def test_two_messages_of_one_key_are_one_and_a_reason() -> None:
    mild, severe = message("a"), message("a", severity="critical")
    sending, held = decide([mild, severe])
    assert sending.message == severe
    assert (held.message, held.reason) == (mild, "another message has the key 'a'")


def test_an_update_goes_where_the_fire_went_and_a_resolve_nowhere_else() -> None:
    fire = message("a", "tree", kind="fire", labels={"city": "Perm"})
    past = after(decide([fire]))
    worse = message("b", "tree", kind="update", episode="a", severity="critical", labels={"severity": "critical"})
    assert sorted(each.route for each in decide([worse], past=past) if each.message.kind == "update") == [
        "cities",
        "criticals",
    ]
    over = message("c", "tree", kind="resolve", episode="a", labels={"severity": "critical"})
    (decision,) = decide([over], past=past)
    assert (decision.route, decision.reason) == ("cities", "its episode was told here")
    (nobody,) = decide([over])
    assert (nobody.action, nobody.reason) == ("skip", "nobody was told of its episode")


def test_an_escalation_is_planned_once_with_its_fire() -> None:
    fire = message("a", "tree", kind="fire", severity="critical", labels={"severity": "critical"})
    first, later = decide([fire])
    assert (first.route, later.route) == ("criticals", "leads")
    assert later.letter
    assert (later.letter.due, later.message.kind, later.message.thread) == (NOW + HOUR / 2, "escalation", "a")
    assert later.message.title == "Not acknowledged for 30 min: Title a"
    worse = replace(fire, key="b", kind="update", episode="a")
    found = [each for each in decide([worse], past=after([first, later])) if each.letter]
    assert {(each.route, each.message.kind) for each in found} == {("criticals", "update"), ("leads", "update")}


def test_a_silence_holds_back_and_says_so() -> None:
    silence = Silence({"alert": ("feed",)}, NOW, NOW + HOUR, "the warehouse moves")
    (held,) = decide([message("a")], silences=[silence])
    assert (held.action, held.reason) == ("skip", f"silenced until {silence.end.isoformat()}: the warehouse moves")
    assert decide([message("a")], NOW + HOUR, silences=[silence])[0].letter


@given(messages, clocks)
def test_every_message_reaches_somebody_or_has_a_reason(given_messages: list[Message], clock: datetime) -> None:
    decisions = decide(given_messages, clock)
    assert all(each.reason for each in decisions)
    assert all((each.letter is not None) == (each.action == "send") for each in decisions)
    told = {(each.message.key, each.message.kind, each.message.labels["route"]) for each in decisions}
    assert {(each.key, each.kind, each.labels["route"]) for each in given_messages} <= told


@given(messages, clocks)
def test_nothing_is_said_twice(given_messages: list[Message], clock: datetime) -> None:
    letters = [each.letter for each in decide(given_messages, clock) if each.letter]
    keys = [each.key for each in letters]
    assert len(keys) == len(set(keys))
    for key, kind, name in {(each.message.key, each.message.kind, each.route) for each in letters}:
        assert keys.count(letter_key(key, kind, name)) == 1


@given(messages, clocks, st.randoms())
def test_the_order_of_messages_and_of_routes_does_not_matter(
    given_messages: list[Message], clock: datetime, random: Any
) -> None:
    shuffled, routes = list(given_messages), list(ROUTES.items())
    random.shuffle(shuffled)
    random.shuffle(routes)
    assert route(shuffled, dict(routes), clock, Past()) == route(given_messages, ROUTES, clock, Past())


def test_nor_does_it_for_pictures() -> None:
    twins = [message("a", blocks=(Block("t", "x", image),)) for image in (b"1", b"2", b"3")]
    assert len({repr(decide([*order])) for order in permutations(twins)}) == 1


@given(messages, clocks)
def test_deciding_again_sends_nothing(given_messages: list[Message], clock: datetime) -> None:
    first = decide(given_messages, clock)
    assert decide(given_messages * 2, clock) == first
    again = decide(given_messages, clock, after(first, clock))
    # what was not yet known of an episode is known now: its update, with an escalation, or its resolve may follow, once
    follows = ("update", "escalation", "resolve")
    assert not [each for each in again if each.letter and each.message.kind not in follows]
    past = after([*first, *again], clock)
    assert not [each for each in decide(given_messages, clock, past) if each.letter and each.message.kind == "fire"]


@given(messages, clocks, silences, silences)
def test_adding_a_silence_never_adds_messages(
    given_messages: list[Message], clock: datetime, some: list[Silence], more: list[Silence]
) -> None:
    few = {each.letter.key for each in decide(given_messages, clock, silences=some + more) if each.letter}
    assert few <= {each.letter.key for each in decide(given_messages, clock, silences=some) if each.letter}


@given(messages, clocks)
def test_quiet_hours_never_hide_a_critical(given_messages: list[Message], clock: datetime) -> None:
    letters = [each.letter for each in decide(given_messages, clock) if each.letter]
    assert not [each for each in letters if each.waits and each.message.severity == "critical"]


def test_a_naive_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        decide([], NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        message("a", created=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="key"):
        message("")
