"""What the site knows of data, lineage and alerts, from a shop whose every event is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assay.compiler import zone
from assay.jobs.alerts import alerting
from assay.jobs.outputs import alerts
from assay.jobs.outputs.lineage import lineage, readers
from assay.jobs.outputs.quality import gaps, quality
from assay.jobs.runs import materialize
from assay.project import Project
from assay.report.views import AlertView

pytestmark = pytest.mark.slow  # eight seconds of ticks, for all of them together
ROOT = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("America/New_York")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = datetime(2025, 3, 20, 12, tzinfo=ZONE)
FIRST, TODAY = date(2025, 2, 20), date(2025, 3, 20)
FILES = {
    "metrics/all.yaml": """
sources:
  app:
    table: RAW.events
    time: at
    owner: app-team
    freshness: 6h
    entities: {user: user_id}
    dimensions: {city: city}
    checks: {not_null: [city]}
metrics:
  events: {type: count, source: app}
  big: {type: count, source: app, where: user_id >= 24}
  share: {type: ratio, numerator: big, denominator: events}
  double: {type: derived, expr: share * 2}
dashboards:
  main: {tabs: {app: {label: App, metrics: [share]}}}
""",
    "alerts/all.yaml": """
alerts:
  quick:
    metrics: [events, share]
    every: 1h
    by: [city]
    detector: {type: mad, history: 20d}
    min_change: 30%
    route: file
  slow: {metrics: [events], every: 1h, window: 3h, detector: {type: mad, history: 20d}, route: file}
routes: {file: {outbox: {path: outbox}}}
events:
  sale: {label: A sale, start: 2025-03-18, end: 2025-03-19, match: {alert: slow}}
silences:
  move: {start: 2025-03-01, end: 2025-03-02, why: We move}
