"""What people do about alerts, and what the next tick makes of it: on small projects whose every event is known."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assay.compiler import zone
from assay.errors import UsageError
from assay.jobs.alerts import actions, alerting, incidents
from assay.jobs.alerts.actions import Person
from assay.jobs.alerts.incidents import Incident
from assay.jobs.context import Context

pytestmark = pytest.mark.slow

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
FIRST = date(2025, 2, 10)
NOW = datetime(2025, 3, 20, 12, tzinfo=UTC)
ANN = Person("Ann", "I look into it.")

FILES = {
    "metrics/all.yaml": """
sources: {app: {table: RAW.events, time: at, entities: {user: user_id}, dimensions: {city: city}}}
metrics: {events: {type: count, source: app, owner: shop-team}}
""",
    "alerts/all.yaml": """
alerts:
  quick: {metrics: [events], every: 1h, route: file, detector: {calibrate: false}}
routes:
  file: {outbox: {path: outbox}, repeat: 2h, escalate: {after: 30m, to: boss}}
  boss: {outbox: {path: boss}}
silences:
  move: {match: {city: [A, B]}, start: 2025-03-20, end: 2025-03-21, hours: "03:00-04:00", why: The servers move.}
  past: {start: 2025-02-01, end: 2025-02-02, why: It was long ago., owner: shop-team}
