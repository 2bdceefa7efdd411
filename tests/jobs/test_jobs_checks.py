"""Checks on real rows: each made to pass and to fail, what a failure stops, what is remembered and withheld."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assay.compiler import checks as compiled
from assay.compiler.checks import Subject
from assay.config.check import Volume
from assay.errors import CheckFailed, UsageError, WarehouseError
from assay.jobs.alerts import alerting
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.jobs.runs.check import check
from assay.jobs.storage import builds, check_results, checks
from assay.jobs.storage.checks import against_history, withheld

ZONE = "America/New_York"
DAY = timedelta(days=1)
FIRST = date(2025, 3, 6)  # the clock changes on the fourth day
TABLES = {"events": "at DateTime('UTC'), id UInt32, user_id Nullable(UInt32), kind String, age Nullable(Float64)"}
SOURCE = """
sources:
  app:
    table: RAW.events
    time: at
    entities: {{user: user_id}}
    dimensions: {{kind: kind}}
    {more}
    checks: {checks}
metrics:
  views: {{type: count, source: app, where: "kind = 'view'"}}
{metrics}
"""
ALERT = """
alerts: {quick: {metrics: [views], every: 1h, detector: {type: mad, history: 14d}, route: nobody}}
routes: {nobody: {outbox: {path: outbox}}}
"""


def _shop(lab, checks: str = "{}", metrics: str = "", more: str = "owner: me", alert: str = "", **options: Any):
    text = SOURCE.format(checks=checks, metrics=metrics, more=more)
    return lab.shop({"metrics/all.yaml": text + alert}, TABLES, ZONE, **options)


def _rows(day: int, count: int, **fields: Any) -> list[dict[str, Any]]:
    """So many events from noon on of a day, counted from the first; a field may be a function of the number."""
    noon = datetime.combine(FIRST + day * DAY, datetime.min.time(), UTC) + timedelta(hours=17)
    usual = {"kind": "view", "age": 30.0, "user_id": lambda n: n, "id": lambda n: 1000 * day + n}
    return [
        {"at": noon + timedelta(minutes=n), **{k: v(n) if callable(v) else v for k, v in (usual | fields).items()}}
        for n in range(count)
    ]


def _load(shop, counts: list[int], **fields: Any) -> None:
    for day, count in enumerate(counts):
        shop.load("events", _rows(day, count, **fields))


def _run(shop, start: int, end: int) -> materialize.Run:
    return materialize.run(shop.context, start=FIRST + start * DAY, end=FIRST + end * DAY)


def _kept(shop, kind: str = "source", subject: str = "app") -> dict[tuple[str, str, int], str]:
    """(check, severity, day): status, by the newest results."""
    found = check_results.read(shop.context, kind, [subject], FIRST - 30 * DAY, FIRST + 60 * DAY)
    return {(each.check, each.severity, (each.first - FIRST).days): each.status for each in found}


def _views(shop, start: int, end: int) -> list[float | None]:
    return [row.value for row in query(shop.context, ["views"], FIRST + start * DAY, FIRST + end * DAY)]


# check: (YAML, what makes a row wrong, name, what is said of two days with 10 rows and one more that is wrong)
CASES: dict[str, tuple[str, Mapping[str, Any], str, str]] = {
    "not_null": ("not_null: [user_id]", {"user_id": None}, "not_null user_id", "1 of 11 rows"),
    "expression": ("not_null: ['nullIf(kind, upper(kind))']", {"kind": "X"}, "not_null nullIf(kind, upper(kind))", "1"),
    "accepted": ("accepted: {kind: [view, like]}", {"kind": "it's odd"}, "accepted kind", "1 of 11 rows"),
    "range": ("range: {age: [0, 120]}", {"age": 120.5}, "range age", "1 of 11 rows"),
    "half_range": ("range: {age: [null, 120]}", {"age": 121.0}, "range age", "1 of 11 rows"),
    "nan": ("range: {age: [null, 120]}", {"age": float("nan")}, "range age", "1 of 11 rows"),
    "unique": ("unique: [id, kind]", {"id": 1000}, "unique id, kind", "1 of 11 rows"),
    "duplicates": ("duplicates: 5%", {"id": 1000, "user_id": 0}, "duplicates", "1 of 11 rows"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_failed_check_stops_its_day_and_leaves_what_is_stored(lab, case: str) -> None:
    text, wrong, name, told = CASES[case]
    shop = _shop(lab, f"{{{text}}}")
    _load(shop, [10, 10])
    assert _run(shop, 0, 2).ok
    assert set(_kept(shop).values()) == {"passed"}
    shop.load("events", _rows(1, 1, **wrong))
    result = _run(shop, 1, 2)
    (step,) = result.steps
    assert (step.status, step.rows) == ("failed", 0)
    assert step.reason.startswith(f"E510 The check of source 'app' failed: {name}: {told}")
    assert "metrics/all.yaml:" in step.reason
    assert _kept(shop) == {(name, "error", 0): "passed", (name, "error", 1): "failed"}
    assert _views(shop, 0, 2) == [10, 10]


@pytest.mark.parametrize("case", CASES)
def test_a_failed_warning_is_told_and_stops_nothing(lab, case: str) -> None:
    text, wrong, name, told = CASES[case]
    shop = _shop(lab, f"{{warn: {{{text}}}}}")
    _load(shop, [10, 10])
    shop.load("events", _rows(1, 1, **wrong))
    result = _run(shop, 0, 2)
    assert result.ok
    assert result.steps[0].reason.startswith(f"{name}: {told}")
    assert _kept(shop) == {(name, "warn", 0): "passed", (name, "warn", 1): "failed"}
    stored = query(shop.context, ["views"], FIRST + DAY, FIRST + 2 * DAY)
    assert stored[0].value is not None


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("range: {age: [0, 120]}", "age"),
        ("unique: [user_id]", "user_id"),
        ("accepted: {'nullIf(kind, kind)': [a]}", ""),
    ],
)
def test_a_null_is_only_for_not_null_to_refuse(lab, text: str, field: str) -> None:
    shop = _shop(lab, f"{{{text}}}")
    _load(shop, [10], **({field: None} if field else {}))
    assert _run(shop, 0, 1).ok


def test_what_is_unique_is_so_on_each_local_day(lab) -> None:
    shop = _shop(lab, "{unique: [user_id]}")
    _load(shop, [5, 5])
    assert _run(shop, 0, 2).ok
    late = datetime(2025, 3, 7, 4, 59, tzinfo=UTC)  # still the first day in New York
    shop.load("events", [{"at": late, "id": 1, "user_id": 3, "kind": "view", "age": None}])
    assert not _run(shop, 0, 1).ok
    assert _run(shop, 1, 2).ok


def test_a_share_of_copies_is_allowed(lab) -> None:
    shop = _shop(lab, "{duplicates: 10%}")
    _load(shop, [9])
    shop.load("events", _rows(0, 1))
    assert _run(shop, 0, 1).ok  # 1 of 10
    shop.load("events", _rows(0, 1))
    assert "2 of 11 rows" in _run(shop, 0, 1).steps[0].reason


def test_thin_and_empty_days_fail(lab) -> None:
    shop = _shop(lab, "{min_rows_per_day: 5}")
    _load(shop, [5, 4, 0, 6])
    assert [_run(shop, day, day + 1).ok for day in range(4)] == [True, False, False, True]
    assert "min_rows_per_day: 0 of at least 5 rows on 2025-03-08" in _run(shop, 2, 3).steps[0].reason


def test_volume_against_the_median_of_the_days_before(lab) -> None:
    """The median of 10, 12, 8 is 10: 15 is within a half, 16 and 4 are not; a day without rows is no history."""
    shop = _shop(lab, "{volume: {history: 4d, within: 50%}}")
    _load(shop, [10, 12, 0, 8, 15])
    assert [_run(shop, day, day + 1).ok for day in range(5)] == [True] * 5
    assert _kept(shop)["volume", "error", 2] == "passed"  # nothing at all, but too little history to say so
    shop.load("events", _rows(4, 1))
    assert "volume: 16 against 10, the median of 3 days before" in _run(shop, 4, 5).steps[0].reason
    shop.write(f"DELETE FROM RAW.events WHERE toDate(at, '{ZONE}') = '{FIRST + 4 * DAY}'")
    shop.load("events", _rows(4, 4))
    assert not _run(shop, 0, 5).ok  # the days of one build are each other's history
    assert _kept(shop)["volume", "error", 3] == "passed"


def test_a_day_that_is_not_over_is_not_called_thin(lab) -> None:
    shop = _shop(lab, "{min_rows_per_day: 5, not_null: [user_id]}", now=datetime(2025, 3, 6, 20, tzinfo=UTC))
    _load(shop, [2])
    assert _run(shop, 0, 1).ok
    assert _kept(shop) == {("min_rows_per_day", "error", 0): "skipped", ("not_null user_id", "error", 0): "passed"}
    shop.load("events", _rows(0, 400, user_id=None)[-1:])
    assert _run(shop, 0, 1).ok  # what comes later today is neither stored nor looked at


def test_every_failed_check_is_told_with_its_place(lab) -> None:
    shop = _shop(lab, "{not_null: [id, user_id], range: {age: [0, 120]}, warn: {accepted: {kind: [view]}}}")
    _load(shop, [3, 3, 3], user_id=None, age=-1.0, kind="odd")
    subject = compiled.source(shop.context.catalog, "app")
    builds.prepare(shop.context)
    with pytest.raises(CheckFailed) as caught:
        checks.require(shop.context, subject, FIRST, FIRST + 3 * DAY, "run")
    found = caught.value.diagnostics
    assert [each.message for each in found] == [
        "The check of source 'app' failed: not_null user_id: 3 of 3 rows on 2025-03-06 and 2 more days.",
        "The check of source 'app' failed: range age: 3 of 3 rows on 2025-03-06 and 2 more days.",
    ]
    line = (shop.context.root / "metrics/all.yaml").read_text().splitlines()[found[0].location.line - 1]
    assert line[found[0].location.column - 1 :].startswith("user_id")
    assert line[found[1].location.column - 1 :].startswith("[0, 120]")
    assert len(_kept(shop)) == 12


def test_corrected_rows_are_published_and_the_newest_result_counts(lab) -> None:
    shop = _shop(lab, "{accepted: {kind: [view]}}")
    _load(shop, [3])
    shop.load("events", _rows(0, 1, kind="odd"))
    assert not _run(shop, 0, 1).ok
    assert _views(shop, 0, 1) == [None]
    shop.write("DELETE FROM RAW.events WHERE kind = 'odd'")
    assert _run(shop, 0, 1).ok
    assert _views(shop, 0, 1) == [3]
    assert _kept(shop) == {("accepted kind", "error", 0): "passed"}
    assert shop.rows(f"SELECT status FROM {shop.context.database}.check_results ORDER BY finished_at") == [
        ("failed",),
        ("passed",),
    ]


def test_results_are_recorded_once(lab) -> None:
    shop = _shop(lab, "{not_null: [id]}")
    builds.prepare(shop.context)
    found = checks.rows(shop.context, compiled.source(shop.context.catalog, "app"), FIRST, FIRST + DAY)
    for _ in range(2):
        check_results.record(shop.context, found, "a run")
    assert shop.rows(f"SELECT count() FROM {shop.context.database}.check_results") == [(1,)]


def test_a_staged_model_is_checked_against_what_it_published(lab) -> None:
    """What must be unique is so over all staged days; the days before are those of the target."""
    shop = _shop(lab, "{unique: [id], volume: {history: 5d, within: 10%}}")
    builds.prepare(shop.context)
    definition = shop.context.catalog.source("app")
    for table in ("stage", "target"):
        shop.write(f"CREATE TABLE RAW.{table} (day Date, id UInt32) ENGINE = MergeTree ORDER BY day")
    shop.write(f"INSERT INTO RAW.target SELECT toDate('{FIRST}') + number % 3, number FROM numbers(30)")
    shop.write(f"INSERT INTO RAW.stage SELECT toDate('{FIRST}') + 3 + number % 2, number FROM numbers(20)")
    subject = Subject("model", definition, f"{shop.raw}.stage", day="day", earlier=f"{shop.raw}.target")
    span = FIRST + 3 * DAY, FIRST + 5 * DAY
    assert checks.require(shop.context, subject, *span, "run") == ""
    shop.write(f"INSERT INTO RAW.stage SELECT toDate('{FIRST}') + 4, number FROM numbers(2)")
    with pytest.raises(CheckFailed) as caught:
        checks.require(shop.context, subject, *span, "run")
    assert [each.message.partition(": ")[2] for each in caught.value.diagnostics] == [
        "unique id: 2 of 22 rows on 2025-03-09..2025-03-10.",
        "volume: 12 against 10, the median of 4 days before, within 0.1 on 2025-03-10.",
    ]
    whole = Subject("model", definition, f"{shop.raw}.stage")
    with pytest.raises(CheckFailed, match="unique id: 2 of 22 rows"):
        checks.require(shop.context, whole, *span, "run")


def test_a_distance_is_relative_to_the_median() -> None:
    wanted, days = Volume(history="3d", within=0.5), [FIRST + n * DAY for n in range(4)]

    def judged(*values: float) -> str:
        return against_history(values[-1], days[3], dict(zip(days, values, strict=True)), wanted)[0]

    assert judged(1, 2, 30, 3) == "passed"
    assert judged(1, 2, 30, 3.1) == "failed"
    assert judged(-1, -2, -30, -1) == "passed"
    assert judged(0, 0, 0, 0) == "passed"
    assert judged(0, 0, 0, 0.1) == "failed"
    assert against_history(9, days[3], {days[1]: 1, days[2]: 1}, wanted)[0] == "passed"


# --- slots and alerts


def _noon(day: int) -> datetime:
    return datetime.combine(FIRST + day * DAY, datetime.min.time(), UTC) + timedelta(hours=20)


def test_a_failed_day_blocks_its_slots_without_a_second_look(lab) -> None:
    shop = _shop(lab, "{accepted: {kind: [view]}}", alert=ALERT)
    _load(shop, [3, 3])
    shop.load("events", _rows(1, 1, kind="odd"))
    steps = {(step.name, step.partition): step for step in _run(shop, 1, 2).steps}
    assert {name for name, step in steps.items() if step.status == "failed"} == {
        ("app:1d", "2025-03-07"),
        ("app:1h", "2025-03-07"),
    }
    assert shop.rows(f"SELECT count() FROM {shop.context.database}.check_results") == [(1,)]


def test_an_alert_tells_of_checks_that_failed(lab) -> None:
    """On a day of its history it goes on without that day; on the day that it judges it does not."""
    shop = _shop(lab, "{accepted: {kind: [view]}}", alert=ALERT)
    _load(shop, [9] * 20)
    shop.load("events", _rows(15, 1, kind="odd"))
    context = shop.at(_noon(19))
    found = alerting.check(context, _noon(19), send=False)
    assert not found.failed
    assert [each.message for each in found.blocked["quick"].diagnostics] == [
        "The check of source 'app' failed: accepted kind: 1 of 10 rows on 2025-03-21."
    ]
    assert found.evaluated == 1
    shop.load("events", _rows(19, 1, kind="odd"))
    with pytest.raises(CheckFailed, match="2025-03-25"):
        alerting.check(shop.at(_noon(19) + timedelta(hours=1)), _noon(19) + timedelta(hours=1), send=False)


# --- freshness


def _stale(lab, hours: int):
    """Two days of events; the last one is at 17:09 in UTC on the second day."""
    now = datetime(2025, 3, 7, 17, 9, tzinfo=UTC) + timedelta(hours=hours)
    shop = _shop(lab, more="freshness: 24h", now=now, alert=ALERT)
    _load(shop, [10, 10])
    return shop


def test_a_source_that_is_not_fresh_leaves_out_its_last_day(lab) -> None:
    shop = _stale(lab, 25)
    result = materialize.run(shop.context)
    assert not result.ok
    (failed,) = [step for step in result.steps if step.status == "failed"]
    assert (failed.kind, failed.name, failed.partition) == ("check", "app:freshness", "2025-03-07")
    assert failed.reason.startswith(
        "E512 The source 'app' is not fresh: the newest event is 25 h 0 min old, and 1d is allowed."
    )
    assert _views(shop, 0, 2) == [10, None]
    assert _kept(shop) == {("freshness", "error", 1): "failed"}
    assert materialize.run(shop.context, start=FIRST + DAY, end=FIRST + 2 * DAY).ok  # asked for by its date
    assert _views(shop, 0, 2) == [10, 10]


def test_a_fresh_source_is_built_to_its_last_day(lab) -> None:
    shop = _stale(lab, 23)
    assert materialize.run(shop.context).ok
    assert _views(shop, 0, 2) == [10, 10]
    assert _kept(shop) == {("freshness", "error", 1): "passed"}


def test_only_a_stale_day_is_no_empty_range(lab) -> None:
    shop = _stale(lab, 25)
    result = materialize.run(shop.context, start=FIRST + DAY)
    assert [step.name for step in result.steps] == ["app:freshness"]
    assert (result.start, result.end) == (FIRST + DAY, FIRST + 2 * DAY)


# --- metrics

METRICS = """
  likes: {type: count, source: app, where: "kind = 'like'"}
  all: {type: count, source: app}
  both: {type: derived, expr: views + likes, checks: {equals: {metric: all, tolerance: 10%}}}
  ctr: {type: ratio, numerator: likes, denominator: views, checks: {range: [0, 1], warn: {range: [0.1, null]}}}
  twice: {type: derived, expr: 2 * ctr}
  watched: {type: count, source: app, where: "kind = 'view'", checks: {volume: {history: 4d, within: 50%}}}
  week: {type: rolling, metric: watched, window: 3d}
