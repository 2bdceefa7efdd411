"""The state machine: examples by hand, then the promises as properties over random histories."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.detect import Action, Event, Policy, Reading, Silence, State, act, quiet, step, together

SLOT = 900.0
LETTERS = {
    ".": {"status": "ok", "clean": True, "score": 0.1, "value": 100.0, "expected": 100.0, "change": 0.0},
    "~": {"status": "ok", "clean": False, "score": -3.0, "value": 85.0, "expected": 100.0, "change": -0.15},
    "v": {"status": "ok", "side": -1, "clean": False, "score": -5.0, "value": 70.0, "expected": 100.0, "change": -0.3},
    "V": {
        "status": "ok", "side": -1, "clean": False, "score": -20.0, "instant": True, "critical": True, "value": 0.0,
        "expected": 100.0, "change": -1.0,
    },
    "^": {"status": "ok", "side": 1, "clean": False, "score": 5.0, "value": 130.0, "expected": 100.0, "change": 0.3},
    "l": {"status": "learning"},
    "n": {"status": "no_data"},
}  # fmt: skip
TIMED = Policy(confirm=(2, 3), update=2 * SLOT, repeat=5 * SLOT, escalate=3 * SLOT, no_data_critical=True)

policies = st.builds(
    Policy,
    confirm=st.integers(1, 3).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of))),
    resolve=st.integers(1, 3),
    no_data=st.integers(0, 3),
    no_data_critical=st.booleans(),
    update=st.sampled_from([SLOT, 3 * SLOT, float("inf")]),
    repeat=st.sampled_from([2 * SLOT, 5 * SLOT, float("inf")]),
    escalate=st.sampled_from([SLOT, 4 * SLOT, float("inf")]),
)
histories = st.text("".join(LETTERS), min_size=1, max_size=24)
silences = st.builds(
    lambda start, length: Silence("window", start * SLOT, (start + length) * SLOT),
    st.integers(0, 20),
    st.integers(1, 9),
)


def reading(letter: str, slot: int) -> Reading:
    return Reading(slot, **LETTERS[letter])


def play(
    history: str,
    policy: Policy = TIMED,
    covers: list[Silence] | None = None,
    state: State | None = None,
    first: int = 0,
) -> tuple[State, list[Event]]:
    state, events = state or State("views"), []
    for slot, letter in enumerate(history, first):
        at = (slot + 1) * SLOT
        state, happened = step(state, reading(letter, slot), at, policy, quiet(covers or [], "views", at))
        events += happened
    return state, events


def told(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.kind, event.slot) for event in events if event.notify]


@pytest.mark.parametrize(
    ("history", "phase", "messages"),
    [
        ("l", "learning", []),
        ("lnnn", "learning", []),  # what was never judged cannot fall silent
        (".", "ok", []),
        (".v", "pending", []),
        (".v...", "ok", []),
        (".v.v", "firing", [("fire", 3)]),
        (".v^", "pending", []),
        (".V", "firing", [("fire", 1)]),
        (".vv...", "ok", [("fire", 2), ("resolve", 5)]),
        (".vv.~..", "firing", [("fire", 2)]),
        (".vv.~...", "ok", [("fire", 2), ("resolve", 7)]),
        (".n", "ok", []),
        (".nn", "no_data", [("fire", 2)]),
        (".nn.", "ok", [("fire", 2), ("resolve", 3)]),
        (".vvnn", "no_data", [("fire", 2), ("fire", 4)]),
        (".vvnn.", "firing", [("fire", 2), ("fire", 4), ("resolve", 5)]),
        (".vvV", "firing", [("fire", 2), ("update", 3)]),
    ],
)
def test_two_of_three_and_three_clean_slots(history: str, phase: str, messages: list[tuple[str, int]]) -> None:
    state, events = play(history, replace(TIMED, update=1e9, repeat=1e9, escalate=1e9))
    assert (state.phase, told(events)) == (phase, messages)


def test_a_critical_episode_is_told_again_and_escalates_until_it_is_acknowledged() -> None:
    state, _ = play(".V")
    times = []
    for tick in range(3, 14):
        state, happened = step(state, None, tick * SLOT, TIMED)
        times += [(event.kind, tick - 2) for event in happened]
    assert times == [
        ("update", 2), ("escalate", 3), ("update", 4), ("repeat", 5), ("update", 6), ("update", 8),
        ("update", 10), ("repeat", 10),
    ]  # fmt: skip
    state = act(state, Action("ack", "ann"))
    assert step(state, None, 99 * SLOT, TIMED)[1] == ()
    assert state.anomaly is not None
    assert state.anomaly.acknowledged == "ann"
    assert [event.kind for event in play("...", state=state, first=100)[1]] == ["resolve"]


def test_what_began_in_silence_is_told_once_when_it_lifts() -> None:
    silence = Silence("move", 2 * SLOT, 6 * SLOT)
    _, events = play(".vvvvvv...", replace(TIMED, escalate=1e9), [silence])
    assert [(event.kind, event.slot, event.notify, event.quiet) for event in events] == [
        ("fire", 2, False, ("move",)), ("fire", 5, True, ()), ("resolve", 9, True, ()),
    ]  # fmt: skip
    _, over = play(".vv....", TIMED, [silence])
    assert told(over) == []


def test_a_snooze_ends_by_itself() -> None:
    state, _ = play(".V")
    state = act(state, Action("snooze", "ann", until=20 * SLOT))
    assert step(state, None, 19 * SLOT, TIMED)[1] == ()
    assert {event.kind for event in step(state, None, 20 * SLOT, TIMED)[1]} == {"update", "repeat", "escalate"}
    with pytest.raises(ValueError, match="an end"):
        Action("snooze", "ann", until=float("inf"))


def test_actions_upon_nothing_do_nothing() -> None:
    state, _ = play("..")
    assert act(state, Action("ack", "ann")) == state


def test_late_data_corrects_an_open_episode_once_and_fires_nothing() -> None:
    state, _ = play(".vv")
    state, one = step(state, reading(".", 1), 4 * SLOT, TIMED)
    assert (state.phase, one) == ("firing", ())
    state, two = step(state, reading(".", 2), 4 * SLOT, TIMED)
    assert (state.phase, [(event.kind, event.notify) for event in two]) == ("ok", [("correct", True)])
    for letter in "v^Vn.":
        state, nothing = step(state, reading(letter, 2), 4 * SLOT, TIMED)
        assert nothing == ()


def test_an_episode_that_goes_on_is_not_corrected_by_its_first_slots() -> None:
    state, _ = play(".vvv")
    for slot in (1, 2):
        state, events = step(state, reading(".", slot), 5 * SLOT, TIMED)
        assert (state.phase, events) == ("firing", ())


def test_the_facts_of_an_episode() -> None:
    _, events = play(".vVv...", replace(TIMED, confirm=(1, 1), update=1e9, repeat=1e9, escalate=1e9))
    episode = events[-1].episode
    assert (episode.since, episode.hits, episode.peak, episode.change) == (1, (1, 2, 3), -20.0, -1.0)
    assert episode.lost == 30 + 100 + 30
    assert episode.critical


def test_slots_that_were_never_read_confirm_nothing() -> None:
    state, _ = step(State("views"), reading("v", 5), 0.0, TIMED)
    state, events = step(state, reading("v", 8), SLOT, TIMED)
    assert (state.phase, events) == ("pending", ())
    state, _ = step(state, reading("n", 10), 2 * SLOT, TIMED)
    state, events = step(state, reading("n", 12), 3 * SLOT, TIMED)
    assert (state.missing, events) == (1, ())


def test_a_clock_that_jumps_back_stands_still() -> None:
    state, _ = play(".V")
    later, _ = step(state, None, 1e9, TIMED)
    again, events = step(later, None, 0.0, TIMED)
    assert (again, events) == (later, ())


def test_two_ticks_at_once_write_the_same_keys() -> None:
    state, _ = play(".v")
    one, two = (step(state, reading("v", 2), at, TIMED)[1] for at in (3 * SLOT, 3 * SLOT + 7))
    assert [event.key for event in one] == [event.key for event in two] != []


@given(histories, policies, st.lists(silences, max_size=2))
def test_a_tick_run_twice_or_late_sends_nothing_new(history: str, policy: Policy, covers: list[Silence]) -> None:
    state = State("views")
    for slot, letter in enumerate(history):
        at = (slot + 1) * SLOT
        why = quiet(covers, "views", at)
        state, _ = step(state, reading(letter, slot), at, policy, why)
        again, events = step(state, reading(letter, slot), at, policy, why)
        assert (again, events) == (state, ())
        early = reading(history[0], 0)
        assert step(state, early, at, policy, why)[1] == ()


@given(histories, policies, st.lists(silences, max_size=2), st.data())
def test_the_replay_of_a_prefix_is_the_prefix_of_the_replay(
    history: str, policy: Policy, covers: list[Silence], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(history)))
    state, before = play(history[:cut], policy, covers)
    stored = State.from_dict(json.loads(json.dumps(state.as_dict(), allow_nan=False)))
    assert stored == state
    _, after = play(history[cut:], policy, covers, stored, first=cut)
    assert before + after == play(history, policy, covers)[1]


@given(histories, policies, st.lists(silences, max_size=2))
def test_one_episode_at_a_time_and_an_end_after_every_beginning(
    history: str, policy: Policy, covers: list[Silence]
) -> None:
    state, events = play(history, policy, covers)
    for about, left in (("anomaly", state.anomaly), ("no_data", state.blind)):
        messages = [event for event in events if event.notify and event.episode.about == about]
        order = list(dict.fromkeys(event.episode.id for event in events if event.episode.about == about))
        kinds = {each: [event.kind for event in messages if event.episode.id == each] for each in order}
        for each, told_kinds in kinds.items():
            assert told_kinds.count("fire") <= 1
            assert not told_kinds or told_kinds[0] == "fire"
            closed = left is None or left.id != each
            assert sum(kind in ("resolve", "correct") for kind in told_kinds) == (closed and bool(told_kinds))
        switches = [event.episode.id for event in events if event.episode.about == about]
        assert [each for each, _ in groupby(switches)] == order
        numbers = Counter(event.key for event in events)
        assert set(numbers.values()) <= {1}


@given(histories, policies, st.lists(silences, max_size=2), silences)
def test_adding_a_silence_never_adds_messages(
    history: str, policy: Policy, covers: list[Silence], more: Silence
) -> None:
    fewer = told(play(history, policy, [*covers, more])[1])
    usual = told(play(history, policy, covers)[1])
    assert len(fewer) <= len(usual)


@given(histories, policies, silences)
def test_nothing_but_an_end_is_sent_inside_a_silence(history: str, policy: Policy, silence: Silence) -> None:
    _, events = play(history, policy, [silence])
    inside = [event for event in events if event.notify and silence.covers("views", event.at)]
    assert {event.kind for event in inside} <= {"resolve", "correct"}


@given(histories.filter(lambda history: not set(history) & set("vV^n")), policies)
def test_ordinary_and_learning_slots_say_nothing(history: str, policy: Policy) -> None:
    assert play(history, policy)[1] == []


@given(st.lists(histories, min_size=1, max_size=4), st.randoms())
def test_the_order_of_slices_does_not_matter(rows: list[str], random: object) -> None:
    names = ["total", *(f"city{index}" for index in range(1, len(rows)))]
    shuffled = list(zip(names, rows, strict=True))
    random.shuffle(shuffled)
    assert follow_all(dict(zip(names, rows, strict=True))) == follow_all(dict(shuffled))


@given(st.lists(histories, min_size=2, max_size=4))
def test_slices_begin_nothing_while_the_total_fires(rows: list[str]) -> None:
    open_total = False
    for event in follow_all({"total": rows[0]} | {f"city{index}": row for index, row in enumerate(rows[1:])}):
        if event.fingerprint == "total" and event.episode.about == "anomaly" and event.kind in ("fire", "resolve"):
            open_total = event.kind == "fire"
        assert not (open_total and event.fingerprint != "total" and event.notify and event.kind == "fire")


def follow_all(rows: dict[str, str]) -> list[Event]:
    states, events = {}, []
    for slot in range(max(map(len, rows.values()))):
        readings = {name: reading(row[slot], slot) for name, row in rows.items() if slot < len(row)}
        found = together(states, readings, (slot + 1) * SLOT, TIMED, parent="total")
        states = found.states
        events += found.events
    return events


def test_the_slices_that_fell_with_the_total_are_its_causes() -> None:
    rows = {"total": "V", "moscow": "V", "perm": "v", "omsk": "^", "tver": "."}
    readings = {name: reading(letter, 0) for name, letter in rows.items()}
    found = together({}, readings, SLOT, Policy(), parent="total")
    assert found.causes == ("moscow", "perm")
    assert [event.fingerprint for event in found.events if event.notify] == ["total"]
    assert found.states["moscow"].phase == "firing"


@pytest.mark.parametrize("wrong", [{"below": 0.0}, {"no_data": -1}, {"repeat": 0.0}])
def test_policies_without_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a policy needs"):
        Policy(**wrong)


def test_a_silence_has_an_end() -> None:
    with pytest.raises(ValueError, match="an end"):
        Silence("for ever", 0.0, float("inf"))
