"""`alert backtest` and `alert tune`: the replay agrees with live ticks, counts by hand, and what it refuses."""

from __future__ import annotations

import subprocess
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assay.compiler import zone
from assay.errors import UsageError, WarehouseError
from assay.jobs.alerts import alerting
from assay.jobs.alerts.backtesting import Compared, backtest, refused, tune
from assay.jobs.alerts.replay import Replayed, read, replayed
from assay.jobs.alerts.rule import Rule

ZONE = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
FIRST, START, END = date(2025, 1, 20), date(2025, 3, 9), date(2025, 3, 11)  # the clock changes on 03-09
NOW = datetime(2025, 3, 11, 12, tzinfo=ZONE)
# span, share of the users that are gone, and whose city
GONE = (
    (datetime(2025, 3, 9, 8, tzinfo=ZONE), datetime(2025, 3, 9, 13, tzinfo=ZONE), 100, "city = 'B'"),  # a slice
    (datetime(2025, 3, 9, 14, tzinfo=ZONE), datetime(2025, 3, 9, 18, tzinfo=ZONE), 100, "city = 'C'"),  # declared
    (
        datetime(2025, 3, 9, 22, tzinfo=ZONE),
        datetime(2025, 3, 10, 3, tzinfo=ZONE),
        95,
        "1",
    ),  # an outage over midnight, declared afterwards
    (
        datetime(2025, 3, 10, 9, tzinfo=ZONE),
        datetime(2025, 3, 10, 14, tzinfo=ZONE),
        60,
        "1",
    ),  # silenced for the first hours
)
WALKED = ("quick", "long", "other")
METRICS = """
sources:
  app: {table: RAW.events, time: at, entities: {user: user_id}, dimensions: {city: city}}
metrics:
  events: {type: count, source: app}
  users: {type: unique, source: app, of: user}
  share: {type: ratio, numerator: big, denominator: events}
  big: {type: count, source: app, where: user_id % 5 = 0}
  seldom: {type: count, source: app, where: user_id = 7}
"""
CALENDAR = """
events:
  campaign: {match: {city: C}, start: 2025-03-09T14:00, end: 2025-03-09T19:00}
  outage: {start: 2025-03-09T20:00, end: 2025-03-10T06:00, known_ahead: false}
silences:
  works: {match: {alert: quick}, start: 2025-03-10T08:00, end: 2025-03-10T12:00, why: The database is moved.}
routes: {file: {outbox: {path: outbox}}}
"""
DETECTOR = "detector: {type: seasonal_level, history: 14d, min_history: 7, half_life: 4}"


def _shop(lab, alerts: str):
    files = {"metrics/all.yaml": METRICS, "alerts/all.yaml": f"alerts:\n{alerts}", "alerts/calendar.yaml": CALENDAR}
    shop = lab.shop(files, {"events": "at DateTime('UTC'), user_id UInt32, city String"}, ZONE.key, NOW)
    start, end = zone.epoch(zone.midnight(FIRST, ZONE.key)), zone.epoch(NOW)
    gone = " OR ".join(
        f"({where} AND user_id * 37 % 100 < {share} AND at >= {zone.epoch(a)} AND at < {zone.epoch(b)})"
        for a, b, share, where in GONE
    )
    shop.write(f"""INSERT INTO RAW.events
        SELECT toDateTime({start} + intDiv(number, 240) * 3600 + number % 3600, 'UTC') AS at, number % 240 AS user_id,
            ['A', 'B', 'C', 'D'][number % 4 + 1] AS city
        FROM numbers(intDiv({end} - {start}, 3600) * 240)
        WHERE cityHash64(number, 5) % 100 < 40 + 20 * sin(intDiv(number, 240) % 24 / 4) AND NOT ({gone})""")
    return shop


def _walked(shop) -> tuple[dict[str, list[tuple]], dict[str, int]]:
    """Live ticks through every slot: the episodes of each alert, and how many messages were sent."""
    sent = dict.fromkeys(WALKED, 0)
    rule = Rule(shop.context, shop.context.catalog.alert(WALKED[0]))
    for slot in range(rule.timeline.first(START), rule.timeline.first(END)):
        if at := rule.timeline.end(slot):
            for receipt in alerting.check(shop.at(at), at, WALKED).receipts:
                if receipt.status == "sent":
                    sent[Path(receipt.reference).name.split("-")[0]] += 1
    return {name: _episodes(shop, name) for name in WALKED}, sent


def _episodes(shop, alert: str) -> list[tuple]:
    rows = shop.rows(
        f"""SELECT any(metric), any(dim), any(val), any(about), toUnixTimestamp(min(since)),
            argMax(kind, sequence) = 'resolve' ? toUnixTimestamp(max(slot)) + 3600 : 0, max(told)
        FROM {shop.context.database}.alert_events FINAL WHERE alert = {{alert:String}}
        GROUP BY episode HAVING argMax(kind, sequence) != 'correct'""",
        alert=alert,
    )
    return sorted(rows)


def _replayed(found: Replayed) -> list[tuple]:
    return sorted(
        (
            each.metric,
            *each.slice,
            each.about,
            zone.epoch(each.since),
            zone.epoch(each.until) if each.until else 0,
            int(each.told),
        )
        for each in found.episodes
    )