""",
}


def make(lab, hours: int = 9):
    """96 events an hour, and none at all for some hours, of which the first ends at NOW."""
    shop = lab.shop(FILES, {"events": "at DateTime('UTC'), user_id UInt32, city String"}, now=NOW)
    start, end = zone.epoch(zone.midnight(FIRST, "UTC")), zone.epoch(NOW + DAY)
    gone, back = zone.epoch(NOW - HOUR), zone.epoch(NOW - HOUR + hours * HOUR)
    shop.write(f"""INSERT INTO RAW.events SELECT * FROM (
        SELECT toDateTime({start} + intDiv(number * 75, 2), 'UTC') AS at, number % 48, ['A', 'B'][number % 2 + 1]
        FROM numbers(intDiv({end} - {start}, 3600) * 96)) WHERE at < {gone} OR at >= {back}""")
    return shop


def tick(shop, at: datetime) -> alerting.Checked:
    return alerting.check(shop.at(at), at)


def told(shop, moments: Collection[float]) -> list[tuple[float, int]]:
    """(hours after NOW, messages) of ticks that said something."""
    counts = [(n, tick(shop, NOW + n * HOUR).as_dict()["sent"]) for n in moments]
    return [(n, count) for n, count in counts if count]


def texts(shop, box: str) -> list[dict[str, Any]]:
    return [json.loads(each.read_text()) for each in sorted((shop.context.root / box).glob("*/message.json"))]


def the_open(context: Context) -> Incident:
    (found,) = [each for each in incidents.known(context) if each.open]
    return found


@contextmanager
def refused(code: str, words: str) -> Iterator[None]:
    with pytest.raises(UsageError, match=words) as caught:
        yield
    assert caught.value.diagnostics[0].code == code


@pytest.mark.slow
def test_nobody_does_anything(lab) -> None:
    """What the other tests are compared with: the first message, the escalation, then repeats."""
    shop = make(lab)
    assert told(shop, (0, 0.75, 1, 2, 3, 4)) == [(0, 1), (0.75, 1), (2, 1), (4, 1)]
    assert [each["title"] for each in texts(shop, "boss")] == ["Not acknowledged for 30 min: quick: Events"]


def test_an_acknowledgement_ends_repeats_and_the_escalation(lab) -> None:
    shop = make(lab, hours=4)
    assert told(shop, (0,)) == [(0, 1)]
    then = shop.at(NOW + 10 * MINUTE)
    done = actions.acknowledge(then, the_open(then), ANN)
    assert (done.kind, done.who, done.at) == ("ack", "Ann", NOW + 10 * MINUTE)
    assert told(shop, (0.75, 2, 3)) == []
    assert texts(shop, "boss") == []
    assert the_first(shop, NOW + 3 * HOUR).acknowledged == "Ann"
    assert told(shop, (4, 5, 6)) == [(6, 1)]  # but whoever heard of the beginning hears of the end


def the_first(shop, at: datetime) -> Incident:
    return incidents.known(shop.at(at))[0]


def test_an_acknowledgement_of_later_changes_no_earlier_tick(lab) -> None:
    shop = make(lab)
    tick(shop, NOW)
    actions.acknowledge(shop.at(NOW + 3 * HOUR), the_first(shop, NOW), ANN)
    assert the_first(shop, NOW + 2 * HOUR).acknowledged is None
    assert told(shop, (0.25, 0.75)) == [(0.75, 1)]  # the escalation


def test_a_snooze_is_quiet_until_its_end(lab) -> None:
    shop = make(lab)
    tick(shop, NOW)
    then = shop.at(NOW + 10 * MINUTE)
    actions.snooze(then, the_open(then), 3 * HOUR, ANN)
    assert the_open(then).snoozed == NOW + 10 * MINUTE + 3 * HOUR
    assert told(shop, (0.75, 2, 3)) == []
    assert told(shop, (4, 5)) == [(4, 1)]
    assert the_first(shop, NOW + 4 * HOUR).snoozed is None


def test_a_silence_after_the_beginning_ends_the_escalation(lab) -> None:
    shop = make(lab)
    tick(shop, NOW)
    then = shop.at(NOW + 10 * MINUTE)
    actions.silence(then, {"alert": ("quick",)}, 2 * HOUR, ANN)
    assert told(shop, (0.75, 1)) == []
    assert not texts(shop, "boss")


def test_a_silence_by_hand_is_told_of_once_when_it_is_lifted(lab) -> None:
    shop = make(lab)
    before = shop.at(NOW - 10 * MINUTE)
    set_ = actions.silence(before, {"alert": ("quick",), "owner": ("!other",)}, 6 * HOUR, ANN)
    assert told(shop, (0, 1)) == []
    assert tick(shop, NOW + 2 * HOUR).findings[0].quiet == (f"{set_.id}: I look into it.",)
    actions.unsilence(shop.at(NOW + 2.5 * HOUR), set_.id, Person("Bob"))
    assert told(shop, (3, 3.25)) == [(3, 1)]


def test_a_silence_by_hand_ends_by_itself(lab) -> None:
    shop = make(lab)
    actions.silence(shop.at(NOW - 10 * MINUTE), {"alert": ("quick",)}, 2 * HOUR, ANN)
    assert told(shop, (0, 1, 2, 2.25)) == [(2, 1)]


def test_a_silence_of_other_labels_changes_nothing(lab) -> None:
    shop = make(lab)
    actions.silence(shop.at(NOW - 10 * MINUTE), {"city": ("A",)}, 2 * HOUR, ANN)
    assert told(shop, (0,)) == [(0, 1)]


def test_silences_are_listed_with_what_holds(lab) -> None:
    shop = make(lab)
    one = actions.silence(shop.at(NOW), {"city": ("A", "B")}, HOUR, ANN)
    two = actions.silence(shop.at(NOW), {"alert": ("quick",)}, 9 * HOUR, ANN)
    actions.unsilence(shop.at(NOW + 10 * MINUTE), two.id, ANN)

    def states(at: datetime) -> dict[str, str]:
        return {each.id: each.state for each in actions.silences(shop.at(at))}

    assert states(NOW) == {"past": "over", "move": "pauses", one.id: "holds", two.id: "holds"}
    assert states(NOW + 2 * HOUR) == {"past": "over", "move": "pauses", one.id: "over", two.id: "lifted"}
    assert states(datetime(2025, 3, 20, 3, 30, tzinfo=UTC)) == {"past": "over", "move": "holds"}
    assert states(datetime(2025, 3, 19, tzinfo=UTC)) == {"past": "over", "move": "coming"}
    past, *_ = actions.silences(shop.at(NOW))
    assert (past.who, past.declared) == ("shop-team", "alerts/all.yaml:9")


def test_silences_that_cannot_be(lab) -> None:
    shop = make(lab)
    one = actions.silence(shop.at(NOW), {"city": ("A",)}, HOUR, ANN)
    with refused("E201", "Unknown label 'cty'. Did you mean 'city'"):
        actions.silence(shop.at(NOW), {"cty": ("A",)}, HOUR, ANN)
    with refused("E201", "Unknown alert 'quik'. Did you mean 'quick'"):
        actions.silence(shop.at(NOW), {"alert": ("quik",)}, HOUR, ANN)
    with refused("E201", f"There is no silence '{one.id}0'. Did you mean '{one.id}'"):
        actions.unsilence(shop.at(NOW), f"{one.id}0", ANN)
    with refused("E601", "The silence 'move' is declared."):
        actions.unsilence(shop.at(NOW), "move", ANN)
    with refused("E601", "is over"):
        actions.unsilence(shop.at(NOW + HOUR), one.id, ANN)


def test_an_incident_has_three_names(lab) -> None:
    shop = make(lab)
    tick(shop, NOW)
    found = the_open(shop.at(NOW))
    (message,) = texts(shop, "outbox")
    assert message["text"].splitlines()[-1] == found.mark
    for name in (found.id, found.mark, found.mark[1:], found.mark[:4], found.id[:5], found.id.upper()):
        assert incidents.find(shop.at(NOW), name) == found
    with refused("E201", f"There is no incident '{found.mark}0'. Did you mean '{found.mark}'"):
        incidents.find(shop.at(NOW), f"{found.mark}0")
    with refused("E201", "There is no incident ''"):
        incidents.find(shop.at(NOW), "")
    with refused("E201", f"There is no incident '{found.mark}'"):
        incidents.find(shop.at(NOW - MINUTE), found.mark)  # nobody had been told of it then


def test_a_beginning_of_several_names_none() -> None:
    several = [Incident(each, "quick", NOW, "warning", "", True) for each in ("ab01", "ab02", "ab")]
    assert incidents.choose(several, "ab01").id == "ab01"
    assert incidents.choose(several, "ab").id == "ab"
    with refused("E201", "'ab0' is the beginning of 2 incidents"):
        incidents.choose(several, "ab0")


def test_what_is_over_is_only_judged(lab) -> None:
    shop = make(lab, hours=1)
    for n in range(4):
        tick(shop, NOW + n * HOUR)
    then = shop.at(NOW + 3 * HOUR)
    found = the_first(shop, then.now)
    assert not found.open
    for act in (lambda: actions.acknowledge(then, found, ANN), lambda: actions.snooze(then, found, HOUR, ANN)):
        with refused("E601", f"The incident {found.mark} of 'quick' is over."):
            act()
    assert actions.feedback(then, found, False, ANN).kind == "noise"
    assert actions.feedback(then, found, True, ANN).kind == "useful"


def test_a_press_handed_out_twice_is_one_action(lab) -> None:
    shop = make(lab)
    tick(shop, NOW)
    for minutes in (1, 2):
        then = shop.at(NOW + minutes * MINUTE)
        actions.feedback(then, the_open(then), True, Person("Ann", press="q1"))
    count = f"SELECT count() FROM {shop.context.database}.alert_actions"
    assert shop.rows(count) == [(1,)]
