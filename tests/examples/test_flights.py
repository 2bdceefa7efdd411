"""The flights example: facts of a data set that nobody here made, from raw rows to alerts and site."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assay.detect import OK
from assay.jobs.alerts import scores
from assay.jobs.alerts.alerting import check
from assay.jobs.alerts.rule import Rule
from assay.jobs.alerts.tick import read
from assay.jobs.context import Context, silent
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.project import Project
from assay.statement import Statement
from examples.flights import load

pytestmark = pytest.mark.slow

EXAMPLE = Path(load.__file__).parent
ZONE = ZoneInfo("America/New_York")
FIRST, LAST = date(2013, 1, 1), date(2013, 12, 31)


@dataclass(frozen=True, slots=True)
class Flights:
    """The example after `make flights`, with its warehouse open."""

    folder: Path
    output: str
    context: Context

    def value(self, metric: str, day: date, **split: str) -> Any:
        rows = query(self.context, [metric], day, day + timedelta(days=1), *split)
        return next(row.value for row in rows if row.by == split)

    def year(self, metric: str) -> Any:
        (row,) = query(self.context, [metric], FIRST, LAST + timedelta(days=1), grain="total")
        return row.value


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flights]:
    folder = tmp_path_factory.mktemp("examples") / "flights"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("target", "__pycache__"))
    run = subprocess.run([sys.executable, str(folder / "run.py")], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    with Project.load(folder).open(datetime(2014, 1, 1, 12, tzinfo=UTC)) as context:
        yield Flights(folder, run.stdout, context)


def morning(day: date) -> datetime:
    """The moment at which the alerts of the day before are checked."""
    return datetime.combine(day + timedelta(days=1), time(7), ZONE)


def fired(flights: Flights, day: date) -> list[str]:
    """Alerts whose newest day deviates; what the example itself has left open is no matter."""
    found = check(flights.context, morning(day), send=False).findings
    return [each.alert.name for each in found if each.newest.status == "anomaly"]


def test_the_example_tells_what_it_found(flights: Flights) -> None:
    assert "336,776 flights, 4,043 planes and 16 carriers in 2013." in flights.output
    assert "2013-02-08: 50.75% of the flights were cancelled" in flights.output
    assert "The alerts on the morning of 2013-02-08: nothing stands out." in flights.output
    assert "The alerts on the morning of 2013-02-09: Cancellation rate: 50.8 %" in flights.output


def test_the_site_and_the_messages_are_files(flights: Flights) -> None:
    target = flights.folder / "target" / "flights"
    assert (target / "site" / "index.html").is_file()
    sent = sorted(folder.name.split("-")[0] for folder in (target / "outbox").iterdir())
    assert sent == ["daily_cancellations"] * 2 + ["daily_delays", "report"]  # the blizzard, and its end


@pytest.mark.parametrize(
    ("metric", "fact"),
    [("flights", 336_776), ("cancellations", 8_255), ("planes", 4_043), ("carriers", 16), ("routes", 224)],
)
def test_facts_of_the_year(flights: Flights, metric: str, fact: int) -> None:
    assert flights.year(metric) == fact


@pytest.mark.parametrize(
    ("metric", "day", "fact"),
    [
        ("cancellation_rate", date(2013, 2, 8), 0.5075),
        ("cancellation_rate", date(2013, 2, 9), 0.5746),
        ("departure_delay", date(2013, 3, 8), 83.5),
    ],
)
def test_facts_of_days(flights: Flights, metric: str, day: date, fact: float) -> None:
    digits = len(str(fact).partition(".")[2])
    assert round(flights.value(metric, day), digits) == fact


def test_every_metric_agrees_with_pandas(flights: Flights) -> None:
    """Beside the raw data on the day of the storm: exactly, and a t-digest within a minute."""
    raw = load.raw_flights()
    day = raw[(raw.month == 3) & (raw.day == 8)]
    left = day[day.dep_delay.notna()]
    week = raw[(raw.month == 3) & raw.day.between(2, 8)]
    facts = {
        "flights": len(day),
        "departures": len(left),
        "cancellations": len(day) - len(left),
        "cancellation_rate": 1 - len(left) / len(day),
        "departure_delay": left.dep_delay.mean(),
        "arrival_delay": day.arr_delay.mean(),
        "late_departures": (left.dep_delay > 15).sum(),
        "late_share": (left.dep_delay > 15).mean(),
        "distance_flown": left.distance.sum(),
        "planes": day.tailnum.nunique(),
        "weekly_planes": week.tailnum.nunique(),
        "flown_planes": left.tailnum.nunique(),
        "flights_per_plane": len(left) / left.tailnum.nunique(),
        "carriers": day.carrier.nunique(),
        "routes": len(day[["origin", "dest"]].drop_duplicates()),
    }
    found = {metric: flights.value(metric, date(2013, 3, 8)) for metric in facts}
    assert found == pytest.approx(facts)
    p90 = flights.value("departure_delay_p90", date(2013, 3, 8))
    assert p90 == pytest.approx(left.dep_delay.quantile(0.9), abs=1)
    assert {*facts, "departure_delay_p90"} == set(flights.context.catalog.metrics)


def test_slices_add_up_to_the_total(flights: Flights) -> None:
    start, end = date(2013, 2, 8), date(2013, 2, 10)
    total = sum(row.value or 0 for row in query(flights.context, ["flights"], start, end))
    for dimension in ("carrier", "origin", "destination", "hour"):
        parts = [row.value or 0 for row in query(flights.context, ["flights"], start, end, dimension)]
        assert sum(parts) == total


def test_local_departures_become_utc_in_winter_and_in_summer() -> None:
    """The package gives each departure's hour in UTC; ours comes from the local clock and the zone."""
    raw = load.raw_flights()
    hours = [f"{moment:%Y-%m-%dT%H}:00:00Z" for moment in load.read("America/New_York")["scheduled_at"]]
    assert hours == raw.time_hour.tolist()


