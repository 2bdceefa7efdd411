"""What tasks do, without Airflow: days from partitions, addresses from Connections, and the rows that `run` leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assay.errors import CheckFailed, DefinitionsError, EngineBusy, UsageError
from assay.jobs.context import Context
from assay.jobs.queries.query import query
from assay.jobs.runs.materialize import run as run_job
from assay.project import Project
from assay.statement import Statement
from dag_factory import address, store
from dag_factory.compile import compile_dags
from dag_factory.runtime import NothingToDo, Run, day_of, execute, moment_of, prepare

Change = Callable[[str, str, str], None]
MOSCOW = ZoneInfo("Europe/Moscow")
FIRST, DAYS = date(2025, 3, 1), 7
LAST = FIRST + timedelta(days=DAYS)
AFTER = datetime(2025, 4, 1, tzinfo=UTC)
# 40 orders and visits every hour from 28 February to 9 March, of 60 users.
ORDERS = """CREATE TABLE raw.orders ENGINE = MergeTree ORDER BY at AS
SELECT toDateTime('2025-02-28 00:00:00', 'UTC') + number * 90 AS at, toUInt32(cityHash64(number) % 60) AS user_id,
  ['A', 'B'][number % 2 + 1] AS city, toFloat64(number % 17) AS amount FROM numbers(9600)"""
# 60 days before that, an order each hour, worth more at weekends.
LONG_ORDERS = """CREATE TABLE raw.orders ENGINE = MergeTree ORDER BY at AS
SELECT toDateTime('2024-12-30 00:00:00', 'UTC') + number * 3600 AS at, toUInt32(number % 60) AS user_id, 'A' AS city,
  toFloat64(10 + 5 * (toDayOfWeek(at) > 5) + cityHash64(number) % 3) AS amount FROM numbers(24 * 70)"""
VISITS = """CREATE TABLE raw.visits ENGINE = MergeTree ORDER BY at AS SELECT at, user_id FROM raw.orders"""


def test_the_day_comes_from_the_partition() -> None:
    tick = datetime(2025, 8, 24, 22, 0, tzinfo=UTC)  # 01:00 on the 25th in Moscow
    run = Run("d", "t", "r", logical_date=tick)
    assert day_of(run, MOSCOW) == date(2025, 8, 24)
    assert moment_of(run, MOSCOW) == tick
    keyed = Run("d", "t", "r", "2025-08-20", tick, ({"partition": "2025-08-01"},))
    assert day_of(keyed, MOSCOW) == date(2025, 8, 20)
    assert moment_of(keyed, MOSCOW) == datetime(2025, 8, 21, tzinfo=MOSCOW)
    events = ({"partition": "2025-08-02"}, {"partition": "2025-08-03"}, {})
    assert day_of(Run("d", "t", "r", events=events), MOSCOW) == date(2025, 8, 3)


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-10-27", 24)])
def test_a_partition_is_a_local_day_also_when_clocks_change(day: str, hours: int) -> None:
    before = str(date.fromisoformat(day) - timedelta(days=1))
    begin, end = (moment_of(Run("d", "t", "r", key), BERLIN).astimezone(UTC) for key in (before, day))
    assert end - begin == timedelta(hours=hours)
    tick = datetime.combine(date.fromisoformat(day), time(3), BERLIN)  # at the time of the tick, after the change
    assert day_of(Run("d", "t", "r", logical_date=tick.astimezone(UTC)), BERLIN) == date.fromisoformat(before)


def test_a_week_ends_with_its_sunday(shop: Path) -> None:
    (shop / "metrics/forecasts.yaml").write_text("forecasts:\n  sales: {metrics: [revenue]}\n")
    compile_dags(shop)
    for key in ("2025-03-24", "2025-03-27", "2025-03-30"):
        assert prepare(Run("forecast__sales", "run", "r", key), folder=shop).day == date(2025, 3, 30)


@pytest.mark.parametrize("key", ["2025-8-2", "20250802", "yesterday", "2025-02-30", "2025-08-02T00:00:00"])
def test_a_partition_of_the_wrong_form(key: str) -> None:
    with pytest.raises(UsageError, match="E804"):
        day_of(Run("d", "t", "r", key), MOSCOW)


def test_a_run_about_no_day() -> None:
    with pytest.raises(UsageError, match="E804"):
        day_of(Run("d", "t", "r"), MOSCOW)


def fields(**more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("conn_type", "host", "port", "login", "password", "schema"))
    return {**empty, "conn_type": "clickhouse", "extra": {}, **more}


@pytest.mark.parametrize(
    ("found", "dsn"),
    [
        (fields(host="ch", port=8123, login="ann", password="p@:/#"), "clickhouse://ann:p%40%3A%2F%23@ch:8123/"),
        (fields(host="ch", schema="shop", extra={"secure": True}), "clickhouses://default@ch/shop"),
        (fields(conn_type="https", host="ch"), "clickhouses://default@ch/"),
        (fields(extra={"client_kwargs": {"interface": "chdb", "path": "/data/my ch"}}), "chdb:///data/my%20ch"),
    ],
)
def test_an_address_from_a_connection(found: dict[str, Any], dsn: str) -> None:
    assert address.dsn("house", lambda _name: found) == dsn


@pytest.mark.parametrize("found", [fields(), fields(conn_type="mysql", host="h"), fields(extra={"interface": "chdb"})])
def test_a_connection_that_is_no_warehouse(found: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="E805"):
        address.dsn("house", lambda _name: found)


def test_a_connection_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"E805 .*KeyError"):
        address.dsn("house", {}.__getitem__)


def test_a_run_goes_on_with_the_manifest_that_it_began_with(shop: Path, change: Change) -> None:
    first = compile_dags(shop).manifest.sha
    change("metrics/metrics.yaml", "revenue: {type: sum", "revenue: {label: Money, type: sum")
    second = compile_dags(shop).manifest.sha
    begun = Run("metrics__orders", "check", "r", "2025-03-01", above={"manifest": first})
    assert prepare(begun, folder=shop).project.catalog.metric("revenue").label == "Revenue"
    new = prepare(Run("metrics__orders", "build", "r", "2025-03-01"), folder=shop)
    assert (new.manifest, new.project.catalog.metric("revenue").label) == (second, "Money")


def test_a_task_that_is_not_in_the_manifest(shop: Path) -> None:
    compile_dags(shop)
    with pytest.raises(DefinitionsError, match="E803"):
        prepare(Run("metrics__orders", "bild", "r", "2025-03-01"), folder=shop)


def test_a_stale_dag_works_with_the_definitions_that_were_right(shop: Path, change: Change) -> None:
    compile_dags(shop)
    change("metrics/metrics.yaml", "value: amount", "value: amuont")
    compile_dags(shop)
    work = prepare(Run("metrics__orders", "build", "r", "2025-03-01"), folder=shop)
    assert work.dag.stale
    assert set(work.project.catalog.metrics) == {"orders", "revenue", "customers", "visits", "check"}
    assert work.project.root == shop


@contextmanager
def opened(root: Path) -> Iterator[Context]:
    with Project.load(root).open(AFTER) as context:
        yield context


def rows(root: Path) -> dict[str, list[Any]]:
    """What is stored: the rows of the model, how many states each day has, and every metric's value."""
    counts = "SELECT source, day, count() FROM shop.measure_states GROUP BY 1, 2 ORDER BY 1, 2"
    with opened(root) as context:
        values = query(context, ["orders", "revenue", "customers", "visits", "check"], FIRST - timedelta(days=3), LAST)
        asked = {"buyers": "SELECT * FROM shop.buyers ORDER BY 1", "states": counts}
        found = {name: list(context.engine.run(Statement(sql, "test")).rows) for name, sql in asked.items()}
        return found | {"values": [(each.metric, each.time, each.value) for each in values]}


