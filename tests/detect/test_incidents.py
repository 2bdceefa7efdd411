"""Episodes of one rule become one incident: examples by hand, then the promises over random histories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from assay.detect import (
    Episode,
    Event,
    Incident,
    Note,
    Policy,
    Reading,
    Silence,
    State,
    gather,
    quiet,
    together,
    worth_saying,
)

SLOT = 900.0
LETTERS = {
    ".": {"status": "ok", "clean": True, "score": 0.1},
    "v": {"status": "ok", "side": -1, "clean": False, "score": -5.0},
    "V": {"status": "ok", "side": -1, "clean": False, "score": -20.0, "instant": True, "critical": True},
    "^": {"status": "ok", "side": 1, "clean": False, "score": 5.0},
    "l": {"status": "learning"},
    "n": {"status": "no_data"},
}  # fmt: skip
NAMES = ("total", "moscow", "perm")
POLICY = Policy(confirm=(1, 2), resolve=2)

rows = st.tuples(*[st.text("".join(LETTERS), min_size=12, max_size=12)] * len(NAMES))
windows = st.builds(
    lambda start, length, who: Silence("window", start * SLOT, (start + length) * SLOT, who),
    st.integers(0, 12),
    st.integers(1, 8),
    st.sampled_from([None, frozenset({"total"}), frozenset({"moscow"})]),
)


def event(kind: str, episode: str, slot: int = 5, notify: bool = True) -> Event:
    return Event("views", Episode(episode, "anomaly", slot, 0.0), kind, slot * SLOT, slot, notify)


def words(notes: Sequence[Note]) -> list[tuple[str, str]]:
    return [(note.word, note.incident.id) for note in notes]


def slots_of(rows: Sequence[str], silences: Sequence[Silence] = (), late: Sequence[tuple[int, str]] = ()):
    """The events of every slot of a rule, a late reading of an earlier slot before it."""
    states: dict[str, State] = {}
    corrections = dict(late)
    for slot in range(len(rows[0])):
        at = (slot + 1) * SLOT
        found: list[Event] = []
        steps = [(slot, [row[slot] for row in rows])]
        if slot in corrections and slot:
            steps.insert(0, (slot - 1, [corrections[slot]] * len(rows)))
        for number, letters in steps:
            readings = {n: Reading(number, **LETTERS[x]) for n, x in zip(NAMES, letters, strict=True)}
            done = together(states, readings, at, POLICY, lambda name, at=at: quiet(silences, name, at), NAMES[0])
            states = dict(done.states)
            found += done.events
        yield slot, found


def play(rows: Sequence[str], silences: Sequence[Silence] = ()) -> tuple[Incident | None, list[Note]]:
    incident, notes = None, []
    for _, events in slots_of(rows, silences):
        incident, happened = gather(incident, events)
        notes += happened
    return incident, notes


def test_what_begins_meanwhile_is_an_update_and_the_end_is_told_once() -> None:
    incident, fire = gather(None, [event("fire", "a"), event("fire", "b")])
    assert words(fire) == [("fire", "a")]
    incident, update = gather(incident, [event("fire", "c", 4)])
    assert words(update) == [("update", "a")]
    assert (update[0].incident.open, update[0].incident.since, update[0].incident.said) == (("a", "b", "c"), 4, 1)
    incident, nothing = gather(incident, [event("resolve", "b"), event("correct", "a")])
    assert (nothing, incident and incident.open) == ((), ("c",))
    incident, end = gather(incident, [event("correct", "c")])
    assert (words(end), incident) == ([("resolve", "a")], None)  # b has stood


def test_nothing_that_stood_is_a_correction() -> None:
    incident, _ = gather(None, [event("fire", "a"), event("fire", "b")])
    incident, _ = gather(incident, [event("correct", "a")])
    _, end = gather(incident, [event("correct", "b")])
    assert words(end) == [("correct", "a")]


def test_what_is_not_told_is_no_incident() -> None:
    assert gather(None, [event("fire", "a", notify=False), event("escalate", "b")]) == (None, ())


def test_an_end_and_a_beginning_in_one_slot_are_an_update() -> None:
    incident, _ = gather(None, [event("fire", "a")])
    for events in ([event("resolve", "a"), event("fire", "b")], [event("fire", "b"), event("resolve", "a")]):
        after, notes = gather(incident, events)
        assert words(notes) == [("update", "a")]
        assert after is not None
        assert (after.open, after.over) == (("b",), ("a",))


def test_without_episodes_of_which_nobody_speaks_any_more() -> None:
    incident, _ = gather(None, [event("fire", "a"), event("fire", "b")])
    assert incident is not None
    left = incident.without({"a"})
    assert left is not None
    assert (left.id, left.open) == ("a", ("b",))
    assert incident.without({"a", "b"}) is None


def test_the_beginning_of_what_has_ended_is_not_worth_saying() -> None:
    incident, first = gather(None, [event("fire", "a")])
    incident, second = gather(incident, [event("fire", "b")])
    _, third = gather(incident, [event("resolve", "a"), event("resolve", "b")])
    assert words(worth_saying([*first, *second, *third])) == [("resolve", "a")]
    assert words(worth_saying([*second, *third])) == [("update", "a"), ("resolve", "a")]
    (fire,) = worth_saying([*first, *second])
    assert (fire.word, fire.incident.open) == ("fire", ("a", "b"))


def test_updates_of_several_slots_are_one() -> None:
    incident, _ = gather(None, [event("fire", "a")])
    incident, one = gather(incident, [event("fire", "b")])
    incident, two = gather(incident, [event("fire", "c")])
    (note,) = worth_saying([*one, *two])
    assert note.incident == incident
    assert [each.episode.id for each in note.events] == ["b", "c"]


@given(rows, st.lists(windows, max_size=2))
def test_one_fire_first_and_exactly_one_end(rows: tuple[str, ...], silences: list[Silence]) -> None:
    incident, notes = play(rows, silences)
    by_incident: dict[str, list[str]] = {}
    for note in notes:
        by_incident.setdefault(note.incident.id, []).append(note.word)
    for name, said in by_incident.items():
        over = incident is None or incident.id != name
        assert said[0] == "fire"
        assert said.count("fire") == 1
        assert sum(word in ("resolve", "correct") for word in said) == over
        assert not over or said[-1] in ("resolve", "correct")
    ids = [note.incident.id for note in notes]
    assert ids == sorted(ids, key=list(by_incident).index)  # one at a time
    assert [note.word for note in notes].count("fire") == len(by_incident)


@given(rows, st.lists(windows, max_size=2))
def test_nothing_told_is_left_out(rows: tuple[str, ...], silences: list[Silence]) -> None:
    """Whoever was told of an episode is told when it is over, with all others of its incident."""
    told: set[str] = set()
    incident = None
    for _, events in slots_of(rows, silences):
        told |= {each.episode.id for each in events if each.notify and each.kind == "fire"}
        incident, notes = gather(incident, events)
        open_ = set(incident.open) if incident else set()
        over = {each for note in notes if note.word in ("resolve", "correct") for each in note.incident.over}
        ended = {each.episode.id for each in events if each.notify and each.kind in ("resolve", "correct")}
        assert ended <= over | (set(incident.over) if incident else set())
        assert open_ <= told
        assert not open_ & ended


@given(rows, st.lists(windows, max_size=2), st.randoms())
def test_the_order_of_the_events_of_a_slot_does_not_matter(
    rows: tuple[str, ...], silences: list[Silence], random: Random
) -> None:
    one = two = None
    for _, events in slots_of(rows, silences):
        shuffled = list(events)
        random.shuffle(shuffled)
        (one, first), (two, second) = gather(one, events), gather(two, shuffled)
        assert [_facts(note) for note in first] == [_facts(note) for note in second]
        assert (one is None) == (two is None)


def _facts(note: Note) -> tuple[str, frozenset[str], frozenset[str], int, int]:
    """What is said about which episodes; the name of the thread may be that of any of its first ones."""
    incident = note.incident
    return note.word, frozenset(incident.open), frozenset(incident.over), incident.since, incident.said


@given(rows, st.lists(windows, max_size=2), st.integers(0, 12))
def test_a_replay_from_memory_says_the_same(rows: tuple[str, ...], silences: list[Silence], cut: int) -> None:
    whole = play(rows, silences)
    incident, notes = None, []
    for slot, events in slots_of(rows, silences):
        if slot == cut:
            incident = incident and Incident.from_dict(json.loads(json.dumps(incident.as_dict())))
        incident, happened = gather(incident, events)
        notes += happened
    assert (incident, notes) == whole
    assert play(rows, silences) == whole


@given(rows, st.lists(windows, max_size=2), windows)
def test_adding_a_silence_never_adds_beginnings(rows: tuple[str, ...], silences: list[Silence], more: Silence) -> None:
    """Of the whole rule; of one series it may, as it divides what was one incident."""
    everything = Silence(more.name, more.start, more.end)
    usual, fewer = (play(rows, each)[1] for each in (silences, [*silences, everything]))
    told = [{each.episode.id for note in notes for each in note.events} for notes in (usual, fewer)]
    assert told[1] <= told[0]


@given(rows, st.lists(windows, max_size=2), st.lists(st.integers(1, 11), max_size=4, unique=True))
def test_a_late_tick_says_no_more_than_those_that_it_stands_for(
    rows: tuple[str, ...], silences: list[Silence], cuts: list[int]
) -> None:
    """Slots judged together are said together: never a second fire, an end without a thread, or more messages."""
    incident, waiting, said = None, [], []
    for slot, events in slots_of(rows, silences):
        incident, notes = gather(incident, events)
        waiting += notes
        if slot in cuts or slot == len(rows[0]) - 1:
            said += worth_saying(waiting)
            waiting = []
    alone = [note for _, note in enumerate(play(rows, silences)[1])]
    assert len(said) <= len(alone)
    fires = [note.incident.id for note in said if note.word == "fire"]
    assert len(fires) == len(set(fires))
    ends = [note.incident.id for note in said if note.word in ("resolve", "correct")]
    assert ends == [note.incident.id for note in alone if note.word in ("resolve", "correct")]


@given(rows, st.lists(st.tuples(st.integers(1, 11), st.sampled_from(".v")), max_size=3))
def test_late_readings_keep_the_promises(rows: tuple[str, ...], late: list[tuple[int, str]]) -> None:
    incident, open_ = None, ""
    for _, events in slots_of(rows, (), late):
        incident, notes = gather(incident, events)
        for note in notes:
            assert (note.word == "fire") == (not open_)
            open_ = "" if note.word in ("resolve", "correct") else note.incident.id
    assert (incident.id if incident else "") == open_