""",
}
PER_HOUR = 48


@pytest.fixture(scope="module")
def shop(lab):
    """48 events an hour, none in the last two hours before NOW and none on 10 March; ticks at NOW and six hours on."""
    shop = lab.shop(FILES, {"events": "at DateTime('UTC'), user_id UInt32, city String"}, ZONE.key, NOW)
    start, end = (zone.epoch(each) for each in (zone.midnight(FIRST, ZONE.key), NOW + 7 * HOUR))
    quiet = zone.epoch(NOW - 2 * HOUR), zone.epoch(NOW)
    shop.write(f"""INSERT INTO RAW.events
        SELECT toDateTime({start} + intDiv(number, {PER_HOUR}) * 3600 + number % {PER_HOUR} * 75, 'UTC') AS at,
            number % {PER_HOUR}, ['A', 'B', 'C', 'D'][number % 4 + 1]
        FROM numbers(intDiv({end} - {start}, 3600) * {PER_HOUR}) WHERE NOT (at >= {quiet[0]} AND at < {quiet[1]})""")
    for first, last in ((FIRST, date(2025, 3, 10)), (date(2025, 3, 12), TODAY)):
        materialize.run(shop.context, start=first, end=last)
    for at in (NOW, NOW + 6 * HOUR):
        alerting.check(shop.at(at), at, send=True)
    return shop


@pytest.fixture(scope="module")
def quick(shop) -> AlertView:
    return next(each for each in alerts.views(shop.context, TODAY) if each.name == "quick")


def test_an_episode_has_a_beginning_and_an_end(quick: AlertView) -> None:
    """The hours before 10:00 were ordinary, and three calm hours in a row end it."""
    (incident,) = [each for each in quick.incidents if each["metric"] == "events" and not each["by"]]
    assert datetime.fromisoformat(incident["since"]) == NOW - 2 * HOUR
    assert (incident["state"], incident["value"]) == ("resolved", 0)
    assert datetime.fromisoformat(incident["ended"]) == NOW + 2 * HOUR


def test_every_slot_of_the_week_is_there(quick: AlertView) -> None:
    events, share = quick.watched
    assert (events.metric, share.metric) == ("events", "share")
    seen: dict[Any, Any] = dict(events.series)
    assert len(seen) == 7 * 24
    assert min(seen) == datetime(2025, 3, 14, tzinfo=ZONE)
    assert [seen[NOW + at * HOUR] for at in (-3, -2, -1, 0, 5)] == [48, 0, 0, 48, 48]
    assert seen[NOW + 6 * HOUR] is None  # not over at the last tick
    assert dict(share.series)[NOW] == 0.5
    assert dict(share.series)[NOW - HOUR] is None  # nothing by nothing


def test_what_was_expected_stands_beside_single_slots_only(shop, quick: AlertView) -> None:
    expected = {at: (low, high) for at, low, high in quick.watched[0].band}
    low, high = expected[NOW - HOUR]
    assert low is not None
    assert high is not None
    assert 0 < low <= 48 <= high
    assert expected[datetime(2025, 3, 14, tzinfo=ZONE)] == (None, None)
    slow = next(each for each in alerts.views(shop.context, TODAY) if each.name == "slow")
    assert (slow.window, slow.watched[0].band) == ("3h", ())


def test_the_week_around_an_older_incident_is_shown_too(shop) -> None:
    quick, _ = alerts.views(shop.context, date(2025, 4, 10))
    assert not quick.watched  # nothing is stored of April
    days = {at.date() for at, _ in quick.around[0].series if isinstance(at, datetime)}
    assert (min(days), max(days)) == (date(2025, 3, 17), date(2025, 3, 23))


def test_before_an_incident_nothing_is_known_of_it(shop) -> None:
    quick, _ = alerts.views(shop.context, TODAY - DAY)
    assert quick.incidents == ()


def test_the_calendar_holds_events_and_silences(shop) -> None:
    sale, move = alerts.calendar(shop.context)
    assert (sale.kind, sale.label, sale.about) == ("event", "A sale", "alert = slow")
    assert (sale.start, sale.end) == (datetime(2025, 3, 18, tzinfo=ZONE), datetime(2025, 3, 19, tzinfo=ZONE))
    assert (move.kind, move.label) == ("silence", "move: We move")


def test_a_day_that_was_never_built_is_a_gap(shop) -> None:
    found = {(each.kind, each.name): each for each in quality(shop.context, TODAY).stored}
    app = found["source", "app"]
    assert (app.first, app.last) == (FIRST, TODAY - DAY)
    assert app.gaps == ((date(2025, 3, 10), date(2025, 3, 11)),)
    assert (app.owner, app.fresh, app.over) == ("app-team", "6h", True)
    assert quality(shop.context, date(2025, 3, 11)).stored[0].last == date(2025, 3, 9)


def test_gaps_are_between_days() -> None:
    days = [date(2025, 1, day) for day in (1, 2, 4, 8)]
    assert list(gaps(days)) == [(date(2025, 1, 3),) * 2, (date(2025, 1, 5), date(2025, 1, 7))]
    assert list(gaps(days[:1])) == []


def test_checks_are_counted(shop) -> None:
    found = quality(shop.context, TODAY)
    results = f"SELECT DISTINCT subject, check, first_day, last_day FROM {shop.context.database}.check_results"
    passed = shop.rows(f"SELECT count() FROM ({results} WHERE status = 'passed')")
    assert found.passed == passed[0][0] > 0
    assert (found.failed, found.skipped) == ((), 0)


def test_lineage_leads_from_the_source_to_the_readers(shop) -> None:
    catalog, name = shop.context.catalog, ("metric", "share")
    reading = readers(catalog)
    assert set(lineage(catalog, "share", reading)) == {
        (("source", "app"), ("metric", "big")), (("source", "app"), ("metric", "events")),
        (("metric", "big"), name), (("metric", "events"), name),
        (name, ("metric", "double")), (name, ("alert", "quick")), (name, ("tab", "app")),
    }  # fmt: skip
    assert "double" not in reading


def test_lineage_begins_with_the_models() -> None:
    catalog = Project.load(ROOT).catalog
    assert list(lineage(catalog, "unique_viewers_per_post", {})) == [
        (("source", "post_days"), ("metric", "unique_viewers_per_post")),
        (("model", "fact_daily_posts"), ("source", "post_days")),
    ]