def loaded(root: Path) -> None:
    with opened(root) as context:
        for sql in ("CREATE DATABASE raw", ORDERS, VISITS):
            context.engine.run(Statement(sql, "test", writes=True))


def ledger(root: Path) -> list[tuple[Any, ...]]:
    with opened(root) as context:
        sql = "SELECT dag_id, task_id, partition, status FROM shop.dag_tasks ORDER BY began"
        return list(context.engine.run(Statement(sql, "test")).rows)


@pytest.mark.slow
def test_partitions_one_by_one_leave_the_rows_of_one_run(shop: Path) -> None:
    loaded(shop)
    compile_dags(shop)
    days = [str(FIRST + timedelta(days=at)) for at in range(DAYS)]
    for key in days:
        for dag_id in ("models__metrics_models", "metrics__orders", "metrics__visits"):
            done = execute(Run(dag_id, "build", key, key), folder=shop)
            if dag_id.startswith("metrics"):
                execute(Run(dag_id, "check", key, key, above=done), folder=shop)
    by_partitions = rows(shop)
    execute(Run("metrics__orders", "build", "again", days[3]), folder=shop)
    assert rows(shop) == by_partitions
    with opened(shop) as context:
        context.engine.run(Statement("DROP DATABASE shop", "test", writes=True))
        run_job(context, (), FIRST, LAST)
    assert rows(shop) == by_partitions
    assert len(by_partitions["buyers"]) == 60
    assert sum(value is not None for _, _, value in by_partitions["values"]) == 5 * DAYS


def stored(root: Path) -> list[Any]:
    """The day's numbers of the orders, and how many states they are made of."""
    with opened(root) as context:
        states = context.engine.run(Statement("SELECT count() FROM shop.measure_states", "test")).scalar()
        values = query(context, ["orders", "revenue", "customers"], FIRST, FIRST + timedelta(days=1))
    return [states, *(each.value for each in values)]


