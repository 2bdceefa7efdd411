"""Wide tables: the rows of `query` to the digit, and expressions that never add what must not be added."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from assay.compiler import dash
from assay.errors import UsageError, WarehouseError
from assay.jobs.outputs.boards.panels import panels, words
from assay.jobs.outputs.boards.wide import boards, refresh, refresh_all
from assay.jobs.queries.cohorts import cohorts
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from tests.conftest import Lab, Shop

FIRST, END = date(2025, 3, 1), date(2025, 3, 11)
METRICS = """
sources:
  app: {table: RAW.events, time: at, entities: {user: user_id}, dimensions: {os: os}}
metrics:
  views: {type: count, source: app, where: "kind = 'view'"}
  likes: {type: count, source: app, where: "kind = 'like'"}
  users: {type: unique, source: app, of: user}
  users_new: {type: new, metric: users}
  ctr: {type: ratio, numerator: likes, denominator: views}
  back: {type: retention, cohort: users_new, returns: users, day: 2}
  life: {type: lifecycle, metric: users}
dashboards:
  main:
    label: '"Main" <b>🚀</b>'
    tabs:
      all: {label: All, metrics: [views, users, users_new, ctr, back], by: [os]}
      more:
        label: More
        metrics: [users]
        cohorts: [back]
        blocks:
          - {type: lifecycle, metric: life, weeks: 2}
          - {type: cohort, metric: back, cohorts: 4, life: 3}
          - {type: heatmap, metric: views, by: os}
          - {type: line, title: Views and likes, metrics: [views, likes]}
          - {type: investigate, title: Why, metric: views}
          - {type: bars, metric: users, by: os}
          - {type: text, text: "Read *this*."}
"""


@pytest.fixture(scope="module")
def shop(lab: Lab) -> Shop:
    columns = "at DateTime('UTC'), user_id UInt32, kind String, os String"
    shop = lab.shop({"metrics/all.yaml": METRICS}, {"events": columns})
    shop.write("""INSERT INTO RAW.events SELECT toDateTime('2025-02-17', 'UTC') + number * 600,
