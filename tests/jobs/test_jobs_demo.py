"""The demo at its default scale: the planted truths come back through `analyze` and `alert check`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from assay.demo import events
from assay.jobs.alerts import alerting
from assay.jobs.alerts.backtesting import backtest
from assay.jobs.context import Context
from assay.jobs.experiments.analyze import analyze
from assay.jobs.outputs.contracts import SCHEMAS
from assay.jobs.queries.query import query
from assay.project import Project
from assay.statement import Statement

pytestmark = pytest.mark.slow
ZONE = ZoneInfo("Europe/Moscow")
OUTAGE = datetime(2025, 8, 24, 12, tzinfo=ZONE)


@pytest.fixture(scope="module")
def context(big_demo_project: Project) -> Iterator[Context]:
    with big_demo_project.open(datetime(2026, 1, 1, tzinfo=UTC)) as context:
        yield context


def _check(context: Context, at: datetime, send: bool = False) -> alerting.Checked:
    checked = alerting.check(replace(context, now=at), at, send=send)
    Draft202012Validator(SCHEMAS["alert check"]).validate(checked.as_dict())
    return checked


def _firing(checked: alerting.Checked) -> list[alerting.Finding]:
    return [each for each in checked.findings if each.state == "firing"]


# --- experiments ---


def test_similar_users_recover_the_planted_effect(context: Context) -> None:
    readout = analyze(context, "similar_users")
    Draft202012Validator(SCHEMAS["experiment analyze"]).validate(json.loads(json.dumps(readout.as_dict(), default=str)))
    (ctr,) = [result for result in readout.results if result.role == "primary"]
    assert ctr.effect.low < events.H2.size < ctr.effect.high
    assert {gate.status for gate in readout.gates} == {"pass"}
    assert readout.verdict.verdict == "ship"


def test_similar_posts_are_blocked(context: Context) -> None:
    readout = analyze(context, "similar_posts")
    Draft202012Validator(SCHEMAS["experiment analyze"]).validate(json.loads(json.dumps(readout.as_dict(), default=str)))
    assert readout.verdict.verdict == "blocked"
    failed = {gate.name for gate in readout.gates if gate.status == "fail"}
    assert "distribution" in failed
    assert not failed & {"srm", "crossovers"}


def test_units_are_the_viewers_of_the_two_groups(context: Context) -> None:
    readout = analyze(context, "similar_users")
    sql = """SELECT exp_group, uniqExact(user_id) FROM feed_actions WHERE exp_group IN (0, 3) AND action = 'view'
    AND toDate(time, 'Europe/Moscow') BETWEEN '2025-08-02' AND '2025-08-08' GROUP BY exp_group ORDER BY exp_group"""
    rows = context.engine.run(Statement(sql, "test")).rows
    assert list(readout.units.values()) == [units for _, units in rows]


# --- alerts ---


def test_the_outage_fires_once_and_names_the_four_cities(context: Context) -> None:
    first, second = _check(context, OUTAGE, send=True), _check(context, OUTAGE, send=True)
    assert _firing(first)
    for finding in _firing(first):
        (cause,) = finding.causes
        assert cause.dimension == "city"
        assert set(cause.values) == set(events.OUTAGE_CITIES)
    assert (first.as_dict()["sent"], second.as_dict()["sent"]) == (1, 0)
    assert [each.as_dict() for each in second.findings] == [each.as_dict() for each in first.findings]


def test_what_is_planted_is_found_and_ordinary_weeks_are_quiet(context: Context) -> None:
    """Eight weeks: the four disturbed slots, the dip of the views, and at most one false alarm a month and metric."""
    (found,) = backtest(context, ["feed_15m"], date(2025, 8, 26), date(2025, 10, 21))
    begun = {f"{each.since.astimezone(ZONE):%m-%d %H:%M}" for each in found.now.episodes}
    planted = {f"{each.day:%m-%d} {each.start:%H:%M}" for each in events.SLOT_EVENTS if each.day.month == 10}
    assert planted <= begun
    others = [each for each in found.now.episodes if f"{each.since.astimezone(ZONE):%m-%d %H:%M}" not in planted]
    assert len(others) <= 2 * 4


def test_the_outage_of_a_day_is_two_messages_and_one_for_each_more_city(context: Context) -> None:
    (found,) = backtest(context, ["feed_cities"], date(2025, 8, 23), date(2025, 8, 27))
    assert {value for each in found.now.episodes for _, value in [each.slice]} <= set(events.OUTAGE_CITIES)
    assert found.now.said["fire"] == found.now.said["resolve"] == 1
    assert found.now.said.total() <= 2 + len(events.OUTAGE_CITIES)


def test_a_declared_campaign_wakes_nobody(context: Context) -> None:
    """Eight days of twice as many views, told in alerts/calendar.yaml; the same days are loud without that."""
    (found,) = backtest(context, ["feed_15m"], date(2025, 8, 15), date(2025, 8, 24))
    assert not [each for each in found.now.episodes if each.metric in ("views", "likes")]
    definitions = replace(context.catalog.definitions, events={})
    secret = replace(context, catalog=replace(context.catalog, definitions=definitions))
    (found,) = backtest(secret, ["feed_15m"], date(2025, 8, 15), date(2025, 8, 24))
    assert [each for each in found.now.episodes if each.metric == "views"]


def test_the_first_days_are_too_short_a_history(context: Context) -> None:
    for day in (7, 15):
        checked = _check(context, datetime(2025, 7, day, 15, tzinfo=ZONE))
        assert not checked.findings
        assert checked.quiet["too little history"] == checked.evaluated


def test_days_are_stored_once_for_all_readers(context: Context) -> None:
    """Site, report and alert read the same number: a day's feed users, from states and from raw rows."""
    day = OUTAGE.date()
    (row,) = query(context, ["feed_dau"], day, day + timedelta(days=1))
    sql = "SELECT uniqExact(user_id) FROM feed_actions WHERE toDate(time, 'Europe/Moscow') = '2025-08-24'"
    assert context.engine.run(Statement(sql, "test")).scalar() == row.value