"""


def _mixed(lab, days: list[tuple[int, int, int]]):
    """Days of views, likes and others."""
    shop = _shop(lab, metrics=METRICS)
    for day, counts in enumerate(days):
        for kind, count in zip(("view", "like", "other"), counts, strict=True):
            shop.load("events", _rows(day, count, kind=kind))
    return shop


def _withheld(shop, *names: str) -> dict[tuple[str, int], str]:
    found = withheld(shop.context, names, FIRST, FIRST + 8 * DAY)
    return {(name, (day - FIRST).days): reason for (name, day), reason in found.items()}


def test_a_value_out_of_range_is_withheld_with_all_that_is_made_of_it(lab) -> None:
    shop = _mixed(lab, [(10, 5, 0), (10, 13, 0), (10, 0, 0)])
    result = _run(shop, 0, 3)
    steps = {step.name: step for step in result.steps if step.kind == "check"}
    assert {name: step.status for name, step in steps.items()} == {"both": "done", "ctr": "failed", "watched": "done"}
    assert steps["ctr"].reason == "range 2025-03-07: 1.3 is above 1; range 2025-03-08: 0 is below 0.1"
    assert not result.ok
    assert _kept(shop, "metric", "ctr") == {
        ("range", "error", 0): "passed", ("range", "error", 1): "failed", ("range", "error", 2): "passed",
        ("range", "warn", 0): "passed", ("range", "warn", 1): "passed", ("range", "warn", 2): "failed",
    }  # fmt: skip
    assert _withheld(shop, "ctr", "twice", "views", "likes") == {
        ("ctr", 1): "check 'range' failed: 1.3 is above 1",
        ("twice", 1): "'ctr' of 2025-03-07: check 'range' failed: 1.3 is above 1",
    }


def test_a_value_is_released_when_it_passes(lab) -> None:
    shop = _mixed(lab, [(10, 13, 0)])
    _run(shop, 0, 1)
    assert _withheld(shop, "ctr")
    shop.load("events", _rows(0, 10))
    assert _run(shop, 0, 1).ok
    assert _withheld(shop, "ctr", "twice") == {}


def test_nothing_to_divide_by_is_skipped_and_not_failed(lab) -> None:
    shop = _mixed(lab, [(10, 5, 0), (0, 5, 0)])
    result = _run(shop, 0, 2)
    assert result.ok
    (step,) = [step for step in result.steps if step.name == "ctr"]
    assert step.reason == "2 skipped: no value of 'ctr': nothing to divide by or to average"
    assert _kept(shop, "metric", "ctr")["range", "error", 1] == "skipped"
    assert _withheld(shop, "ctr") == {}


def test_two_names_of_one_number_are_reconciled(lab) -> None:
    """9 of 10 is 10 % less than the larger of both; 8 of 10 is more than that."""
    shop = _mixed(lab, [(5, 4, 1), (5, 3, 2)])
    _run(shop, 0, 2)
    assert _withheld(shop, "both", "all") == {("both", 1): "check 'equals' failed: 8 against 10 of 'all'"}


def test_the_volume_of_a_metric_and_the_windows_over_a_withheld_day(lab) -> None:
    shop = _mixed(lab, [(10, 1, 0), (10, 1, 0), (10, 1, 0), (30, 3, 0), (10, 1, 0), (10, 1, 0), (10, 1, 0)])
    assert not _run(shop, 0, 7).ok
    told = "check 'volume' failed: 30 against 10, the median of 3 days before, within 0.5"
    assert _withheld(shop, "watched", "week", "views") == {
        ("watched", 3): told,
        **{("week", day): f"'watched' of 2025-03-09: {told}" for day in (3, 4, 5)},
    }


def test_a_check_that_is_no_longer_declared_withholds_nothing(lab) -> None:
    shop = _mixed(lab, [(10, 13, 0)])
    _run(shop, 0, 1)
    other = _shop(lab, metrics=METRICS.replace("checks: {range: [0, 1], ", "checks: {"))
    builds.prepare(other.context)
    mine, theirs = (each.context.database for each in (other, shop))
    shop.write(f"INSERT INTO {mine}.check_results SELECT * FROM {theirs}.check_results")
    assert _withheld(other, "ctr") == {}


def test_a_warehouse_from_before_there_were_checks_withholds_nothing(lab) -> None:
    assert _withheld(_shop(lab, metrics=METRICS), "ctr") == {}


# --- `check`


def test_stored_days_are_checked_again_and_nothing_is_built(lab) -> None:
    shop = _shop(lab, "{accepted: {kind: [view, like]}}", METRICS)
    _load(shop, [10] * 9)
    assert _run(shop, 0, 9).ok
    assert check(shop.context).ok
    assert (check(shop.context).start, check(shop.context).end) == (FIRST + 2 * DAY, FIRST + 9 * DAY)
    shop.load("events", _rows(1, 1, kind="odd"))
    found = check(shop.context, ["app"], FIRST, FIRST + 3 * DAY)
    assert [(each.first, each.status) for each in found.results] == [
        (FIRST, "passed"), (FIRST + DAY, "failed"), (FIRST + 2 * DAY, "passed"),
    ]  # fmt: skip
    assert {each.subject for each in check(shop.context, ["ctr", "views"]).results} == {"ctr"}
    assert _views(shop, 1, 2) == [10]


def test_a_check_of_nothing_is_told(lab) -> None:
    shop = _shop(lab, metrics=METRICS)
    with pytest.raises(WarehouseError, match="E511"):
        check(shop.context)
    with pytest.raises(UsageError, match="Did you mean 'ctr'"):
        check(shop.context, ["cttr"])
    with pytest.raises(UsageError, match="E602"):
        check(shop.context, [], FIRST, FIRST)
