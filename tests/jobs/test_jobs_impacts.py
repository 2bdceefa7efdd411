"""Impacts of stored series: which days and which controls are read, what is refused, and what is found and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from assay.errors import AssayError, UsageError, WarehouseError
from assay.jobs.forecasts import impacts
from assay.jobs.runs import materialize

DAY = timedelta(days=1)
FIRST, START, END = date(2025, 3, 1), date(2025, 5, 1), date(2025, 5, 4)
STORED = date(2025, 5, 10)
TREATED = ["Moscow", "Omsk", "Perm"]
CITIES = {"Moscow": 900.0, "Omsk": 300, "Perm": 90, "Kazan": 800, "Samara": 400, "Ufa": 200, "Tomsk": 100}
LIFT = 1.3
TABLE = "at DateTime('UTC'), city String, sales Float64, visits Float64, cost Float64"

FILES = {
    "metrics/all.yaml": """
sources:
  app:
    table: RAW.events
    time: at
    entities: {city: city}
    dimensions: {city: city}
metrics:
  sales: {type: sum, source: app, value: sales}
  visits: {type: sum, source: app, value: visits}
  cost: {type: sum, source: app, value: cost}
  per_visit: {type: ratio, numerator: sales, denominator: visits}
impacts:
  with_controls:
    metric: sales
    match: {city: [Moscow, Omsk, Perm]}
    event: campaign
    control_slices: 3
  by_dates: {metric: sales, start: 2025-05-01, end: 2025-05-04}
  other_metric: {metric: sales, match: {city: Moscow}, event: campaign, controls: [cost]}
  of_a_ratio: {metric: per_visit, match: {city: [Moscow, Omsk]}, event: campaign, controls: [cost]}
  in_amounts: {metric: sales, match: {city: [Moscow, Omsk, Perm]}, event: campaign, control_slices: 4, scale: absolute}
  nothing_happened: {metric: sales, match: {city: Kazan}, start: 2025-04-26, end: 2025-04-29, controls: [cost]}
  all_of_them: {metric: sales, match: {city: Moscow}, event: campaign, control_slices: 50}
  half_a_day: {metric: sales, event: evening}
  still_to_come: {metric: sales, start: 2025-05-09, end: 2025-05-12}
  too_early: {metric: sales, start: 2025-03-01, end: 2025-03-04}
  few_days: {metric: sales, start: 2025-03-08, end: 2025-03-09}
  gone: {metric: sales, match: {city: [Moscow, Tula]}, event: campaign}
""",
    "metrics/calendar.yaml": """
events:
  campaign: {start: 2025-05-01, end: 2025-05-03T18:00, match: {city: Moscow}}
  evening: {start: 2025-05-01T20:00, end: 2025-05-02T04:00}
  holiday: {start: 2025-03-20, end: 2025-03-21T12:00}
  of_others: {start: 2025-03-25, end: 2025-03-26, match: {metric: visits}}
