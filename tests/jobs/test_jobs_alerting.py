"""`alert check` on small projects whose every event is known: silence, short history, time travel, long slots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from assay.compiler import zone
from assay.errors import UsageError
from assay.jobs.alerts import alerting, scores
from assay.jobs.alerts.rule import Rule
from assay.jobs.runs import materialize
from assay.jobs.storage import builds

ZONE = ZoneInfo("America/New_York")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = datetime(2025, 3, 20, 12, tzinfo=ZONE)
FIRST = date(2025, 2, 17)  # the clock changes on 03-09
CITIES = ("A", "B", "C", "D")


def _shop(lab, every: str, more: str = "", by: str = "", skip: Iterable[tuple[datetime, datetime]] = ()):
    """Four cities with twelve users each per hour, from FIRST to three days after NOW, except in the spans to skip."""
    files = {
        "metrics/all.yaml": """
sources:
  app:
    table: RAW.events
    time: at
    entities: {user: user_id}
    dimensions: {city: city, top_city: {column: city, top: 3}}
metrics:
  events: {type: count, source: app}
  users: {type: unique, source: app, of: user}
  share: {type: ratio, numerator: big, denominator: events}
  big: {type: count, source: app, where: user_id >= 24}
""",
        "alerts/all.yaml": f"""
alerts:
  quick:
    metrics: [events]
    every: {every}
    {by}
    detector: {{type: mad, history: 20d}}
    min_change: 30%
    explain: [city]
    route: file
    {more}