cityHash64(number) % (40 + intDiv(number, 60)), if(number % 5 = 0, 'like', 'view'),
['iOS', 'Android', 'it''s'][number % 3 + 1]
FROM numbers(3168)""")
    with pytest.raises(WarehouseError, match="E511"):
        refresh(shop.context, boards(shop.context)[0])
    materialize.run(shop.context, start=date(2025, 2, 17), end=END)
    return shop


def table(shop: Shop) -> str:
    board, _ = boards(shop.context)
    refresh(shop.context, board)
    return f"{shop.context.database}.{board.table}"


@pytest.mark.parametrize("by", [None, "os"])
def test_every_number_is_that_of_query(shop: Shop, by: str | None) -> None:
    name = table(shop)
    metrics = ["views", "users", "users_new", "ctr", "back"]
    rows = query(shop.context, metrics, FIRST, END, by)
    assert len(rows) == 50 * (3 if by else 1)
    for row in rows:
        value = row.by.get("os", "")
        part = f"{row.metric}, " + (
            f"{row.metric}__numerator, {row.metric}__denominator" if row.metric in ("ctr", "back") else "NULL, NULL"
        )
        sql = (
            f"SELECT {part} FROM {name} WHERE day = {{day:Date}} AND dimension = {{by:String}} AND value = {{v:String}}"
        )
        (found,) = shop.rows(sql, day=row.time, by=by or "", v=value)
        assert found == (row.value, row.numerator, row.denominator)


def test_what_is_not_known_yet_is_null(shop: Shop) -> None:
    sql = f"SELECT back FROM {table(shop)} WHERE slice = 'all' AND day >= '2025-03-09' ORDER BY day"
    assert shop.rows(sql) == [(None,), (None,)]


def test_weeks_are_those_of_the_lifecycle(shop: Shop) -> None:
    _, board = boards(shop.context)
    tables = [each.table for each in refresh_all(shop.context, [board])]
    assert tables == board.tables == ["dash_main_more", "dash_main_more_weeks", "dash_main_more_cohorts"]
    weeks = shop.rows(
        "SELECT toMonday(at) AS week, groupUniqArray(user_id) FROM RAW.events GROUP BY week ORDER BY week"
    )
    first, second, third = (set(users) for _, users in weeks[:3])
    told = shop.rows(f"SELECT week, part, value FROM {shop.context.database}.dash_main_more_weeks ORDER BY ALL")
    assert {day for day, _, _ in told} == {date(2025, 2, 24), date(2025, 3, 3)}, "the week of 10 March is not over"
    assert {part: value for day, part, value in told if day == date(2025, 3, 3)} == {
        "retained": len(third & second),
        "new": len(third - second - first),
        "resurrected": len((third & first) - second),
        "churned": len(second - third),
    }
    assert third - second - first


def test_cohorts_are_those_of_query(shop: Shop) -> None:
    _, board = boards(shop.context)
    refresh_all(shop.context, [board])
    found = shop.rows(f"SELECT cohort, day, value FROM {shop.context.database}.dash_main_more_cohorts ORDER BY ALL")
    matrix = cohorts(shop.context, "back", date(2025, 2, 8), END, days=30, until=END)
    cells = [(each.cohort, cell.day, cell.value) for each in matrix.cohorts for cell in each.cells]
    assert found == [cell for cell in cells if cell[2] is not None] != []


def test_blocks_that_a_bi_tool_can_show(shop: Shop) -> None:
    _, board = boards(shop.context)
    found = [(each.kind, each.metrics) for each in panels(shop.context.catalog, board)]
    assert found == [
        ("lifecycle", ("life",)),
        ("cohort", ("back",)),
        ("heatmap", ("views",)),
        ("line", ("views", "likes")),
    ]
    assert words(board) == ("Read *this*.", "On the site, not here: Why (investigate); users (bars).")


def test_two_tabs_of_one_table_are_refused(lab: Lab) -> None:
    twice = METRICS + "      more_cohorts: {label: Same, metrics: [users]}\n"
    with pytest.raises(UsageError, match="E601 Two tabs have the table 'dash_main_more_cohorts'"):
        boards(lab.shop({"metrics/all.yaml": twice}, {}).context)


def expression(shop: Shop, metric: str, where: str, latest: bool = False) -> Any:
    sql = (dash.latest if latest else dash.exact)(shop.context.catalog.metric(metric))
    ((value,),) = shop.rows(f"SELECT {sql} FROM {table(shop)} WHERE {where}")
    return value


def test_sums_are_added_and_quotients_divided_after(shop: Shop) -> None:
    ((views, likes),) = shop.rows("SELECT countIf(kind = 'view'), countIf(kind = 'like') FROM RAW.events")
    for where in ("slice = 'all'", "dimension = 'os'"):
        assert expression(shop, "views", where) == views
        assert expression(shop, "ctr", where) == likes / views


@pytest.mark.parametrize(
    ("metric", "where"),
    [
        ("users", "slice = 'all'"),  # over days
        ("users", "day = '2025-03-02' AND dimension = 'os'"),  # over slices
        ("views", "day = '2025-03-02'"),  # the total and its parts
        ("ctr", "1"),
    ],
)
def test_what_cannot_be_added_is_null(shop: Shop, metric: str, where: str) -> None:
    assert expression(shop, metric, where) is None


def test_latest_is_of_the_last_day_and_of_the_last_old_cohort(shop: Shop) -> None:
    ((users,),) = shop.rows("SELECT uniqExact(user_id) FROM RAW.events WHERE toDate(at) = '2025-03-10'")
    assert expression(shop, "users", "slice = 'all'", latest=True) == users
    (row,) = query(shop.context, ["back"], date(2025, 3, 8), date(2025, 3, 9))
    assert expression(shop, "back", "slice = 'all'", latest=True) == row.value
    assert expression(shop, "users", "dimension = 'os'", latest=True) is None


def test_refreshing_twice_changes_nothing(shop: Shop) -> None:
    def state() -> Any:
        return shop.rows(f"SELECT groupBitXor(cityHash64(*)), count() FROM {table(shop)}")

    assert state() == state()


def test_unknown_dashboard(shop: Shop) -> None:
    with pytest.raises(UsageError, match="E201 Unknown dashboard 'mane'"):
        boards(shop.context, ["mane"])


def test_a_metric_without_a_dimension_has_no_slices(lab: Lab) -> None:
    text = METRICS.replace("metrics: [views", "metrics: [plain, views").replace(
        "metrics:\n", "  other: {table: RAW.events, time: at, entities: {user: user_id}}\nmetrics:\n"
        "  plain: {type: count, source: other}\n", 1)  # fmt: skip
    shop = lab.shop({"metrics/all.yaml": text.replace("by: [os]", "by: []")}, {})
    board, _ = boards(shop.context)
    assert board.by["plain"] == ()


def test_a_metric_named_like_a_key(lab: Lab) -> None:
    shop = lab.shop({"metrics/all.yaml": METRICS.replace("views", "slice")}, {})
    with pytest.raises(UsageError, match="E601 The metric 'slice'"):
        boards(shop.context)