ALERTS = f"""
  quick: {{metrics: [events, share], every: 1h, by: [city], top: 3, {DETECTOR}, critical: 90%, budget: 3, route: file}}
  long: {{metrics: [users], every: 1h, window: 3h, by: [city], {DETECTOR}, confirm: 2/3, route: file}}
  other:
    metrics: [users]
    every: 1h
    detector: {{type: mad, history: 14d}}
    min_change: 20%
    inhibited_by: [quick]
    route: file
  rare: {{metrics: [seldom], every: 1h, {DETECTOR}, route: file}}
  bounds: {{metrics: [users], every: 1h, detector: {{type: static, low: 5}}, route: file}}
"""


@pytest.fixture(scope="module")
def shop(lab):
    return _shop(lab, ALERTS)


@pytest.fixture(scope="module")
def found(shop) -> dict[str, Compared]:
    return {each.now.name: each for each in backtest(shop.context, (), START, END)}


@pytest.mark.slow
def test_live_and_backtest_agree(shop, found) -> None:
    """Every slot of two days: a slice, a declared event, an outage over midnight, a silence, the change of the clock,
    long windows, and an alert that another one speaks for."""
    live, sent = _walked(shop)
    for name in WALKED:
        assert _replayed(found[name].now) == live[name], name
        assert found[name].now.said.total() == sent[name], (name, found[name].now.said)
        assert live[name]


def test_what_is_known_is_not_told(found) -> None:
    """The campaign is muted, the silence holds back what begins in it until it ends, and `quick` speaks for `other`."""
    quick = found["quick"].now
    spoken = [each for each in quick.episodes if each.slice == ("city", "C")]
    assert all(each.since >= datetime(2025, 3, 9, 22, tzinfo=ZONE) for each in spoken)
    totals = [each for each in quick.episodes if (each.metric, each.slice) == ("events", ("", ""))]
    outage, works = totals[-2:]
    assert outage.since == datetime(2025, 3, 9, 22, tzinfo=ZONE)
    assert works.since >= datetime(2025, 3, 10, 9, tzinfo=ZONE)
    assert (outage.told, works.told) == (True, True)  # it went on when the silence was over
    assert any(each.quiet == ("'quick' fires",) for each in found["other"].now.episodes)


def test_rates_are_counts_over_weeks(found) -> None:
    """Two days, of which one has 23 hours: 47 judged slots in `quick`."""
    quick = found["quick"].now
    weeks = 47 / (7 * 24)
    assert quick.weeks == pytest.approx(weeks)
    assert quick.alerts_per_week == pytest.approx(quick.said["fire"] / weeks)
    assert quick.messages_per_week == pytest.approx(quick.said.total() / weeks)
    assert {each.metric for each in quick.seen} == {"events", "share"}
    assert quick.visible_in == 2 * HOUR
    assert found["long"].now.visible_in == 6 * HOUR


def test_over_budget_and_without_power(found) -> None:
    wrong = refused([each.now for each in found.values()])
    assert wrong is not None
    told = {(each.code, each.message.split("'")[1]) for each in wrong.diagnostics}
    assert ("E513", "quick") in told
    assert ("E514", "rare") in told
    assert ("E514", "bounds") not in told  # its bounds are no noise
    assert wrong.exit_code == 5
    (rare,) = [each for each in wrong.diagnostics if "'rare'" in each.message]
    assert "window: 4h" in rare.fix


@pytest.mark.slow
def test_the_tuned_threshold_is_the_lowest_that_fits(shop) -> None:
    tuned = tune(shop.context, "quick", 15.0, START, END)
    assert tuned.reached
    assert tuned.found.messages_per_week <= 15.0 < tuned.present.messages_per_week
    assert tuned.yaml.startswith("detector: {type: seasonal_level, history: 14d, min_history: 7, half_life: 4")
    span = tuned.found.range
    lower = [each.at(tuned.found.threshold - 0.05) for each in read(tuned.found.rule, span)]
    assert replayed(span, lower, {}).messages_per_week > 15.0


def test_tuning_says_what_it_needs(shop) -> None:
    with pytest.raises(UsageError, match="has no threshold"):
        tune(shop.context, "bounds", 1.0, START, END)
    with pytest.raises(UsageError, match="has no budget"):
        tune(shop.context, "rare", None, START, END)


@pytest.mark.slow
def test_against_a_revision(shop) -> None:
    """The rule as it was: less sensitive, without an alert that is new since, and with one whose metric is gone."""
    file = shop.context.root / "alerts/all.yaml"
    now = file.read_text(encoding="utf-8")
    then = (
        now.replace("min_change: 20%", "min_change: 99%").replace("  bounds:", "  old:").replace("[seldom]", "[gone]")
    )
    try:
        file.write_text(then, encoding="utf-8")
        for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -q -m then"):
            subprocess.run(["git", *command.split()], cwd=shop.context.root, check=True)
    finally:
        file.write_text(now, encoding="utf-8")
    other, rare, bounds = backtest(shop.context, ("other", "rare", "bounds"), START, END, "HEAD")
    assert other.then is not None
    assert len(other.then.episodes) < len(other.now.episodes)
    assert (rare.then, rare.why) == (None, "the metric 'gone' is gone")
    assert (bounds.then, bounds.why) == (None, "there was no such alert")
    assert other.as_dict()["against"]["rule"]["incidents"] == len(other.then.episodes)


def test_a_range_without_data_or_days(shop) -> None:
    with pytest.raises(WarehouseError, match="E511"):
        backtest(shop.context, ("quick",), date(2024, 1, 1), date(2024, 2, 1))
    with pytest.raises(UsageError, match="E602"):
        backtest(shop.context, ("quick",), END, START)
