"""What is read from tables, and what is proposed from it: counts against plain Python, choices by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.catalog.expression import BadExpression, parse
from assay.engine import Engine, parse_dsn
from assay.errors import UsageError, WarehouseError
from assay.jobs.setup import address
from assay.jobs.setup.introspect import Column, Facts, delay, look, rhythm
from assay.jobs.setup.propose import WORDS, identifier, roles, slug, words
from assay.statement import Statement
from tests.conftest import Lab

FIRST = datetime(2025, 3, 1, tzinfo=UTC)
ROWS = [
    {
        "user_id": n % 37,
        "at": FIRST + timedelta(minutes=7 * n),
        "kind": "view" if n % 4 else "buy",
        "country": ("fi", "se", None)[n % 3],
        "price": float("nan") if n % 5 == 0 else n / 10,
        "seen": f"2025-03-0{n % 9 + 1} 10:00" if n % 10 else "never",
    }
    for n in range(1000)
]
COLUMNS = (
    "user_id UInt64, at DateTime('UTC'), kind LowCardinality(String), country Nullable(String), price Float64, "
    "seen String, tags Array(String)"
)


@pytest.fixture(scope="module")
def engine(lab: Lab) -> Engine:
    write(lab.engine, "CREATE DATABASE looked")
    write(lab.engine, f"CREATE TABLE looked.events ({COLUMNS}) ENGINE = MergeTree PARTITION BY kind ORDER BY at")
    shop = lab.shop({}, {})
    shop.raw = "looked"
    shop.load("events", ROWS)
    return lab.engine


def write(engine: Engine, sql: str) -> None:
    engine.run(Statement(sql, "test", writes=True))


def table(engine: Engine, name: str, columns: str, rows: str = "", order: str = "tuple()") -> Facts:
    """A table with the rows of a SELECT."""
    write(engine, f"CREATE TABLE looked.{name} ({columns}) ENGINE = MergeTree ORDER BY {order}")
    if rows:
        write(engine, f"INSERT INTO looked.{name} {rows}")
    return look(engine, "looked", name)


def test_columns_are_measured(engine: Engine) -> None:
    facts = look(engine, "looked", "events")
    assert (facts.rows, [each.name for each in facts.columns]) == (1000, [*ROWS[0], "tags"])
    found = {each.name: each for each in facts.columns}
    assert [each.name for each in facts.columns if each.key] == ["at", "kind"]
    assert {name: each.kind for name, each in found.items()} == {
        "user_id": "whole", "at": "moment", "kind": "text", "country": "text", "price": "number", "seen": "text",
        "tags": "",
    }  # fmt: skip
    assert (found["user_id"].distinct, found["user_id"].low, found["user_id"].high) == (37, 0.0, 36.0)
    assert found["country"].filled == sum(row["country"] is not None for row in ROWS)
    assert found["country"].values == {"fi": 334, "se": 333, "": 333}
    assert found["price"].infinite == 200
    assert (found["price"].low, found["price"].high) == (0.1, 99.9)
    assert (found["seen"].filled, found["seen"].readable) == (1000, 900)
    assert list(found["kind"].values.items()) == [("view", 750), ("buy", 250)]


def test_a_large_table_is_read_in_part(engine: Engine) -> None:
    facts = table(engine, "large", "n UInt64, time DateTime", "SELECT number, 1e9 + number FROM numbers(1000000)", "n")
    assert facts.rows == 200_000
    assert (facts.column("n").low, facts.column("n").high) == (0.0, 999_995.0)  # each fifth row, not the first ones


def test_rhythm_and_delay(engine: Engine) -> None:
    silent = "number + if(number < 100, 0, 7)"  # one silence of eight hours
    facts = table(
        engine,
        "paced",
        "time DateTime('UTC'), received_at DateTime('UTC')",
        f"SELECT toDateTime('2025-03-01 00:30:00', 'UTC') + 3600 * ({silent}) AS t, t + if(number % 2, 60, 90000) "
        "FROM numbers(200)",
    )
    found = rhythm(engine, facts, "time")
    assert found is not None
    assert (found.rows, found.first, found.silence) == (200, FIRST + timedelta(minutes=30), timedelta(hours=8))
    assert found.newest - found.first == timedelta(hours=206)
    assert found.per_day == pytest.approx(200 / (206 / 24))
    assert delay(engine, facts, "time", "received_at", found.newest) == timedelta(hours=25)
    assert rhythm(engine, facts, "time", "time > '2026-01-01'") is None


def test_a_missing_table_is_told_with_the_nearest(engine: Engine) -> None:
    with pytest.raises(WarehouseError, match=r"no table 'evnts' in the database 'looked'. Did you mean 'events'"):
        look(engine, "looked", "evnts")
    with pytest.raises(WarehouseError, match=r"Did you mean 'looked.events'"):
        look(engine, "loked", "events")


def test_roles_of_events(engine: Engine) -> None:
    found = roles(look(engine, "looked", "events"), "UTC")
    assert found.time.sql == "at"
    assert [(each.name, each.sql) for each in found.entities] == [("user", "user_id")]
    assert [(each.name, each.top) for each in found.dimensions] == [("kind", None), ("country", None), ("seen", None)]
    assert [(each.name, each.sql, each.why) for each in found.events] == [
        ("view", "kind = 'view'", "75% of the sampled rows"),
        ("buy", "kind = 'buy'", "25% of the sampled rows"),
    ]
    assert [each.sql for each in found.values] == ["if(isFinite(price), price, NULL)"]


def facts(*columns: Column, rows: int = 1000) -> Facts:
    return Facts("d", "t", rows, columns)


def column(name: str, kind: str, distinct: int = 10, **more: object) -> Column:
    return Column(name, kind, filled=1000, distinct=distinct, **more)  # type: ignore[arg-type]


USER = column("user_id", "UInt64")


@pytest.mark.parametrize(
    ("columns", "time"),
    [
        ((column("created_at", "DateTime"), column("event_time", "DateTime64(3)")), "event_time"),
        ((column("event_time", "DateTime"), column("created_at", "DateTime", key=True)), "created_at"),
        ((column("updated_at", "DateTime", key=True), column("started", "DateTime")), "started"),
        ((column("received_at", "DateTime"), column("ts", "Nullable(DateTime)")), "ts"),
        ((column("day", "Date"),), "toDateTime(day, 'Europe/Helsinki')"),
        ((column("ts", "UInt32", low=1.7e9, high=1.8e9),), "fromUnixTimestamp(toInt64(ts))"),
        ((column("ts", "Int64", low=1.7e12, high=1.8e12),), "fromUnixTimestamp64Milli(toInt64(ts))"),
        ((column("time", "String", readable=1000),), "parseDateTimeBestEffortOrNull(time, 'UTC')"),
        ((column("Event Time", "DateTime"),), "`Event Time`"),
    ],
)
def test_the_time(columns: tuple[Column, ...], time: str) -> None:
    assert roles(facts(USER, *columns), "Europe/Helsinki").time.sql == time


def test_no_time_is_told_with_the_reason() -> None:
    wrong = (column("time", "String", readable=3), column("ts", "UInt32", low=0.0, high=9.0))
    with pytest.raises(UsageError, match=r"'time' is text, and 997 of 1,000 sampled values are no moment"):
        roles(facts(USER, *wrong), "UTC")


TIME = column("time", "DateTime")


@pytest.mark.parametrize(
    ("columns", "entities"),
    [
        ((column("sessionId", "String"), column("userId", "String")), ["user", "session"]),
        ((column("event_id", "UUID", 1000), column("customer", "UInt32")), ["customer"]),
        ((column("id", "UInt64", 1000),), ["id"]),
        ((column("tail_number", "Nullable(String)"), column("carrier", "String")), ["tail_number"]),
        ((column("a", "String", 5), column("b", "String", 50)), ["b"]),
        ((column("user_id", "UInt64"), column("userId", "String")), ["user", "user_2"]),
    ],
)
def test_the_entities(columns: tuple[Column, ...], entities: list[str]) -> None:
    assert [each.name for each in roles(facts(TIME, *columns), "UTC").entities] == entities


def test_no_entity_is_told() -> None:
    with pytest.raises(UsageError, match="identify who or what"):
        roles(facts(TIME, column("x", "Float64")), "UTC")


@pytest.mark.parametrize(
    ("one", "dimension"),
    [
        (column("country", "String", 9), ("country", "country", None, ())),
        (column("city", "String", 90), ("city", "city", 20, ())),
        (column("comment", "String", 900), None),
        (column("constant", "String", 1), None),
        (column("gender", "UInt8", 2), ("gender", "gender", None, ())),
        (column("count", "UInt32", 300), None),
        (column("age", "UInt8", 80), ("age_group", "age", None, (18, 25, 35, 45, 55))),
        (column("Is New?", "Bool", 2), ("is_new", "`Is New?`", None, ())),
        (column("state", "Enum8('on' = 1)", 2), ("state", "state", None, ())),
        (column("order", "String", 2), ("order", "`order`", None, ())),
        (column("tags", "Array(String)", 0), None),
    ],
)
def test_a_dimension(one: Column, dimension: object) -> None:
    found = roles(facts(TIME, USER, one), "UTC").dimensions
    assert [(each.name, each.sql, each.top, each.cuts) for each in found] == ([dimension] if dimension else [])


def test_an_empty_table_shows_its_types_only() -> None:
    empty = (Column("time", "DateTime"), Column("user_id", "UInt64"), Column("name", "String"),
             Column("country", "LowCardinality(String)"), Column("on", "Bool"))  # fmt: skip
    found = roles(facts(*empty, rows=0), "UTC")
    assert [(each.name, each.sql, each.top) for each in found.dimensions] == [
        ("country", "country", 20),
        ("on", "`on`", None),
    ]


def test_names_of_events() -> None:
    values = {"Add to cart": 500, "add_to_cart": 480, "{{ x }}": 15, "it's": 12, "rare": 3}
    found = roles(facts(TIME, USER, column("action", "String", 5, values=values)), "UTC").events
    assert [(each.name, each.sql) for each in found] == [
        ("add_to_cart", "action = 'Add to cart'"),
        ("add_to_cart_2", "action = 'add_to_cart'"),
        ("it_s", r"action = 'it\'s'"),
    ]


def test_names() -> None:
    assert words("User ID") == words("user_id") == words("userId") == ["user", "id"]
    assert [slug(each) for each in ("100%", "Город", "A/B")] == ["x_100", "value", "a_b"]


def test_words_that_need_quotes(engine: Engine) -> None:
    """Every keyword of ClickHouse is either quoted or read as a column by the engine and by the parser."""
    found = engine.run(Statement("SELECT keyword FROM system.keywords", "keywords")).column("keyword")
    keywords = {word.lower() for each in found for word in each.split() if word.isidentifier()}
    plain = sorted(keywords - WORDS)
    assert len(plain) > 300
    for name in plain:
        assert _columns(f"if(isFinite({name}), {name}, NULL)") == {name}
        assert _columns(f"{name} = 'a'") == {name}
    table_of_all = ", ".join(f"1 AS `{name}`" for name in plain)
    used = " AND ".join(f"({name}) IS NOT NULL AND {name} < 2 AND toUInt8({name}) = 1" for name in plain)
    sums = ", ".join(f"sumIf(toFloat64({name}), {name})" for name in plain)
    (row,) = engine.run(Statement(f"SELECT {sums} FROM (SELECT {table_of_all}) WHERE {used}", "keywords")).rows
    assert set(row) == {1.0}


def _columns(sql: str) -> set[str]:
    try:
        return set(parse(sql).columns)
    except BadExpression:
        return set()


@pytest.mark.parametrize("name", ["a b", "it`s", 'a"b', "back\\slash", "select", "now", "Имя", "1st"])
def test_an_identifier_is_that_column(engine: Engine, name: str) -> None:
    sql = identifier(name)
    assert _columns(sql) == {name}
    assert engine.run(Statement(f"SELECT {sql} FROM (SELECT 7 AS {sql})", "identifier")).scalar() == 7


def test_a_password_is_never_kept(tmp_path: Path) -> None:
    given = "clickhouses://ann:hunter2@host:8443/db?max_threads=2"
    kept = address.kept(given, parse_dsn(given), tmp_path)
    assert kept == "clickhouses://ann:${CLICKHOUSE_PASSWORD}@host:8443/db?max_threads=2"
    for unchanged in ("clickhouse://host/db", "https://ann@host", "clickhouse://ann:${SECRET}@host"):
        assert address.kept(unchanged, parse_dsn(unchanged), tmp_path) == unchanged


def test_a_relative_path_means_the_same_from_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data [1]").mkdir()
    folder = tmp_path / "team" / "project"
    opened = address.opened("chdb://data%20%5B1%5D", {})
    kept = address.kept("chdb://data%20%5B1%5D", opened, folder)
    assert kept == "chdb://../../data%20%5B1%5D"
    assert parse_dsn(kept, folder) == opened
    assert address.kept(f"chdb://{tmp_path}/x", parse_dsn(f"chdb://{tmp_path}/x"), folder) == f"chdb://{tmp_path}/x"


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="no embedded database"):
        address.opened(f"chdb://{tmp_path}/missing", {})
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_no_trace(engine: Engine) -> None:
    asked: list[Statement] = []

    class Watching:
        def run(self, statement: Statement) -> object:
            asked.append(statement)
            return engine.run(statement)

    look(Watching(), "looked", "events")  # type: ignore[arg-type]
    assert asked
    assert not any(each.writes for each in asked)