""",
}


def rows(end: date = STORED) -> list[dict[str, Any]]:
    """A week and a wandering level that all cities share, noise of their own, and a lift of 30 % in three cities."""
    rng = np.random.default_rng(5)
    days = (end - FIRST).days
    shared = (
        np.exp(np.cumsum(rng.normal(0, 0.01, days))) * np.array([1, 1.1, 1.2, 1.1, 1, 0.7, 0.6])[np.arange(days) % 7]
    )
    found = []
    for number, at in enumerate(FIRST + n * DAY for n in range(days)):
        for city, size in CITIES.items():
            lift = LIFT if city in TREATED and START <= at < END else 1.0
            noise = np.exp(rng.normal(0, 0.02, 3))
            found.append(
                {"at": datetime.combine(at, datetime.min.time(), UTC), "city": city,
                 "sales": size * shared[number] * lift * noise[0], "visits": 10.0 * size * noise[1],
                 "cost": size * shared[number] * noise[2]}
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def shop(lab):
    return built(lab, rows())


def built(lab, found: list[dict[str, Any]], end: date = STORED):
    shop = lab.shop(FILES, {"events": TABLE})
    shop.load("events", found)
    assert materialize.run(shop.context, start=FIRST, end=end).ok
    return shop


# --- the days and the series ---


def test_the_event_counts_whole_days_and_other_events_are_left_out(shop) -> None:
    found = impacts.estimate(shop.context, "with_controls")
    assert (found.start, found.end) == (START, END), "it ends at six in the evening of the 3rd"
    treated = found.material.treated
    assert treated.first == START - 56 * DAY
    missing = [treated.first + int(at) * DAY for at in np.flatnonzero(np.isnan(treated.values))]
    assert missing == [date(2025, 3, 20), date(2025, 3, 21)]
    assert found.material.left_out == ("holiday",)
    assert found.material.beside == ("evening",)
    by_day: dict[date, float] = {}
    for row in rows():
        if row["city"] in TREATED:
            by_day[row["at"].date()] = by_day.get(row["at"].date(), 0.0) + row["sales"]
    told = {treated.first + at * DAY: value for at, value in enumerate(treated.values) if np.isfinite(value)}
    assert told == pytest.approx({day: by_day[day] for day in told})


def test_the_controls_are_the_largest_other_values(shop) -> None:
    found = impacts.estimate(shop.context, "with_controls")
    assert list(found.material.controls) == ["sales, city Kazan", "sales, city Samara", "sales, city Ufa"]
    assert len(found.material.units) == len(found.material.others) == 3


def test_an_event_that_begins_in_the_evening_counts_its_days_whole(shop) -> None:
    found = impacts.estimate(shop.context, "half_a_day")
    assert (found.start, found.end) == (date(2025, 5, 1), date(2025, 5, 3))


def test_days_after_are_shown_as_far_as_they_are_stored(shop) -> None:
    found = impacts.estimate(shop.context, "by_dates")
    assert len(found.after) == (STORED - END).days
    course = found.as_dict()["course"]
    assert (course[0]["day"], course[-1]["day"]) == ("2025-03-06", "2025-05-09")


# --- what is found ---


def test_the_planted_lift_is_found(shop) -> None:
    """By the model, by difference in differences and by synthetic control."""
    found = impacts.estimate(shop.context, "with_controls")
    assert found.impact.found
    relative = found.impact.effect.relative
    assert relative.low < LIFT - 1 < relative.high
    assert relative.high - relative.low < 0.35
    assert found.many is not None
    assert found.many.low < LIFT - 1 < found.many.high
    assert found.many.leads_pvalue > 0.05
    assert found.impact.effect.pvalue < 0.05


def test_the_effect_in_all_is_the_sum_over_its_days(shop) -> None:
    told = impacts.estimate(shop.context, "with_controls").as_dict()
    assert sum(day["effect"] for day in told["days"]) == pytest.approx(told["cumulative"]["value"])
    assert [day["day"] for day in told["days"]] == ["2025-05-01", "2025-05-02", "2025-05-03"]
    for day in told["days"]:
        assert day["value"] - day["expected"] == pytest.approx(day["effect"])


def test_where_nothing_happened_nothing_is_found(shop) -> None:
    found = impacts.estimate(shop.context, "nothing_happened")
    assert not found.impact.found
    assert found.impact.effect.relative.low < 0 < found.impact.effect.relative.high


def test_a_ratio_has_no_sum_of_days(shop) -> None:
    found = impacts.estimate(shop.context, "of_a_ratio")
    assert found.shares
    assert found.impact.effect.relative.low < LIFT - 1 < found.impact.effect.relative.high


def test_a_day_with_nothing_is_a_loss_of_all(lab) -> None:
    """Units of unlike sizes, and no log of their zeros: the relative effect, by hand from the raw rows."""
    lost = [row for row in rows() if not (row["city"] in TREATED and START <= row["at"].date() < END)]
    found = impacts.estimate(built(lab, lost).context, "with_controls")
    assert found.impact.effect.relative.value == pytest.approx(-1, abs=1e-6)
    assert found.many is not None
    assert found.many.effect == pytest.approx(-1)
    assert -1.2 < found.many.low < found.many.high < -0.8


def test_amounts_per_unit_and_day(shop) -> None:
    """The mean of three cities less that of four others, after less before, by hand."""
    found = impacts.estimate(shop.context, "in_amounts")
    values = {city: [row["sales"] for row in rows() if row["city"] == city] for city in CITIES}
    first, start, end = (START - 56 * DAY - FIRST).days, (START - FIRST).days, (END - FIRST).days
    moved = {city: np.mean(each[start:end]) - np.mean(each[first:start]) for city, each in values.items()}
    inside = np.mean([moved[city] for city in TREATED])
    outside = np.mean([each for city, each in moved.items() if city not in TREATED])
    assert found.many is not None
    assert found.many.effect == pytest.approx(inside - outside)
    assert found.as_dict()["differences"]["relative"] is False


# --- what is refused, and what is skipped ---


def test_slices_with_empty_days_are_no_controls(lab) -> None:
    without = [row for row in rows() if not (row["city"] == "Samara" and row["at"].date() == date(2025, 4, 2))]
    found = impacts.estimate(built(lab, without).context, "all_of_them")
    names = [name.rsplit(" ", 1)[1] for name in found.material.controls]
    assert names == ["Kazan", "Omsk", "Ufa", "Tomsk", "Perm"]


def test_a_control_with_an_empty_day_is_refused_by_name(lab) -> None:
    without = [row | {"visits": 0.0} if row["at"].date() == date(2025, 4, 2) else row for row in rows()]
    files = {
        **FILES,
        "metrics/all.yaml": FILES["metrics/all.yaml"].replace("controls: [cost]", "controls: [per_visit]", 1),
    }
    shop = lab.shop(files, {"events": TABLE})
    shop.load("events", without)
    assert materialize.run(shop.context, start=FIRST, end=STORED).ok
    with pytest.raises(UsageError, match="The control 'per_visit' of 'other_metric' has days without a value"):
        impacts.estimate(shop.context, "other_metric")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "still_to_come",
            "The days of 'still_to_come' up to 2025-05-12 are not stored yet: they end before 2025-05-10",
        ),
        ("too_early", "No day before 2025-03-01 is stored: 'sales' begins on 2025-03-01"),
        ("few_days", "Fewer than 14 days with values"),
        ("gone", "No event of 'sales' has city 'Tula'"),
        ("nobody", "Unknown impact 'nobody'"),
    ],
)
def test_refusals(shop, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as told:
        impacts.estimate(shop.context, name)
    assert all(each.fix and each.why for each in told.value.diagnostics)


def test_today_is_not_over(shop) -> None:
    """Half a day beside whole ones would be a loss."""
    context = shop.at(datetime(2025, 5, 3, 12, tzinfo=UTC))
    with pytest.raises(UsageError, match="they end before 2025-05-03"):
        impacts.estimate(context, "with_controls")


def test_a_hole_is_named(lab) -> None:
    shop = lab.shop(FILES, {"events": TABLE})
    shop.load("events", rows())
    for start, end in ((FIRST, date(2025, 4, 1)), (date(2025, 4, 2), STORED)):
        assert materialize.run(shop.context, start=start, end=end).ok
    for name in ("by_dates", "with_controls"):
        with pytest.raises(WarehouseError, match="2025-04-01 of 'sales' is not built"):
            impacts.estimate(shop.context, name)


# --- what is kept ---


def test_the_same_findings_are_one_row(lab) -> None:
    shop = built(lab, rows())
    assert impacts.latest(shop.context, "by_dates") is None
    told = impacts.estimate(shop.context, "by_dates").as_dict()
    impacts.estimate(replace(shop.context, now=shop.context.now + DAY), "by_dates")
    impacts.estimate(shop.context, "other_metric")
    assert impacts.latest(shop.context, "by_dates") == json.loads(json.dumps(told, allow_nan=False))
    kept = shop.rows(f"SELECT impact, count() FROM {shop.context.database}.impact_results FINAL GROUP BY 1 ORDER BY 1")
    assert kept == [("by_dates", 1), ("other_metric", 1)]


def test_names_are_checked_before_anything_is_estimated(shop) -> None:
    assert impacts.names(shop.context, []) == list(shop.context.catalog.definitions.impacts)
    with pytest.raises(AssayError, match="Did you mean 'by_dates'"):
        impacts.names(shop.context, ["of_a_ratio", "by_date"])
