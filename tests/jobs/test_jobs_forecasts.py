"""Forecasts of stored series: what is read, what is refused, what is stored, and what came, against plain numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.errors import UsageError, WarehouseError
from assay.jobs.context import Context
from assay.jobs.forecasts import daily, running, store, tracking
from assay.jobs.forecasts.regressors import calendar
from assay.jobs.forecasts.running import Refused
from assay.jobs.forecasts.store import Run
from assay.jobs.forecasts.task import task
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.project import Project

DAY = timedelta(days=1)
FIRST, TODAY = date(2025, 3, 1), date(2025, 5, 10)
NOON = datetime(2025, 5, 10, 12, tzinfo=UTC)
WEEK = [100, 120, 130, 125, 110, 60, 50]
CITIES = {"Moscow": 0.5, "Omsk": 0.3, "Perm": 0.2}
TABLE = "at DateTime('UTC'), user_id UInt32, city String, sales Float64, visits Float64"
QUICK = "models: [naive, seasonal_naive, drift]"

FILES = {
    "metrics/all.yaml": f"""
sources:
  app:
    table: RAW.events
    time: at
    entities: {{user: user_id}}
    dimensions: {{city: city}}
metrics:
  sales: {{type: sum, source: app, value: sales}}
  visits: {{type: sum, source: app, value: visits}}
  per_visit: {{type: ratio, numerator: sales, denominator: visits}}
  typical: {{type: quantile, source: app, value: sales, level: 0.5}}
  users: {{type: unique, source: app, of: user}}
  product: {{type: derived, expr: sales * visits}}
  weekly: {{type: rolling, metric: sales, window: 7d}}
  new_users: {{type: new, metric: users}}
  back: {{type: retention, cohort: new_users, returns: users, day: 1, method: rolling, horizon: 5d}}
  never: {{type: sum, source: app, value: sales, where: "city = 'Nowhere'"}}
forecasts:
  next_week:
    metrics: [sales]
    {QUICK}
    backtest: {{windows: 3, metric: mae}}
  plain: {{metrics: [sales], {QUICK}, events: false, seasons: [7], backtest: {{windows: 3, metric: mae}}}}
  capacity: {{metrics: [sales], {QUICK}, above: 120, seasons: [7]}}
  settings:
    metrics: [sales]
    models: [{{type: ets, trend: none}}, {{type: ensemble, members: [mean, drift], label: both}}]
    history: 60d
    seasons: [7]
    level: 80%
    backtest: {{windows: 2, scheme: rolling, step: 3d, min_train: 20d}}
  several: {{metrics: [never, sales], {QUICK}}}
  derived: {{metrics: [weekly, back], {QUICK}}}
  deaf: {{metrics: [sales], {QUICK}, events: false}}
""",
    "metrics/calendar.yaml": """
events:
  first_sale: {label: Sale, start: 2025-03-20, end: 2025-03-21T06:00, match: {metric: sales}}
  second_sale: {label: Sale, start: 2025-05-12T12:00, end: 2025-05-13, match: {metric: sales}}
  of_a_city: {start: 2025-04-01, end: 2025-04-02, match: {city: Omsk}}
  of_others: {start: 2025-04-03, end: 2025-04-04, match: {metric: visits}}
  outage: {start: 2025-04-10, end: 2025-04-11, known_ahead: false}
  planned_outage: {label: outage to come, start: 2025-05-11, end: 2025-05-12, known_ahead: false}
  holiday: {start: 2025-05-14, end: 2025-05-15}
  far: {start: 2025-08-01, end: 2025-08-02}