def test_total_silence_of_a_slot_fires(context: Context, big_demo_project: Project, tmp_path: Path) -> None:
    """On a copy of the product whose feed was dead for half an hour."""
    at = datetime(2025, 9, 17, 12, tzinfo=ZONE)
    silent = Project.load(_copy_with(big_demo_project.root, tmp_path / "silent"))
    context.engine.run(Statement("CREATE DATABASE IF NOT EXISTS silent", "test", writes=True))
    sql = f"""CREATE OR REPLACE TABLE silent.feed_actions ENGINE = MergeTree ORDER BY (user_id, time) AS
        SELECT * FROM feed_actions WHERE time >= '2025-08-10' AND time < '2025-09-18'
        AND NOT (time >= {int(at.timestamp()) - 1800} AND time < {int(at.timestamp())})"""
    context.engine.run(Statement(sql, "test", writes=True))
    checked = _check(replace(context, catalog=silent.catalog), at)
    found = {(each.alert.name, each.metric.name): each for each in _firing(checked)}
    assert {("feed_15m", "feed_dau"), ("feed_15m", "views"), ("feed_15m", "likes")} <= set(found)
    assert found["feed_15m", "views"].newest.value == 0


def _copy_with(root: Path, folder: Path) -> Path:
    """The same definitions over the tables of another database."""
    folder.mkdir()
    for part in ("metrics", "experiments", "alerts"):
        shutil.copytree(root / part, folder / part)
    settings = (root / "project.yaml").read_text().replace("database: assay", "database: silent_assay")
    (folder / "project.yaml").write_text(settings)
    sources = folder / "metrics/sources.yaml"
    sources.write_text(sources.read_text().replace("table: feed_actions", "table: silent.feed_actions"))
    return folder
