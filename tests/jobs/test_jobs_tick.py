"""Ticks on small projects whose every event is known: silences, known events, missing data, late rows, odd values."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assay.compiler import zone
from assay.errors import CheckFailed, WarehouseError
from assay.jobs.alerts import alerting, memory
from assay.jobs.alerts.alerting import Checked
from assay.jobs.context import Context
from assay.project import Project

pytestmark = pytest.mark.slow

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = date(2025, 2, 10)
NOW = datetime(2025, 3, 20, 12, tzinfo=UTC)
CITIES = ("A", "B", "C", "D")
TABLE = {"events": "at DateTime('UTC'), user_id UInt32, city String, amount Float64"}

METRICS = """
sources:
  app: {{table: RAW.events, time: at, entities: {{user: user_id}}, dimensions: {{city: city}}, {checks}}}
  plain: {{table: RAW.events, time: at, entities: {{user: user_id}}}}
metrics:
  rows: {{type: count, source: plain}}
  events: {{type: count, source: app}}
  spend: {{type: sum, source: app, value: amount}}
  big: {{type: count, source: app, where: user_id % 4 = 0}}
  share: {{type: ratio, numerator: big, denominator: events}}
"""
ROUTES = "routes: {file: {outbox: {path: outbox}, repeat: 2h}}\n"
QUICK = "metrics: [events], every: 1h, route: file, detector: {calibrate: false}"


def make(
    lab,
    alerts: str = f"quick: {{{QUICK}}}",
    more: str = "",
    skip: Collection[tuple[datetime, datetime]] = (),
    hours: tuple[int, int] = (0, 24),
    checks: str = "",
    cities: Collection[str] = CITIES,
    rows: str = "1",
):
    """96 events an hour for each of the cities, from FIRST to a day after NOW, except in the spans to skip."""
    metrics = METRICS.format(checks=f"checks: {{{checks}}}" if checks else "lateness: 1d")
    shop = lab.shop({"metrics/all.yaml": metrics, "alerts/all.yaml": f"alerts:\n  {alerts}\n{ROUTES}{more}"}, TABLE)
    start, end = zone.epoch(zone.midnight(FIRST, "UTC")), zone.epoch(NOW + DAY)
    gone = " OR ".join(f"(at >= {zone.epoch(a)} AND at < {zone.epoch(b)})" for a, b in skip) or "0"
    many = 96 * len(cities)
    shop.write(f"""INSERT INTO RAW.events
        SELECT * FROM (
            SELECT toDateTime({start} + intDiv(number, {many}) * 3600 + (number % {many}) * 3600 / {many}, 'UTC') AS at,
                intDiv(number, {len(cities)}) % 48 AS user_id, {list(cities)}[number % {len(cities)} + 1] AS city, 1
            FROM numbers(intDiv({end} - {start}, 3600) * {many})
        ) WHERE NOT ({gone}) AND toHour(at) >= {hours[0]} AND toHour(at) < {hours[1]} AND ({rows})""")
    return shop


def check(shop, at: datetime = NOW, send: bool = True, **names: Any) -> Checked:
    return alerting.check(shop.at(at), at, send=send, **names)


def sent(shop) -> list[str]:
    """The titles of all messages so far, in the order of their keys."""
    files = sorted((shop.context.root / "outbox").glob("*/message.json"))
    return [json.loads(each.read_text())["title"] for each in files]


def states(checked: Checked) -> list[tuple[str, str]]:
    return [("/".join(each.fingerprint.split("/")[1:]), each.state) for each in checked.findings]


def told(shop, begin: int, end: int) -> list[tuple[int, int]]:
    """(hours after NOW, messages) of ticks every hour."""
    counts = [(n, check(shop, NOW + n * HOUR).as_dict()["sent"]) for n in range(begin, end)]
    return [(n, count) for n, count in counts if count]


def silence(start: str, end: str, match: str = "{alert: quick}") -> str:
    return f"silences: {{move: {{match: {match}, start: {start}, end: {end}, why: The servers move.}}}}\n"


@pytest.mark.slow
def test_an_incident_is_told_once_repeated_and_ended(lab) -> None:
    shop = make(lab, skip=[(NOW - HOUR, NOW + 2 * HOUR)])
    assert told(shop, -1, 8) == [(0, 1), (2, 1), (4, 1), (5, 1)]
    assert [title.split(" · ")[0] for title in sent(shop)].count("Back to usual") == 1


@pytest.mark.slow
def test_what_is_over_when_the_silence_ends_is_never_told(lab) -> None:
    shop = make(lab, more=silence("2025-03-20T00:00", "2025-03-20T23:00"), skip=[(NOW - HOUR, NOW + HOUR)])
    checked = check(shop)
    assert states(checked) == [("events", "firing")]
    assert checked.findings[0].quiet == ("move: The servers move.",)
    assert told(shop, 1, 13) == []


def test_what_is_open_when_the_silence_ends_is_told_once(lab) -> None:
    shop = make(lab, more=silence("2025-03-20T00:00", "2025-03-20T14:00"), skip=[(NOW - HOUR, NOW + 3 * HOUR)])
    assert told(shop, 0, 4) == [(2, 1)]


@pytest.mark.slow
def test_a_silence_keeps_repeats_back(lab) -> None:
    """Told before the silence began; the route would say it again every two hours."""
    shop = make(lab, more=silence("2025-03-20T13:00", "2025-03-20T20:00"), skip=[(NOW - HOUR, NOW + 7 * HOUR)])
    assert told(shop, 0, 8) == [(0, 1)]


def test_a_silence_of_one_city_leaves_the_others(lab) -> None:
    alerts = f"quick: {{{QUICK}, by: [city], total: false, confirm: 1/1}}"
    shop = make(lab, alerts, silence("2025-03-20", "2025-03-21", "{city: B}"), rows=f"NOT {_fell('B', 'C')}")
    assert told(shop, 0, 1) == [(0, 1)]
    assert sent(shop) == ["quick: Events, city C"]


def _fell(*cities: str) -> str:
    names = ", ".join(f"'{each}'" for each in cities)
    return f"(city IN ({names}) AND at >= {zone.epoch(NOW - HOUR)})"


def test_a_known_event_is_mute_and_leaves_the_baseline(lab) -> None:
    event = "events: {sale: {match: {metric: events}, start: 2025-03-20T10:00, end: 2025-03-20T12:00}}\n"
    shop = make(lab, more=event, skip=[(NOW - 2 * HOUR, NOW)])
    checked = check(shop)
    assert checked.findings == ()
    assert checked.as_dict()["suppressed"] == [{"reason": "a known event explains it", "count": 1}]
    assert told(shop, 1, 3) == []


def test_an_event_of_one_city_mutes_the_total_and_not_another_city(lab) -> None:
    event = "events: {sale: {match: {city: B}, start: 2025-03-20T10:00, end: 2025-03-20T12:00}}\n"
    alerts = f"quick: {{{QUICK}, by: [city], confirm: 1/1}}"
    shop = make(lab, alerts, event, rows=f"NOT {_fell('B', 'C')}")
    assert states(check(shop)) == [("events/city=C", "firing")]


@pytest.mark.parametrize(("expect", "fires"), [("-60%..-40%", False), ("-95%..-90%", True), ("20%..60%", True)])
def test_an_expected_change_is_no_news(lab, expect: str, fires: bool) -> None:
    event = f"events: {{sale: {{start: 2025-03-20T11:00, end: 2025-03-20T14:00, expect: {expect}}}}}\n"
    shop = make(lab, more=event, rows=f"NOT (user_id % 2 AND at >= {zone.epoch(NOW - HOUR)})")
    assert bool(check(shop).findings) == fires


def test_an_alert_that_fires_speaks_for_another(lab) -> None:
    alerts = f"slow: {{{QUICK}, inhibited_by: [quick]}}\n  quick: {{{QUICK}}}"
    shop = make(lab, alerts, skip=[(NOW - HOUR, NOW + HOUR)])
    checked = check(shop)
    assert sorted((each.alert.name, each.quiet) for each in checked.findings) == [
        ("quick", ()),
        ("slow", ("'quick' fires",)),
    ]
    assert sent(shop) == ["quick: Events"]
    assert check(shop, NOW + HOUR, names=["slow"]).as_dict()["sent"] == 0  # by what is remembered of the other
    for n in (2, 3, 4):
        check(shop, NOW + n * HOUR)
    assert {title.split(" · ")[-1].split(":")[0] for title in sent(shop)} == {"quick"}


def test_data_that_fails_a_check_is_told_after_two_slots_with_the_reason(lab) -> None:
    shop = make(lab, checks="accepted: {city: [A, B, C, D]}")
    shop.write(f"INSERT INTO RAW.events VALUES ({zone.epoch(NOW - HOUR / 2)}, 1, 'X', 1)")
    for n, phases in ((-1, []), (0, []), (1, [("events", "no_data")]), (2, [("events", "no_data")])):
        if n < 0:
            assert check(shop, NOW + n * HOUR).findings == ()
            continue
        with pytest.raises(CheckFailed):
            check(shop, NOW + n * HOUR)
        assert bool(phases) == bool(sent(shop))
    (title,) = sent(shop)
    (text,) = [each.read_text() for each in (shop.context.root / "outbox").glob("*/message.txt")]
    assert "no data since 11:00" in text
    assert "city" in text
    shop.write("DELETE FROM RAW.events WHERE city = 'X'")
    assert check(shop, NOW + 3 * HOUR).as_dict()["sent"] == 1
    assert check(shop, NOW + 4 * HOUR).findings == ()
    assert title == "quick: Events"


def test_a_check_that_fails_while_something_fires_blinds_nobody_else(lab) -> None:
    alerts = f"quick: {{{QUICK}, explain: [city]}}\n  other: {{{QUICK.replace('events', 'rows')}}}"
    shop = make(lab, alerts, skip=[(NOW - HOUR, NOW)], checks="accepted: {city: [A, B, C, D]}")
    check(shop)
    shop.write(f"INSERT INTO RAW.events VALUES ({zone.epoch(NOW + HOUR / 2)}, 1, 'X', 1)")
    later = check(shop, NOW + HOUR)
    assert set(later.failed) == {"quick"}
    assert sorted((each.alert.name, each.state) for each in later.findings) == [
        ("other", "firing"),
        ("quick", "firing"),
    ]
    assert ("quick", "no_data") in [(each.alert.name, each.state) for each in check(shop, NOW + 2 * HOUR).findings]


def test_a_ratio_of_nothing_at_night_is_no_incident(lab) -> None:
    shop = make(lab, f"quick: {{{QUICK.replace('events', 'share')}}}", hours=(8, 22))
    for n in (-14, -12, -6, -3, -2, 0, 8, 11):
        assert check(shop, NOW + n * HOUR).findings == (), n


def test_missed_ticks_are_judged_in_order(lab) -> None:
    """The scheduler slept for ten hours: what began meanwhile is told with its true beginning, once."""
    shop = make(lab, skip=[(NOW - 4 * HOUR, NOW - HOUR)])
    assert check(shop, NOW - 8 * HOUR).findings == ()
    (finding,) = check(shop).findings
    assert (finding.state, finding.since) == ("firing", NOW - 4 * HOUR)
    assert len(sent(shop)) == 1
    assert told(shop, 1, 5) == [(2, 1)]  # the third calm slot


def test_what_began_and_ended_between_two_ticks_is_recorded_and_not_told(lab) -> None:
    shop = make(lab, skip=[(NOW - 7 * HOUR, NOW - 5 * HOUR)])
    check(shop, NOW - 8 * HOUR)
    assert check(shop).findings == ()
    assert sent(shop) == []
    rows = shop.rows(f"SELECT kind, told FROM {shop.context.database}.alert_events ORDER BY sequence")
    assert [kind for kind, _ in rows] == ["fire", "resolve"]


def test_late_rows_correct_what_was_told(lab) -> None:
    shop = make(lab, skip=[(NOW - HOUR, NOW)])
    assert check(shop).as_dict()["sent"] == 1
    rows = [{"at": NOW - HOUR + n * HOUR / 384, "user_id": n % 48, "city": CITIES[n % 4]} for n in range(384)]
    shop.load("events", [row | {"amount": 1.0} for row in rows])
    shop.write(f"TRUNCATE TABLE {shop.context.database}.builds")  # late rows are looked for once a day; here, at once
    assert check(shop, NOW + HOUR).as_dict()["sent"] == 1
    assert [each for each in sent(shop) if each.startswith("Corrected")]
    assert told(shop, 2, 5) == []


@pytest.mark.slow
def test_a_look_at_the_past_keeps_nothing_of_the_future(lab) -> None:
    shop, plain = (make(lab, skip=[(NOW - HOUR, NOW), (NOW - 7 * HOUR, NOW - 6 * HOUR)]) for _ in range(2))
    for n in range(-7, 1):
        check(shop, NOW + n * HOUR)
    before = _memory(shop.context)
    looked = check(shop, NOW - 6 * HOUR, send=False)
    assert looked.as_dict()["firing"] == check(plain, NOW - 6 * HOUR, send=False).as_dict()["firing"]
    assert check(shop, NOW - 6 * HOUR).as_dict()["sent"] == 0
    assert _memory(shop.context) == before


def _memory(context: Context) -> memory.Memory:
    return memory.read(context, "quick", 10**9)


def test_a_delay_waits_for_rows(lab) -> None:
    shop = make(lab, f"quick: {{{QUICK}, delay: 2h}}", skip=[(NOW - HOUR, NOW)])
    assert [bool(check(shop, NOW + n * HOUR).findings) for n in range(3)] == [False, False, True]


def test_top_judges_the_largest_values(lab) -> None:
    alerts = f"quick: {{{QUICK}, by: [city], top: 2, total: false}}"
    shop = make(lab, alerts, rows="(city IN ('B', 'D') OR user_id % 3)")
    assert check(shop).evaluated == 2
    rows = shop.rows(f"SELECT DISTINCT val FROM {shop.context.database}.alert_scores ORDER BY val")
    assert [value for (value,) in rows] == ["B", "D"]


@pytest.mark.slow
def test_a_slice_that_is_judged_no_more_does_not_stay_open(lab) -> None:
    """Fires, and on the next day others are larger: its incident ends, and later ones are told anew."""
    alerts = f"quick: {{{QUICK}, by: [city], top: 1, total: false, confirm: 1/1}}"
    night = datetime(2025, 3, 20, tzinfo=UTC)
    gone = f"(city = 'B' AND at >= {zone.epoch(night - HOUR)})"
    shop = make(lab, alerts, rows=f"NOT {gone} AND (city = 'B' OR user_id > 0)")
    assert states(check(shop, night)) == [("events/city=B", "firing")]
    shop.write("INSERT INTO RAW.events SELECT at, user_id, city, amount FROM RAW.events WHERE city = 'A'")
    shop.write(f"TRUNCATE TABLE {shop.context.database}.builds")
    assert [bool(check(shop, night + n * HOUR).findings) for n in range(1, 6)] == [True, True, True, False, False]
    assert [each.split(" · ")[0] for each in sent(shop)].count("Back to usual") == 1


@pytest.mark.slow
def test_an_alert_whose_metric_was_taken_away_forgets_it(lab) -> None:
    shop = make(lab, f"quick: {{{QUICK.replace('[events]', '[events, spend]')}}}", skip=[(NOW - HOUR, NOW)])
    assert len(check(shop).findings) == 2
    files = shop.context.root / "alerts/all.yaml", shop.context.root / "metrics/all.yaml"
    for file, old in zip(files, (", spend]", "  spend: {type: sum, source: app, value: amount}\n"), strict=True):
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, "]" if old.startswith(",") else ""))
    changed = _again(shop)
    assert {each.metric.name for each in check(changed, NOW + HOUR).findings} == {"events"}
    assert [check(changed, NOW + n * HOUR).as_dict()["sent"] for n in (2, 3, 4, 5)].count(1) >= 1
    assert [each.split(" · ")[0] for each in sent(changed)].count("Back to usual") == 1


def _again(shop):
    """The shop after its files have changed."""
    return type(shop)(replace(shop.context, catalog=Project.load(shop.context.root).catalog), shop.raw)


def test_negative_sums_are_judged(lab) -> None:
    shop = make(lab, f"quick: {{{QUICK.replace('events', 'spend')}}}")
    shop.write("ALTER TABLE RAW.events UPDATE amount = if(user_id % 2, -2, 1) WHERE 1 SETTINGS mutations_sync = 1")
    assert check(shop).findings == ()
    shop.write(f"ALTER TABLE RAW.events UPDATE amount = 5 WHERE at >= {zone.epoch(NOW)} SETTINGS mutations_sync = 1")
    (finding,) = check(shop, NOW + HOUR).findings
    assert finding.newest.value == 5 * 384
    assert finding.newest.change == pytest.approx(11, abs=0.5)  # -192 was expected


@pytest.mark.parametrize("amount", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_are_not_judged(lab, amount: str) -> None:
    shop = make(lab, f"quick: {{{QUICK.replace('events', 'spend')}}}")
    for at in (NOW - 30 * HOUR, NOW - HOUR / 2):
        shop.write(f"INSERT INTO RAW.events VALUES ({zone.epoch(at)}, 1, 'A', {amount})")
    assert check(shop).findings == ()


def test_an_empty_source_is_an_error_and_no_alarm(lab) -> None:
    shop = make(lab, f"quick: {{{QUICK}, by: [city], explain: [city]}}", rows="0")
    with pytest.raises(WarehouseError, match="E511"):
        check(shop)


@pytest.mark.parametrize("total", ["true", "false"])
def test_an_empty_history_learns(lab, total: str) -> None:
    """The first rows came within the last two hours."""
    alerts = f"quick: {{{QUICK}, by: [city], total: {total}, explain: [city]}}"
    shop = make(lab, alerts, rows=f"at >= {zone.epoch(NOW - 2 * HOUR)}")
    assert check(shop).findings == ()
    assert sent(shop) == []


ODD = ("<b>&_*", "it's", 'say "hi"', "a/b=c", "[x](y)\n", "", "ж" * 60)


def test_odd_names_are_told_as_they_are(lab) -> None:
    quoted = [each.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") for each in ODD]
    shop = make(lab, f"quick: {{{QUICK}, by: [city], total: false, confirm: 1/1}}", cities=["A"] * len(ODD))
    names = ", ".join(f"'{each}'" for each in quoted)
    shop.write(f"ALTER TABLE RAW.events UPDATE city = [{names}][toUnixTimestamp(at) % {len(ODD)} + 1] WHERE 1 "
               "SETTINGS mutations_sync = 1")  # fmt: skip
    shop.write(f"DELETE FROM RAW.events WHERE city IN ({names}) AND at >= {zone.epoch(NOW - HOUR)}")
    found = check(shop)
    assert sorted(each.by["city"] for each in found.findings) == sorted(ODD)
    assert found.as_dict()["sent"] == 1
    (html,) = [each.read_text() for each in (shop.context.root / "outbox").glob("*/message.html")]
    assert "<b>&_*" not in html
    assert "&lt;b&gt;&amp;_*" in html
    again = check(shop, NOW + HOUR)  # remembered under the same names
    assert {each.since for each in again.findings if each.state == "firing"} <= {NOW - HOUR, NOW}


@pytest.mark.slow
def test_of_four_thousand_values_fifty_are_judged(lab) -> None:
    shop = make(lab, f"quick: {{{QUICK}, by: [city], total: false}}", cities=["A"])
    shop.write("ALTER TABLE RAW.events UPDATE city = toString(intDiv(cityHash64(at, user_id) % 4000 * "
               "(cityHash64(user_id, at, 1) % 4000), 4000)) WHERE 1 SETTINGS mutations_sync = 1")  # fmt: skip
    assert check(shop).evaluated == 50


def test_a_young_slice_learns_and_never_fires(lab) -> None:
    """A city that opened ten days ago, closed for an hour, and open again."""
    born = f"(city != 'D' OR at >= {zone.epoch(NOW - 10 * DAY)})"
    shop = make(lab, f"quick: {{{QUICK}, by: [city], total: false, confirm: 1/1}}", rows=f"{born} AND NOT {_fell('D')}")
    for n in (-10 * 24, -10 * 24 + 1, -9 * 24, -48, 0):
        assert check(shop, NOW + n * HOUR).findings == (), n
    assert "too little history" in {each["reason"] for each in check(shop, NOW, send=False).as_dict()["suppressed"]}


def test_two_ticks_at_once_say_it_once(lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the same memory; the second one is done before the first one sends."""
    shop, send = make(lab, skip=[(NOW - HOUR, NOW)]), alerting._send

    def late(*arguments: Any) -> Any:
        monkeypatch.undo()
        assert check(shop).as_dict()["sent"] == 1
        return send(*arguments)

    monkeypatch.setattr(alerting, "_send", late)
    assert check(shop).as_dict()["sent"] == 0
    assert len(sent(shop)) == 1
    assert told(shop, 1, 4) == [(2, 1), (3, 1)]  # the route's repeat, and the end


@pytest.mark.parametrize("later", [0, 1, 3])
def test_killed_between_planning_and_remembering(lab, monkeypatch: pytest.MonkeyPatch, later: int) -> None:
    """What was sent is not sent again, and whoever was told of a beginning is told of its end."""
    shop = make(lab, f"quick: {{{QUICK}, resolve: 1}}", skip=[(NOW - HOUR, NOW)])
    check(shop, NOW - HOUR)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(alerting, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            check(shop)
    assert len(sent(shop)) == 1
    for n in range(later, 5):
        check(shop, NOW + n * HOUR)
    assert [title.split(" · ")[0] for title in sent(shop)].count("Back to usual") == 1
    assert len(sent(shop)) == 2