@pytest.mark.slow
def test_two_schedulers_on_one_embedded_engine(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one's task is refused and can be repeated; what is stored is what one of them leaves."""
    loaded(shop)
    compile_dags(shop)
    task = Run("metrics__orders", "build", "r", "2025-03-01")
    execute(task, folder=shop)
    before = stored(shop)
    monkeypatch.setattr("dag_factory.steps.WAIT", 0.1)
    with opened(shop), pytest.raises(EngineBusy, match="E503"):
        execute(task, folder=shop)
    assert stored(shop) == before
    execute(task, folder=shop)
    assert stored(shop) == before


@pytest.mark.slow
def test_a_forecast_of_the_days_after_a_week(shop: Path) -> None:
    """A history of sixty days with a weekly shape, and models that take no time."""
    (shop / "metrics/forecasts.yaml").write_text(
        "forecasts:\n  sales: {metrics: [revenue], horizon: 2d, models: [naive, seasonal_naive, drift], "
        "publish: always, backtest: {windows: 3}}\n"
    )
    compile_dags(shop)
    first = LAST - timedelta(days=60)
    with opened(shop) as context:
        for sql in ("CREATE DATABASE raw", LONG_ORDERS, VISITS):
            context.engine.run(Statement(sql, "test", writes=True))
        run_job(context, ("orders",), first, LAST)
    monday = "2025-02-24"  # its week ends with the 2nd of March
    found = execute(Run("forecast__sales", "run", "r", monday), folder=shop)
    assert found == {**found, "partition": "2025-03-02", "published": 1, "withheld": 0}
    with opened(shop) as context:
        sql = "SELECT DISTINCT day FROM shop.forecast_points ORDER BY day"
        days = [day for (day,) in context.engine.run(Statement(sql, "test")).rows]
    assert days == [date(2025, 3, 3), date(2025, 3, 4)]


@pytest.mark.slow
def test_a_forecast_of_too_short_a_history(shop: Path) -> None:
    (shop / "metrics/forecasts.yaml").write_text("forecasts:\n  sales: {metrics: [revenue]}\n")
    loaded(shop)
    compile_dags(shop)
    with opened(shop) as context:
        run_job(context, (), FIRST, LAST)
    with pytest.raises(CheckFailed, match="1 of 1 metrics have no forecast"):
        execute(Run("forecast__sales", "run", "r", "2025-03-03"), folder=shop)


@pytest.mark.slow
def test_an_experiment_and_its_gates(shop: Path) -> None:
    loaded(shop)
    compile_dags(shop)
    with opened(shop) as context:
        run_job(context, (), FIRST, LAST)
    name = "experiment__button"
    with pytest.raises(NothingToDo):
        execute(Run(name, "analyze", "r", "2025-03-06"), folder=shop)
    found = execute(Run(name, "analyze", "r", "2025-03-05"), folder=shop)
    assert (found["final"], found["failed"]) == (True, [])
    assert execute(Run(name, "gates", "r", "2025-03-05", above=found), folder=shop)["verdict"] == found["verdict"]
    with pytest.raises(CheckFailed, match="srm: 9 to 1"):
        execute(Run(name, "gates", "r", "2025-03-05", above=found | {"failed": ["srm: 9 to 1"]}), folder=shop)
    expected = ["skipped", "done", "done", "failed"]
    assert [status for dag, _, _, status in ledger(shop) if dag == name] == expected


@pytest.mark.slow
def test_reports_boards_alerts_and_maintenance(shop: Path) -> None:
    board = "dashboards:\n  money: {tables: true, tabs: {all: {label: All, metrics: [revenue], by: [city]}}}\n"
    (shop / "metrics/boards.yaml").write_text(board)
    loaded(shop)
    compile_dags(shop)
    with opened(shop) as context:
        run_job(context, (), FIRST, LAST)
    assert execute(Run("report__morning", "send", "r", "2025-03-06"), folder=shop)["sent"] == 1
    assert execute(Run("report__morning", "send", "again", "2025-03-06"), folder=shop)["sent"] == 0
    days = (LAST - FIRST).days
    stored = execute(Run("dashboard__money", "refresh", "r", "2025-03-06"), folder=shop)
    assert (stored["tables"], stored["rows"]) == (1, days * 3), "the total and two cities"
    tick = datetime(2025, 3, 6, 12, tzinfo=UTC)
    assert execute(Run("alerts__1h", "check", "r", logical_date=tick), folder=shop)["evaluated"] > 0
    assert execute(Run("maintenance", "sweep", "r", logical_date=tick), folder=shop)["manifests"] == 0
    assert store.current(shop)
