"""Wide tables with gaps: an unknown day is there, and makes what is added over it unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assay.compiler import dash
from assay.errors import UsageError, WarehouseError
from assay.jobs.outputs.boards import wide as job
from assay.jobs.outputs.boards.after_run import keep_fresh
from assay.jobs.outputs.boards.wide import boards, refresh
from assay.jobs.runs import materialize
from tests.conftest import AFTER_ALL, Lab, Shop

FIRST, END = date(2025, 3, 1), date(2025, 3, 6)
METRICS = """
sources:
  app: {table: RAW.events, time: at, entities: {user: user_id}, dimensions: {os: os}}
metrics:
  views: {type: count, source: app, checks: {range: [0, 20]}}
dashboards:
  main: {tables: TABLES, tabs: {all: {label: All, metrics: [views], by: [os]}}}
"""


def made(lab: Lab, *ranges: tuple[date, date], now: datetime = AFTER_ALL, tables: str = "false") -> Shop:
    """10 events at each midnight, 30 on the third day, which its check withholds."""
    text = METRICS.replace("TABLES", tables)
    shop = lab.shop({"metrics/all.yaml": text}, {"events": "at DateTime('UTC'), user_id UInt32, os String"}, now=now)
    shop.write("""INSERT INTO RAW.events
SELECT toDateTime('2025-03-01', 'UTC') + day * 86400, 1, ['iOS', 'Android'][1 + each % 2]
FROM (SELECT number AS day, range(if(number = 2, 30, 10)) AS all FROM numbers(5)) ARRAY JOIN all AS each""")
    for start, end in ranges:
        materialize.run(shop.context, start=start, end=end)
    return shop


def added(shop: Shop, where: str, latest: bool = False) -> Any:
    (board,) = boards(shop.context)
    refresh(shop.context, board)
    sql = (dash.latest if latest else dash.exact)(shop.context.catalog.metric("views"))
    ((value,),) = shop.rows(f"SELECT {sql} FROM {shop.context.database}.{board.table} WHERE {where}")
    return value


@pytest.mark.parametrize(("where", "two_days"), [("slice = 'all'", 20), ("slice = 'os = iOS'", 10)])
def test_a_withheld_day_makes_a_sum_unknown(lab: Lab, where: str, two_days: int) -> None:
    shop = made(lab, (FIRST, END))
    assert added(shop, f"{where} AND day < '2025-03-03'") == two_days
    assert added(shop, where) is None


def test_a_day_that_was_not_built_makes_a_sum_unknown(lab: Lab) -> None:
    shop = made(lab, (FIRST, date(2025, 3, 2)), (date(2025, 3, 4), END))
    assert added(shop, "slice = 'all'") is None


def test_a_day_that_is_not_over_is_not_there(lab: Lab) -> None:
    shop = made(lab, (date(2025, 3, 4), END), now=datetime(2025, 3, 5, 12, tzinfo=UTC))
    assert added(shop, "slice = 'all'", latest=True) == 10
    assert shop.rows(f"SELECT max(day) FROM {shop.context.database}.dash_main_all") == [(date(2025, 3, 4),)]


def test_without_a_day_that_is_over_there_is_no_table(lab: Lab) -> None:
    shop = made(lab, (FIRST, date(2025, 3, 2)), now=datetime(2025, 3, 1, 12, tzinfo=UTC))
    with pytest.raises(WarehouseError, match="E511"):
        refresh(shop.context, *boards(shop.context))


def test_a_dimension_of_too_many_values_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = made(lab, (FIRST, END))
    monkeypatch.setattr(job, "_NUMBERS", 9)
    with pytest.raises(UsageError, match="E601 The dimension 'os' has 2 values, which makes 10 numbers"):
        refresh(shop.context, *boards(shop.context))


@pytest.mark.parametrize(("tables", "board"), [("true", [("board", "dash_main_all", "done")]), ("false", [])])
def test_a_run_keeps_the_tables_fresh_that_are_declared(lab: Lab, tables: str, board: list[tuple[str, ...]]) -> None:
    shop = made(lab, tables=tables)
    for day in (FIRST, date(2025, 3, 2)):
        result = keep_fresh(shop.context, materialize.run(shop.context, start=day, end=day + timedelta(days=1)))
        assert [(step.kind, step.name, step.status) for step in result.steps if step.kind == "board"] == board
    if board:
        days = shop.rows(f"SELECT DISTINCT day FROM {shop.context.database}.dash_main_all ORDER BY day")
        assert days == [(FIRST,), (date(2025, 3, 2),)]


def test_tables_that_cannot_be_stored_are_a_failed_step(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = made(lab, tables="true")
    monkeypatch.setattr(job, "_NUMBERS", 1)
    result = keep_fresh(shop.context, materialize.run(shop.context, start=FIRST, end=END))
    (step,) = (each for each in result.steps if each.kind == "board")
    assert (step.status, result.ok) == ("failed", False)
    assert "The dimension 'os' has 2 values" in str(step.reason)