def test_what_did_not_happen_is_null(flights: Flights) -> None:
    sql = """SELECT countIf(departure_delay IS NULL), countIf(tail_number IS NULL), countIf(tail_number = 'nan'),
countIf(arrival_delay IS NULL), countIf(air_time IS NULL) FROM flights"""
    ((*missing,),) = flights.context.engine.run(Statement(sql, "count what is missing")).rows
    assert missing == [8_255, 2_512, 0, 9_430, 9_430]


def test_loading_and_building_again_leave_the_same_rows(flights: Flights) -> None:
    context = flights.context
    types = context.catalog.source("flights").spec.columns
    before = contents(context)
    assert load.load(context.engine, types, load.read("America/New_York"), silent) == 336_776
    materialize.run(context, start=date(2013, 2, 1), end=date(2013, 3, 1))
    assert contents(context) == before


def contents(context: Context) -> list[Any]:
    """Order-free checksums of the raw rows and of the stored values."""
    raw = "SELECT count(), sum(cityHash64(toString(tuple(*)))) FROM flights"
    states = "SELECT count(), sum(cityHash64(day, measure, dim, val, value)) FROM assay.measure_states"
    return [context.engine.run(Statement(sql, "checksum")).rows for sql in (raw, states)]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2013, 2, 7), []),
        (date(2013, 2, 8), ["daily_cancellations"]),
        (date(2013, 2, 9), ["daily_cancellations"]),
        (date(2013, 3, 8), ["daily_delays"]),
        (date(2013, 7, 3), []),
    ],
)
def test_the_alerts_tell_the_blizzard_from_other_days(flights: Flights, day: date, expected: list[str]) -> None:
    assert fired(flights, day) == expected


def hits(flights: Flights, name: str) -> list[date]:
    """The days of the year that the rule objects to."""
    rule = Rule(flights.context, flights.context.catalog.alert(name))
    found: dict[date, tuple[int, int]] = {}  # two days at a time: each needs the 62 before it
    for number in range(rule.newest(morning(FIRST)), rule.newest(morning(LAST)) + 1, 2):
        last = min(number + 1, rule.newest(morning(LAST)))
        (series,) = scores.scored(rule, number, last)
        days = [rule.timeline.day(each) for each in range(number, last + 1)]
        states, sides = series.scores.state[0].tolist(), read(rule.spec, series).sides[0].tolist()
        found |= dict(zip(days, zip(states, sides, strict=True), strict=True))
    assert list(found) == [FIRST + timedelta(days=n) for n in range(365)]
    assert {state for day, (state, _) in found.items() if day >= date(2013, 1, 15)} == {OK}
    return [day for day, (_, side) in found.items() if side]


def test_cancellations_fire_in_the_blizzard_and_in_four_other_weather_events(flights: Flights) -> None:
    days = [f"{day:%m-%d}" for day in hits(flights, "daily_cancellations")]
    assert days == ["02-08", "02-09", "05-23", "09-12", "12-05", "12-08", "12-10", "12-14", "12-15", "12-17"]


def test_delays_fire_on_five_days_of_the_year(flights: Flights) -> None:
    assert [f"{day:%m-%d}" for day in hits(flights, "daily_delays")] == ["03-08", "04-19", "10-07", "12-05", "12-09"]


@pytest.mark.parametrize("day", [date(2013, 3, 10), date(2013, 11, 3)], ids=["23 hours", "25 hours"])
def test_days_on_which_the_clock_changes_are_whole(flights: Flights, day: date) -> None:
    rule = Rule(flights.context, flights.context.catalog.alert("daily_delays"))
    first, last = (rule.newest(morning(day + n * timedelta(days=1))) for n in (0, 2))
    (series,) = scores.scored(rule, first, last)
    shown = series.scores.value[0].tolist()
    assert shown == [flights.value("departure_delay", day + timedelta(days=n)) for n in range(3)]