""",
}


def sales(day: date) -> float:
    """A week with some noise that repeats on every run."""
    number = (day - FIRST).days
    return WEEK[number % 7] + 3 * np.sin(number * 12.9898)


def rows(first: date, end: date) -> list[dict[str, Any]]:
    return [
        {"at": datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=1), "user_id": user, "city": city,
         "sales": share * sales(day), "visits": share * 10}
        for number, day in enumerate(FIRST + at * DAY for at in range((end - FIRST).days)) if day >= first
        for user, (city, share) in enumerate(CITIES.items(), 3 * number)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def shop(lab):
    """Ten weeks up to the noon of a day, which is stored as far as it went."""
    shop = lab.shop(FILES, {"events": TABLE}, now=NOON)
    shop.load("events", rows(FIRST, TODAY + DAY))
    assert materialize.run(shop.context, start=FIRST, end=TODAY + DAY).ok
    return shop


def made(found: list[Run | Refused]) -> Run:
    (run,) = found
    assert isinstance(run, Run), run.error
    return untimed(run)


def untimed(run: Run) -> Run:
    """Without how long it took."""
    candidates = [each | {"seconds": None} for each in run.body["candidates"]]
    return replace(run, body=run.body | {"candidates": candidates})


# --- what is read ---


def test_the_series_is_what_query_says(shop) -> None:
    metric = shop.context.catalog.metric("sales")
    first, end = daily.stored(shop.context, metric)
    assert (first, end) == (FIRST, TODAY + DAY)
    found = daily.read(shop.context, metric, FIRST, TODAY)
    told = query(shop.context, ["sales"], FIRST, TODAY)
    assert list(found.values) == [row.value for row in told]
    assert found.values == pytest.approx([sales(FIRST + n * DAY) for n in range(70)])
    assert found.end == TODAY


def test_today_is_not_over_and_is_forecast(shop) -> None:
    """It is stored, as far as it went: half of it is no loss, and neither is it later, until it is built again."""
    for now in (NOON, NOON + 3 * DAY):
        assert task(shop.at(now), "next_week", "sales").days.end == TODAY
    assert np.isnan(daily.read(shop.context, shop.context.catalog.metric("sales"), FIRST, TODAY + DAY).values[-1])
    assert np.isnan(together(shop, "sales", ["Moscow", "Omsk"], TODAY + DAY).values[-1])


def test_of_a_past_morning_nothing_later_is_seen(lab) -> None:
    """Other later rows change nothing."""
    until, told = date(2025, 4, 20), []
    for factor in (1.0, 50.0):
        shop = lab.shop(FILES, {"events": TABLE})
        every = rows(FIRST, TODAY)
        shop.load("events", [row if row["at"].date() < until else row | {"sales": factor} for row in every])
        assert materialize.run(shop.context, start=FIRST, end=TODAY).ok
        run = made(running.run(shop.context, ["next_week"], until))
        assert (run.made, run.points[0].day, run.history) == (until, until, FIRST)
        told.append(replace(run, meaning=""))
    assert told[0] == told[1]


def test_a_value_that_waits_for_later_days_was_not_known_in_the_morning(shop) -> None:
    """Who is back within five days after a day is known after those."""
    weekly, back = task(shop.context, "derived", "weekly"), task(shop.context, "derived", "back")
    assert (weekly.days.first, weekly.days.end) == (FIRST + 6 * DAY, TODAY)
    assert back.days.end == TODAY - 5 * DAY
    until = date(2025, 4, 20)
    assert task(shop.context, "derived", "weekly", until).days.end == until
    assert task(shop.context, "derived", "back", until).days.end == until - 5 * DAY


def test_a_hole_is_named_and_no_quiet_day(lab) -> None:
    shop = lab.shop(FILES, {"events": TABLE})
    shop.load("events", rows(FIRST, TODAY))
    for start, end in ((FIRST, date(2025, 4, 1)), (date(2025, 4, 3), TODAY)):
        assert materialize.run(shop.context, start=start, end=end).ok
    with pytest.raises(WarehouseError, match="2025-04-01 of 'sales' is not built") as told:
        task(shop.context, "next_week", "sales")
    assert told.value.diagnostics[0].fix == "Run: platform run --from 2025-04-01 --to 2025-04-02"
    assert task(shop.context, "next_week", "sales", date(2025, 4, 1)).days.end == date(2025, 4, 1)


@pytest.mark.parametrize(
    ("until", "says"),
    [
        (FIRST, "'sales' has no value before 2025-03-01"),
        (TODAY + 2 * DAY, "The last value of 'sales' is of 2025-05-10, not of 2025-05-11"),
    ],
)
def test_a_morning_without_a_day_before_it(shop, until: date, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        task(shop.context, "next_week", "sales", until)


def test_history_is_the_newest_days(shop) -> None:
    assert task(shop.context, "settings", "sales").days.first == TODAY - 60 * DAY


# --- several values of a dimension ---


def together(shop, name: str, cities: list[str], end: date = TODAY) -> daily.Daily:
    return daily.together(shop.context, shop.context.catalog.metric(name), "city", cities, FIRST, end)


def test_sums_are_added_and_ratios_divided_after(shop) -> None:
    total = np.array([sales(FIRST + n * DAY) for n in range(70)])
    assert together(shop, "sales", ["Moscow", "Perm"]).values == pytest.approx(0.7 * total)
    assert together(shop, "per_visit", ["Moscow", "Perm"]).values == pytest.approx(total / 10)
    assert together(shop, "users", ["Moscow", "Perm"]).values == pytest.approx(np.full(70, 2.0))


@pytest.mark.parametrize("name", ["typical", "product"])
def test_what_has_no_sum_is_refused_for_several_values(shop, name: str) -> None:
    with pytest.raises(UsageError, match="has no value"):
        together(shop, name, ["Moscow", "Perm"])
    one = query(shop.context, [name], FIRST, TODAY, "city")
    assert list(together(shop, name, ["Perm"]).values) == [row.value for row in one if row.by == {"city": "Perm"}]


def test_a_value_that_never_occurs_is_named(shop) -> None:
    with pytest.raises(UsageError, match=r"has city 'Moskow'. Did you mean 'Moscow'\?"):
        together(shop, "sales", ["Omsk", "Moskow"])


def test_slices_come_the_largest_first(shop) -> None:
    metric = shop.context.catalog.metric("sales")
    assert list(daily.sliced(shop.context, metric, "city", None, FIRST, TODAY)) == ["Moscow", "Omsk", "Perm"]
    assert list(daily.sliced(shop.context, metric, "city", ["Perm", "Omsk"], FIRST, TODAY)) == ["Omsk", "Perm"]


# --- the calendar ---


def test_events_are_shares_of_days(shop) -> None:
    found = calendar(shop.context, shop.context.catalog.metric("sales"), FIRST, 70, 7)
    assert found.events is not None
    column = dict(zip(found.events.names, found.events.values.T, strict=True))
    days = {
        name: {FIRST + int(at) * DAY: values[at] for at in np.flatnonzero(values)} for name, values in column.items()
    }
    assert days == {
        "Sale": {date(2025, 3, 20): 1.0, date(2025, 3, 21): 0.25, date(2025, 5, 12): 0.5},
        "of_a_city": {date(2025, 4, 1): 1.0},
        "outage": {date(2025, 4, 10): 1.0},
        "outage to come": {date(2025, 5, 11): 1.0},
        "holiday": {date(2025, 5, 14): 1.0},
    }
    known = dict(zip(found.events.names, found.events.known_ahead, strict=True))
    assert [name for name, ahead in known.items() if not ahead] == ["outage", "outage to come"]
    assert found.unlearnt == ("holiday",), "the outage to come is nothing that one may know"


def test_a_sale_is_learnt_and_expected_again_and_an_outage_is_not(lab) -> None:
    """On the day of the only sale twice as much is sold; the next one lasts half a day."""
    shop = lab.shop(FILES, {"events": TABLE})
    double = {date(2025, 3, 20): 4.0, date(2025, 4, 10): 0.1}
    shop.load(
        "events", [row | {"sales": row["sales"] * double.get(row["at"].date(), 1.0)} for row in rows(FIRST, TODAY)]
    )
    assert materialize.run(shop.context, start=FIRST, end=TODAY).ok
    with_events = {each.day: each.mean for each in made(running.run(shop.context, ["next_week"])).points}
    without = {each.day: each.mean for each in made(running.run(shop.context, ["deaf"])).points}
    sale = date(2025, 5, 12)
    assert with_events[sale] > 1.2 * without[sale]
    assert with_events[date(2025, 5, 11)] == pytest.approx(without[date(2025, 5, 11)], rel=0.02)


# --- choosing and publishing ---


def test_the_chosen_model_and_its_baseline(shop) -> None:
    """On a week that repeats, last week is the best of these, and is itself the naive model."""
    run = made(running.run(shop.context, ["plain"]))
    assert (run.model, run.baseline, run.published, run.why) == ("seasonal_naive", "seasonal_naive", True, "")
    scores = {each["model"]: each["scores"]["mae"] for each in run.body["candidates"]}
    assert set(scores) == {"naive", "seasonal_naive", "drift"}
    windows = [(TODAY - 7 * each * DAY, TODAY - 7 * (each - 1) * DAY) for each in (3, 2, 1)]
    errors = [
        np.mean([abs(sales(start + n * DAY) - sales(start - 7 * DAY + n * DAY)) for n in range(7)])
        for start, _ in windows
    ]
    assert run.body["windows"] == 3
    assert scores["seasonal_naive"] == pytest.approx(np.mean(errors), rel=1e-5)
    last = [sales(TODAY - 7 * DAY + n * DAY) for n in range(7)]
    assert [each.mean for each in run.points] == pytest.approx(last)
    assert all(each.low < each.mean < each.high for each in run.points)


def lab_of(shop, text: str, name: str) -> Context:
    """The project with other candidates for a forecast."""
    root: Path = shop.context.root
    file = root / "metrics" / "all.yaml"
    before = file.read_text(encoding="utf-8")
    head = before.index(f"  {name}:")
    file.write_text(before[:head] + before[head:].replace(QUICK, text, 1), encoding="utf-8")
    try:
        return replace(shop.context, catalog=Project.load(root).catalog)
    finally:
        file.write_text(before, encoding="utf-8")


def test_a_naive_model_is_always_among_the_candidates(shop) -> None:
    asked = task(shop.context, "settings", "sales")
    assert [each.name for each in asked.candidates] == ["seasonal_naive", "ets trend=none", "both"]
    assert asked.candidates[2].parameters == {"members": ("mean", "drift")}
    assert asked.series.seasons == (7,)


def test_the_backtest_is_laid_out_as_asked(shop) -> None:
    ((asked, tested),) = running.backtests(shop.context, ["settings"])  # type: ignore[misc]
    days = [(asked.days.first + each.start * DAY, asked.days.first + each.stop * DAY) for each in tested.folds]
    assert [stop for _, stop in days] == [TODAY - 10 * DAY, TODAY - 7 * DAY]
    assert len({stop - start for start, stop in days}) == 1, "rolling: always as long"
    assert tested.level == 0.8
    assert len(store.runs(shop.context, "settings")) == 0, "a backtest stores nothing"


def test_what_one_metric_refuses_is_told_and_the_others_go_on(shop) -> None:
    refused, run = running.run(shop.context, ["several"])
    assert isinstance(refused, Refused)
    assert isinstance(run, Run)
    assert (refused.metric, run.metric) == ("never", "sales")
    told = refused.as_dict()["error"]
    assert (told["code"], told["message"]) == ("W601", "The series is 0 on every day.")


def test_unknown_names(shop) -> None:
    with pytest.raises(UsageError, match="Did you mean 'next_week'"):
        running.run(shop.context, ["next_weak"])
    with pytest.raises(UsageError, match="Unknown forecast"):
        tracking.track(shop.context, "nothing")


def test_the_capacity_is_a_probability(shop) -> None:
    """Of a week whose largest days lie near 130."""
    peak = made(running.run(shop.context, ["capacity"])).body["peak"]
    assert peak["above"] == 120
    assert peak["probability"] > 0.8
    assert 125 < peak["typical"] <= peak["high"] < 150
    assert made(running.run(shop.context, ["next_week"])).body["peak"] is None


# --- what is kept ---


def test_a_forecast_is_kept_whole_and_once(lab) -> None:
    shop = lab.shop(FILES, {"events": TABLE}, now=NOON)
    assert store.latest(shop.context, "next_week") == []
    shop.load("events", rows(FIRST, TODAY))
    assert materialize.run(shop.context, start=FIRST, end=TODAY).ok
    run = made(running.run(shop.context, ["next_week"]))
    running.run(shop.at(NOON + timedelta(hours=1)), ["next_week"])
    assert [untimed(each) for each in store.runs(shop.context, "next_week")] == [run]
    assert [untimed(each) for each in store.published(shop.context, "sales")] == [run]
    (count,) = shop.rows(f"SELECT count() FROM {shop.context.database}.forecast_points FINAL")
    assert count == (7,)


def test_a_shorter_horizon_leaves_no_old_days(lab) -> None:
    shop = lab.shop(FILES, {"events": TABLE}, now=NOON)
    shop.load("events", rows(FIRST, TODAY))
    assert materialize.run(shop.context, start=FIRST, end=TODAY).ok
    assert len(made(running.run(shop.context, ["next_week"])).points) == 7
    shorter = lab_of(shop, f"horizon: 3d\n    {QUICK}", "next_week")
    running.run(replace(shorter, now=NOON + timedelta(hours=1)), ["next_week"])
    (kept,) = store.runs(shop.context, "next_week")
    assert [each.day for each in kept.points] == [TODAY, TODAY + DAY, TODAY + 2 * DAY]


def test_what_loses_is_kept_and_not_published_unless_asked_for(lab) -> None:
    """Where each weekday wanders by itself nothing beats last week, and what nearly does is no reason to tell of it."""
    shop = lab.shop(FILES, {"events": TABLE}, now=NOON)
    steps = np.random.default_rng(1).normal(0, 0.05, 70)
    level = {FIRST + n * DAY: np.exp(np.sum(steps[n % 7 : n + 1 : 7])) for n in range(70)}
    shop.load("events", [row | {"sales": row["sales"] * level[row["at"].date()]} for row in rows(FIRST, TODAY)])
    assert materialize.run(shop.context, start=FIRST, end=TODAY).ok
    models = "models: [seasonal_naive, {type: ets, label: ensemble}]\n    seasons: [7]\n    events: false"
    run = made(running.run(lab_of(shop, models, "next_week"), ["next_week"]))
    assert run.score > run.baseline_score
    assert not run.published
    assert run.why.startswith("ensemble does not beat seasonal_naive: MAE ")
    assert [untimed(each) for each in store.latest(shop.context, "next_week")] == [run]
    assert store.published(shop.context, "sales") == []
    told = made(running.run(lab_of(shop, f"{models}\n    publish: always", "next_week"), ["next_week"]))
    assert (told.published, told.why) == (True, run.why)


# --- what came ---


def test_track_by_hand(lab) -> None:
    """Four of seven days have come: errors over those."""
    shop = lab.shop(FILES, {"events": TABLE})
    shop.load("events", rows(FIRST, TODAY))
    assert materialize.run(shop.context, start=FIRST, end=TODAY).ok
    until = TODAY - 4 * DAY
    run = made(running.run(shop.context, ["next_week"], until))
    assert tracking.track(shop.at(datetime(2025, 5, 6, 5, tzinfo=UTC)), "next_week")[0].came == ()
    (tracked,) = tracking.track(shop.at(NOON), "next_week")
    actual = np.array([sales(until + n * DAY) for n in range(4)])
    told = np.array([each.mean for each in run.points[:4]])
    assert [value for _, value in tracked.came] == pytest.approx(actual)
    assert tracked.smape == pytest.approx(np.mean(2 * abs(actual - told) / (actual + told)))
    assert tracked.bias == pytest.approx(np.mean(told - actual) / np.mean(actual))
    inside = sum(each.low <= value <= each.high for each, value in zip(run.points[:4], actual, strict=True))
    assert tracked.inside == inside
    assert tracking.covered([tracked]) == (inside, 4)
    assert json.dumps(tracked.as_dict(), allow_nan=False)


def test_a_metric_that_is_gone_has_runs_and_no_values(lab) -> None:
    shop = lab.shop(FILES, {"events": TABLE})
    shop.load("events", rows(FIRST, TODAY))
    assert materialize.run(shop.context, start=FIRST, end=TODAY).ok
    running.run(shop.context, ["next_week"], TODAY - 4 * DAY)
    catalog = shop.context.catalog
    left = {name: metric for name, metric in catalog.metrics.items() if name != "sales"}
    gone = replace(shop.context, catalog=replace(catalog, metrics=left))
    assert [each.came for each in tracking.track(gone, "next_week")] == [()]
