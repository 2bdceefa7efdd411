"""What the demo's forecasts and impacts have to show: models beat the naive ones, and planted events come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from assay.demo.events import OUTAGE_CITIES
from assay.demo.project import copy_to
from assay.forecast import select
from assay.jobs.context import Context
from assay.jobs.forecasts import impacts, running, tracking
from assay.jobs.forecasts.impacts import Estimated
from assay.project import Project
from assay.statement import Statement

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
OUTAGE = date(2025, 8, 24)
WEEK = timedelta(days=7)
NOW = datetime(2025, 10, 21, 9, tzinfo=UTC)  # the morning after the demo's last day
MORE = """
forecasts:
  users_and_actions:
    metrics: [dau, total_actions]
    models: [naive, drift, seasonal_naive, ets, ucm, theta, {type: ets, trend: damped}, ensemble]
    backtest: {metric: smape, min_train: 28d}
  rolling:
    metrics: [dau]
    models: [seasonal_naive, ets, ucm, theta, ensemble]
    backtest: {metric: smape, scheme: rolling, min_train: 28d}
"""


@pytest.fixture(scope="module")
def demo(big_demo_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """The demo's data, under its definitions and some more."""
    root = tmp_path_factory.mktemp("more")
    copy_to(root / "project")
    (root / "project" / "metrics" / "more.yaml").write_text(MORE, encoding="utf-8")
    catalog = Project.load(root / "project").catalog
    with big_demo_project.open(NOW) as context:
        yield replace(context, catalog=catalog)


def test_the_chosen_model_is_no_worse_than_the_best_naive_one(demo: Context) -> None:
    """Item 9 of the parity table: naive models in the table, windows of both schemes, intervals that hold."""
    found = running.backtests(demo, ["users_and_actions", "rolling"])
    assert len(found) == 3
    for each in found:
        assert isinstance(each, tuple), each.error
        asked, tested = each
        assert len(tested.folds) == 7
        assert tested.scheme == asked.spec.backtest.scheme
        choice = select(tested, "smape")
        assert choice.score <= choice.baseline_score
        assert 0.80 <= tested.of(choice.chosen.name).coverage <= 0.97


def test_the_forecast_begins_after_the_last_day_and_refits_on_all(demo: Context) -> None:
    """The case study published last week's hold-out as next week."""
    for made in running.run(demo, ["audience"]):
        assert not isinstance(made, running.Refused), made.error
        assert made.made == made.points[0].day == date(2025, 10, 21)
        assert made.history == date(2025, 7, 6)


def test_forecasts_of_past_mornings_hold_what_came(demo: Context) -> None:
    for weeks in (3, 2, 1):
        running.run(demo, ["audience"], date(2025, 10, 21) - weeks * WEEK)
    tracked = [each for each in tracking.track(demo, "audience") if each.came]
    inside, days = tracking.covered(tracked)
    assert days >= 42
    assert inside / days >= 0.75
    assert all(each.smape is not None and each.smape < 0.15 for each in tracked if each.run.metric == "dau")


def found(demo: Context, name: str) -> Estimated:
    return impacts.estimate(demo, name)


def test_the_campaign_raises_new_users_and_lowers_their_retention(demo: Context) -> None:
    new, retention = found(demo, "campaign_new_users"), found(demo, "campaign_retention")
    assert new.impact.found
    assert new.impact.effect.relative.low > 1, "three and a half times as many were planted"
    assert new.impact.effect.relative.low < 2.5 < new.impact.effect.relative.high
    assert retention.impact.found
    assert retention.impact.effect.relative.high < -0.5


def test_the_outage_lost_as_many_users_as_were_planted(demo: Context) -> None:
    """Feed users of the four cities on the Sundays around it, counted in the raw events."""
    done = found(demo, "outage_feed_users")
    sql = f"""SELECT toDate(time, 'Europe/Moscow') AS day, uniqExact(user_id) FROM feed_actions
WHERE city IN {OUTAGE_CITIES} AND day IN ('{OUTAGE - WEEK}', '{OUTAGE}', '{OUTAGE + WEEK}') GROUP BY day"""
    users = dict(demo.engine.run(Statement(sql, "test")).rows)
    assert OUTAGE not in users, "none was there"
    planted = (users[OUTAGE - WEEK] + users[OUTAGE + WEEK]) / 2
    lost = done.impact.effect.cumulative
    assert lost.low < -planted < lost.high
    assert done.impact.found
    assert done.many is not None
    assert done.many.high < -0.5


def test_in_the_week_without_anything_nothing_is_found(demo: Context) -> None:
    done = found(demo, "aa_week")
    assert not done.impact.found
    assert done.impact.effect.relative.low < 0 < done.impact.effect.relative.high