routes: {{file: {{outbox: {{path: outbox}}}}}}
""",
    }
    shop = lab.shop(files, {"events": "at DateTime('UTC'), user_id UInt32, city String"}, ZONE.key, NOW)
    start, end = zone.epoch(zone.midnight(FIRST, ZONE.key)), zone.epoch(NOW + 3 * DAY)
    gone = " OR ".join(f"(at >= {zone.epoch(a)} AND at < {zone.epoch(b)})" for a, b in skip) or "0"
    shop.write(f"""INSERT INTO RAW.events
        SELECT toDateTime({start} + intDiv(number, 48) * 3600 + number % 48 * 75, 'UTC') AS at, number % 48,
            ['A', 'B', 'C', 'D'][number % 4 + 1]
        FROM numbers(intDiv({end} - {start}, 3600) * 48) WHERE NOT ({gone})""")
    return shop


def _check(shop, at: datetime = NOW, send: bool = False):
    return alerting.check(shop.at(at), at, send=send)


def _firing(checked) -> list[tuple[str, dict[str, str]]]:
    return [(each.metric.name, each.by) for each in checked.findings if each.state == "firing"]


@pytest.mark.slow
def test_ordinary_slots_are_quiet(lab) -> None:
    shop = _shop(lab, "1h", by="by: [city]")
    for back in (0, 11, 12, 24, 252, 253, 254, 255, 264, 300):  # the clock changes 250 to 260 hours before
        assert not _check(shop, NOW - back * HOUR).findings


def test_total_silence_fires(lab) -> None:
    """No rows at all in a slot: a zero, not a missing value."""
    shop = _shop(lab, "1h", skip=[(NOW - HOUR, NOW)])
    (finding,) = _check(shop).findings
    assert finding.state == "firing"
    assert (finding.newest.value, finding.newest.change) == (0.0, -1.0)
    assert not finding.causes  # every city fell alike


def test_silence_of_a_slice_fires_and_names_it(lab) -> None:
    shop = _shop(lab, "1h", by="by: [city]")
    shop.write(f"DELETE FROM RAW.events WHERE city = 'B' AND at >= {zone.epoch(NOW - 12 * HOUR)}")
    checked = _check(shop)
    assert _firing(checked) == [("events", {"city": "B"})]
    (cause,) = checked.findings[0].causes
    assert (cause.dimension, cause.values, cause.after) == ("city", ("B",), 0)


def test_the_first_check_pins_the_most_frequent_values(lab) -> None:
    """Nothing was run before: without pinned values everything would be 'other'."""
    shop = _shop(lab, "1h", by="by: [top_city]")
    builds.prepare(shop.context)
    rule = Rule(shop.context, shop.context.catalog.alert("quick"))
    (found,) = scores.scored(rule, rule.newest(NOW), rule.newest(NOW))
    assert {value for _, value in found.names} == {"", "A", "B", "C", "other"}


@pytest.mark.slow
@pytest.mark.parametrize("days", [1, 13])
def test_a_short_history_never_fires(lab, days: int) -> None:
    shop = _shop(lab, "1h", by="by: [city]", skip=[(NOW - HOUR, NOW)])
    shop.write(f"DELETE FROM RAW.events WHERE at < {zone.epoch(NOW - days * DAY)}")
    assert not _check(shop).findings


def test_a_tick_does_not_see_what_comes_later(lab) -> None:
    """Built up to noon, up to two, or to the end: the judgement of noon is the same."""
    skip = [(NOW - 2 * HOUR, NOW - HOUR), (NOW + HOUR, NOW + 2 * HOUR)]
    plain, built = (_shop(lab, "1h", "confirm: 1/2", skip=skip) for _ in range(2))
    materialize.run(built.at(NOW + 3 * DAY), start=FIRST, end=(NOW + 3 * DAY).date())
    noon = _dicts(_check(plain))
    assert [each["value"] for each in noon] == [48.0]
    assert _dicts(_check(built)) == noon
    assert _check(plain, NOW + 2 * HOUR).findings[0].newest.value == 0
    assert _dicts(_check(plain)) == noon


def _dicts(checked) -> list[dict[str, object]]:
    return checked.as_dict()["firing"]


@pytest.mark.slow
def test_late_rows_are_judged_by_the_next_tick(lab) -> None:
    shop = _shop(lab, "1h", skip=[(NOW - HOUR, NOW)])
    assert _check(shop, send=True).findings[0].newest.value == 0
    shop.load("events", [{"at": NOW - HOUR / 2, "user_id": at, "city": "A"} for at in range(48)])
    later = _check(shop, NOW + HOUR)
    assert not [each for each in later.findings if each.state == "firing"]


def test_the_same_tick_twice_sends_once(lab) -> None:
    shop = _shop(lab, "1h", skip=[(NOW - HOUR, NOW)])
    first, second = _check(shop, send=True), _check(shop, send=True)
    assert (first.as_dict()["sent"], second.as_dict()["sent"]) == (1, 0)
    assert second.as_dict()["suppressed"][0]["reason"].startswith("quick:")
    assert len(list((shop.context.root / "outbox").glob("*.html"))) <= 1


@pytest.mark.slow
def test_an_incident_is_one_message(lab) -> None:
    """Six silent hours, then recovery: the ticks agree on one beginning."""
    shop = _shop(lab, "1h", skip=[(NOW - 6 * HOUR, NOW)])
    checks = [_check(shop, NOW + n * HOUR, send=True) for n in range(-6, 5)]
    firing = [[each for each in checked.findings if each.state == "firing"] for checked in checks]
    assert [bool(found) for found in firing] == [False, *[True] * 8, *[False] * 2]
    assert {each.since for found in firing for each in found} == {NOW - 6 * HOUR}
    assert [n for n, checked in enumerate(checks) for _ in range(checked.as_dict()["sent"])] == [1, 9]  # and its end


@pytest.mark.slow
def test_days_are_judged_across_the_change_of_the_clock(lab) -> None:
    """A 23-hour day is a day: 4 % fewer events. A silent one fires."""
    midnight = datetime(2025, 3, 18, tzinfo=ZONE)
    shop = _shop(lab, "1d", skip=[(midnight, midnight + DAY)])
    for back in (0, 1, 8, 9, 10):
        at = midnight - back * DAY + 7 * HOUR
        assert not _check(shop, at).findings, at
    (finding,) = _check(shop, midnight + DAY + HOUR).findings
    assert (finding.newest.value, finding.since) == (0.0, midnight)


@pytest.mark.slow
@pytest.mark.parametrize("every", ["2h", "12h"])
def test_long_slots_are_aligned_across_the_change_of_the_clock(lab, every: str) -> None:
    shop = _shop(lab, every)
    for back in (0, 5, 24, *range(240, 276, 5)):  # the clock changes 250 to 260 hours before
        assert not _check(shop, NOW - back * HOUR).findings, back


def test_an_unknown_alert_is_met_with_a_suggestion(lab) -> None:
    shop = _shop(lab, "1h")
    with pytest.raises(UsageError, match="Did you mean 'quick'"):
        alerting.check(replace(shop.context), NOW, ["quik"])
