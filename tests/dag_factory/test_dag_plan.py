"""Which DAGs definitions ask for, when they run, and what waits for what. Airflow is not needed here."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.config.cron import problem
from assay.project import Project
from dag_factory.cron import every
from dag_factory.plan import Planned, plan, pools
from dag_factory.spec import DagSpec, from_dict

Change = Callable[[str, str, str], None]
PROJECT = "project.yaml"


def dags(root: Path) -> dict[str, DagSpec]:
    return {each.dag.dag_id: each.dag for each in plan(Project.load(root).catalog)}


def schedules(root: Path) -> dict[str, str]:
    return {name: str(dag.schedule) for name, dag in dags(root).items()}


def test_every_kind_has_its_dags_and_partitions_follow_what_is_read(shop: Path) -> None:
    assert schedules(shop) == {
        "alerts__15m": "*/15 * * * * Europe/Moscow",
        "alerts__1d": "metrics__orders",
        "alerts__1h": "0 */1 * * * Europe/Moscow",
        "experiment__banner": "metrics__visits",
        "experiment__button": "metrics__orders",
        "maintenance": "0 2 * * * Europe/Moscow",
        "metrics__orders": "0 3 * * * Europe/Moscow",
        "metrics__visits": "models__metrics_models",
        "models__metrics_models": "0 3 * * * Europe/Moscow",
        "report__early": "metrics__orders & metrics__visits",
        "report__morning": "0 11 * * * Europe/Moscow",
    }


def test_a_dashboard_has_a_dag_when_it_keeps_tables(shop: Path) -> None:
    board = "  money: {tables: %s, tabs: {all: {label: All, metrics: [revenue, visits]}}}\n"
    (shop / "metrics/boards.yaml").write_text("dashboards:\n" + board % "false")
    assert not [name for name in dags(shop) if name.startswith("dashboard__")]
    (shop / "metrics/boards.yaml").write_text("dashboards:\n" + board % "true")
    found = dags(shop)["dashboard__money"]
    assert str(found.schedule) == "metrics__orders & metrics__visits"
    assert [(task.verb, task.names) for task in found.tasks] == [("tables", ("money",))]


def test_an_asset_is_there_after_the_checks_only(shop: Path) -> None:
    build, check = dags(shop)["metrics__orders"].tasks
    assert (build.outlet, check.outlet, check.after) == ("", "metrics__orders", ("build",))
    assert build.lateness == 2


def test_the_triggers_of_the_project(shop: Path, change: Change) -> None:
    change(PROJECT, "  route: team", "  trigger: asset")
    assert {dag.schedule.trigger for dag in dags(shop).values()} == {"asset", "cron"}
    change(PROJECT, "trigger: asset", 'trigger: cron\n  metrics: "04:30"')
    found = schedules(shop)
    assert found["metrics__visits"] == "30 4 * * * Europe/Moscow"
    assert found["experiment__button"] == "0 5 * * * Europe/Moscow"
    assert found["report__early"] == "0 11 * * * Europe/Moscow"


def test_a_forecast_waits_for_whole_weeks_unless_it_names_a_time(shop: Path, change: Change) -> None:
    (shop / "metrics/forecasts.yaml").write_text(
        "forecasts:\n  sales: {metrics: [revenue, visits]}\n  load: {metrics: [orders], schedule: 0 6 1 * *}\n"
    )
    found = dags(shop)
    assert found["forecast__sales"].schedule.weekly
    assert str(found["forecast__sales"].schedule) == "weeks of metrics__orders & metrics__visits"
    assert str(found["forecast__load"].schedule) == "0 6 1 * * Europe/Moscow"
    for trigger in ("asset", "cron"):
        change(PROJECT, "airflow:\n", f"airflow:\n  trigger: {trigger}\n")
        assert schedules(shop)["forecast__sales"] == "0 5 * * 1 Europe/Moscow"
        change(PROJECT, f"  trigger: {trigger}\n", "")


def test_the_number_of_dags_does_not_grow_with_metrics(shop: Path) -> None:
    before = set(dags(shop))
    more = "".join(f"  orders_{at}: {{type: count, source: orders, where: amount > {at}}}\n" for at in range(50))
    with (shop / "metrics/metrics.yaml").open("a") as file:
        file.write(more)
    assert set(dags(shop)) == before


def test_a_plan_is_the_same_for_the_same_definitions(shop: Path) -> None:
    first, second = (plan(Project.load(shop).catalog) for _ in range(2))
    assert first == second
    assert [each.dag.dag_id for each in first] == sorted(each.dag.dag_id for each in first)


def test_a_dag_depends_on_what_its_definitions_read(shop: Path) -> None:
    found: dict[str, Planned] = {each.dag.dag_id: each for each in plan(Project.load(shop).catalog)}
    button = found["experiment__button"].reads
    assert {("metric", "check"), ("metric", "revenue"), ("source", "orders")} <= button
    assert ("metric", "visits") not in button
    assert ("model", "buyers") in found["metrics__visits"].reads


def test_models_that_need_each_other_across_files_are_one_group(shop: Path) -> None:
    model = (
        "    sql: SELECT user_id FROM {{{{ ref('{0}') }}}}\n    columns: {{user_id: UInt32}}\n    grain: [user_id]\n"
    )
    other = "models:\n  frequent:\n" + model.format("buyers")
    (shop / "metrics/more.yaml").write_text(other)
    assert schedules(shop)["models__metrics_more"] == "models__metrics_models"
    with (shop / "metrics/models.yaml").open("a") as file:
        file.write("  loyal:\n" + model.format("frequent"))
    (group,) = [dag for dag in dags(shop).values() if dag.kind == "models"]
    assert group.dag_id == "models__metrics_models"
    assert group.tasks[0].names == ("buyers", "frequent", "loyal")


def test_the_prefix_and_the_pool(shop: Path, change: Change) -> None:
    catalog = Project.load(shop).catalog
    assert [(each.name, each.slots) for each in pools(catalog)] == [("chdb", 1)]
    change(PROJECT, "  route: team", "  prefix: shop_\n  connection: house\n  slots: 7")
    found = dags(shop)
    assert all(name.startswith("shop_") for name in found)
    assert found["shop_report__early"].schedule.assets == ("shop_metrics__orders", "shop_metrics__visits")
    assert [(each.name, each.slots) for each in pools(Project.load(shop).catalog)] == [("clickhouse", 7)]


def test_a_spec_comes_back_from_json(shop: Path) -> None:
    for dag in dags(shop).values():
        assert from_dict(json.loads(json.dumps(dag.as_dict()))) == dag


@pytest.mark.parametrize(
    "text", ["0 11 * * *", "*/15 8-18 * * mon-fri", "5,35 0 1 jan,jul *", "0 0 * * 7", "0-30/5 * * * *"]
)
def test_right_crons(text: str) -> None:
    assert problem(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "@daily", "0 11 * *", "60 * * * *", "0 24 * * *", "0 0 0 * *", "*/0 * * * *", "5-1 * * * *", "x * * * *"],
)
def test_wrong_crons(text: str) -> None:
    assert problem(text)


@given(st.integers(1, 24 * 60))
def test_an_interval_ticks_evenly_or_has_no_cron(minutes: int) -> None:
    text = every(timedelta(minutes=minutes))
    if text is None:
        assert 60 % minutes if minutes < 60 else minutes % 60 or 1440 % minutes
        return
    minute, hour = text.split()[:2]
    step = int(minute.partition("/")[2] or 60) if hour == "*" else 60 * int(hour.partition("/")[2] or 24)
    assert step == minutes
    assert problem(text) is None
