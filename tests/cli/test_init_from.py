"""`init --from` on tables that exist, end to end: the project validates, runs on empty tables, runs, and is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from assay import demo
from assay.cli.main import main
from assay.config.schema import json_schema, project_schema
from assay.config.yaml import parse
from assay.engine import connect, parse_dsn
from assay.statement import Statement
from tests.engine.serving import PASSWORD, Server

pytestmark = pytest.mark.warehouse


ROOT = Path(__file__).resolve().parents[2]
DAY = ("--from", "2025-03-03", "--to", "2025-03-04")
EVERY_FIVE_MINUTES = "toDateTime('2025-03-01 00:00:00', 'UTC') + number * 300"
STRANGE = """CREATE TABLE strange (
`User Id` UInt64, `order` Enum8('new' = 1, 'it''s' = 2), `select` LowCardinality(String), `it``s` Nullable(Float64),
`a"b` LowCardinality(Nullable(String)), `Event Time` DateTime64(3), `from` String, `Revenue, EUR` Decimal(10, 2),
`a{b}` String, `Город` String, `100%` UInt8, tags Map(String, String), `back\\\\slash` String, ACTION String
) ENGINE = MergeTree ORDER BY `Event Time`"""
STRANGE_ROWS = f"""INSERT INTO strange SELECT number % 50, number % 2 + 1, ['a', 'b, c', 'd: e', '#x'][number % 4 + 1],
if(number % 7 = 0, nan, number), ['q', NULL][number % 2 + 1], {EVERY_FIVE_MINUTES}, toString(number % 3), number / 7,
'x', ['Москва', 'Пермь'][number % 2 + 1], number % 3, map(), toString(number % 5),
['Add to cart', 'it''s "done"', '{{{{x}}}}', '${{Y}}', 'view'][number % 5 + 1] FROM numbers(3000)"""
TABLES = (
    STRANGE,
    STRANGE_ROWS,
    "CREATE DATABASE shop",
    (
        "CREATE TABLE shop.order (id UInt64, customer UInt32, created_at DateTime, total Decimal(12, 2), city String) "
        "ENGINE = MergeTree ORDER BY id"
    ),
    (
        f"INSERT INTO shop.order SELECT number, number % 100, {EVERY_FIVE_MINUTES}, number, toString(number % 200) "
        "FROM numbers(3000)"
    ),
    "CREATE TABLE visits (customer_id UInt32, time DateTime, city String) ENGINE = MergeTree ORDER BY time",
    f"INSERT INTO visits SELECT number % 70, {EVERY_FIVE_MINUTES}, toString(number % 9) FROM numbers(3000)",
    "CREATE TABLE sources (user_id String, day Date, amount Int64) ENGINE = MergeTree ORDER BY day",
    (
        "INSERT INTO sources SELECT concat('u', toString(number % 40)), toDate('2025-03-01') + number % 30, number "
        "FROM numbers(3000)"
    ),
    (
        "CREATE TABLE nothing (user_id UInt64, time DateTime, country LowCardinality(String)) "
        "ENGINE = MergeTree ORDER BY time"
    ),
    "CREATE TABLE timeless (user_id UInt64, time String) ENGINE = MergeTree ORDER BY user_id",
    "INSERT INTO timeless SELECT number, 'soon' FROM numbers(10)",
    (
        "CREATE TABLE fresh (user_id UInt64, event_time DateTime, received_at DateTime) "
        "ENGINE = MergeTree ORDER BY event_time"
    ),
    (
        "INSERT INTO fresh SELECT number % 9, now() - number * 300 AS t, t + if(number % 10 = 0, 100000, 5) "
        "FROM numbers(3000)"
    ),
    "CREATE TABLE `strange-name` (user_id UInt64, time DateTime) ENGINE = MergeTree ORDER BY time",
)
Init = Callable[..., tuple[Result, Path]]


def platform(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == code, done.output
    return done


def prepare(dsn: str, statements: Iterable[str | Statement]) -> None:
    with connect(parse_dsn(dsn)) as engine:
        for each in statements:
            engine.run(Statement(each, "prepare", writes=True) if isinstance(each, str) else each)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("init_from")
    prepare(f"chdb://{folder}/data/warehouse", TABLES)
    return folder


@pytest.fixture
def init(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """Makes a project over tables, from the folder that a relative address starts at."""
    monkeypatch.chdir(home)
    monkeypatch.delenv("ASSAY_DSN", raising=False)

    def make(*tables: str, code: int = 0, more: tuple[str, ...] = ()) -> tuple[Result, Path]:
        asked = [part for table in tables for part in ("--table", table)]
        folder = tmp_path / "mine"
        return platform("init", str(folder), "--from", "chdb://data/warehouse", *asked, *more, code=code), folder

    return make


def read(path: Path) -> Any:
    return parse(path.read_bytes(), path.name).data


def agrees(project: Path) -> None:
    """Valid for us, for the engine and for editors, whose schema the first line names."""
    assert "definitions are valid" in platform("validate", "--engine", "-p", str(project)).output
    for path in project.rglob("*.yaml"):
        line = path.read_text(encoding="utf-8").splitlines()[0]
        assert (path.parent / line.partition("$schema=")[2]).is_file()
        schema = project_schema() if path.name == "project.yaml" else json_schema()
        assert [*Draft202012Validator(schema).iter_errors(read(path))] == []


def ask(project: Path, *metrics: str, days: tuple[str, ...] = DAY) -> dict[str, float]:
    found = platform("query", *metrics, *days, "--format", "csv", "-p", str(project)).output.splitlines()[1:]
    return {name: float(value) for name, _, value, *_ in (line.split(",") for line in found)}


def works(project: Path) -> None:
    platform("run", "-p", str(project))
    platform("report", "send", "daily", "--date", "2025-03-03", "-p", str(project))
    platform("alert", "check", "--at", "2025-03-05T00:00", "--dry-run", "-p", str(project))


@pytest.mark.slow
def test_strange_columns(init: Init) -> None:
    _, project = init("strange")
    agrees(project)
    works(project)
    source = read(project / "metrics/sources.yaml")["sources"]["strange"]
    assert (source["time"], source["entities"]) == ("`Event Time`", {"user": "`User Id`"})
    assert source["dimensions"] == {
        "order": "`order`", "select": "`select`", "from": "`from`", "dimension": "`Город`", "x_100": "`100%`",
        "back_slash": "`back\\\\slash`", "action": "ACTION",
    }  # fmt: skip
    assert "a{b}" not in source["columns"]
    day = range(576, 864)  # the events of 2025-03-03, a row every five minutes
    assert ask(project, "strange_total", "daily_users", "add_to_cart_events", "revenue_eur_sum") == {
        "strange_total": 288,
        "daily_users": 50,
        "add_to_cart_events": sum(n % 5 == 0 for n in day),
        "revenue_eur_sum": pytest.approx(sum(int(n / 7 * 100) / 100 for n in day), abs=0.01 * 288),
    }


@pytest.mark.slow
def test_two_tables_share_what_means_the_same(init: Init) -> None:
    _, project = init("shop.order", "visits", more=("--timezone", "Europe/Helsinki"))
    agrees(project)
    works(project)
    sources = read(project / "metrics/sources.yaml")["sources"]
    assert sources["order"]["table"] == "shop.order"
    assert sources["order"]["dimensions"]["city"] == sources["visits"]["dimensions"]["city"]
    assert sources["visits"]["dimensions"]["city"] == {"column": "city", "top": 20}
    tabs = read(project / "metrics/dashboard.yaml")["dashboards"]["main"]["tabs"]
    assert tabs["overview"] == {
        "label": "Overview",
        "metrics": ["daily_customers", "weekly_customers"],
        "by": ["city"],
    }
    found = ask(project, "daily_customers", "visits_daily_customers", "order_daily_customers")
    assert found == {"daily_customers": 100, "visits_daily_customers": 70, "order_daily_customers": 100}


def test_days_and_names_of_our_own_files(init: Init) -> None:
    """A Date is its day in every zone, and a table named as a file of ours gets another file."""
    _, project = init("sources", more=("--timezone", "America/New_York"))
    agrees(project)
    works(project)
    assert read(project / "metrics/sources.yaml")["sources"]["sources"]["time"] == "toDateTime(day, 'America/New_York')"
    assert (project / "metrics/sources_metrics.yaml").exists()
    assert ask(project, "sources_total") == {"sources_total": 100}


def test_an_empty_table(init: Init) -> None:
    _, project = init("nothing")
    agrees(project)
    source = read(project / "metrics/sources.yaml")["sources"]["nothing"]
    assert source["dimensions"] == {"country": {"column": "country", "top": 20}}
    assert "freshness" not in source


def test_lateness_and_freshness_are_what_the_rows_show(init: Init) -> None:
    _, project = init("fresh")
    agrees(project)
    source = read(project / "metrics/sources.yaml")["sources"]["fresh"]
    assert (source["lateness"], source["freshness"]) == ("2d", "2h")  # 100,000 s late; an event each five minutes
    assert "says received_at" in (project / "metrics/sources.yaml").read_text()


@pytest.mark.parametrize(
    ("tables", "code", "told"),
    [
        (("timeless",), 2, "10 of 10 sampled values are no moment"),
        (("visit",), 3, "Did you mean 'visits'?"),
        (("shop.orders",), 3, "Did you mean 'order'?"),
        (("strange-name",), 2, "cannot stand in a definition"),
        (("visits", "nowhere.visits"), 3, "no table 'visits' in the database 'nowhere'"),
        ((), 2, "--from and --table go together"),
    ],
)
def test_what_cannot_be_a_source_writes_nothing(init: Init, tables: tuple[str, ...], code: int, told: str) -> None:
    done, project = init(*tables, code=code)
    assert told in done.stderr
    assert "  fix: " in done.stderr
    assert not project.exists()


def test_nothing_is_overwritten(init: Init) -> None:
    _, project = init("visits")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    done, _ = init("strange", code=2)
    assert "would be overwritten" in done.stderr
    assert before == {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_a_wrong_zone_is_refused(init: Init) -> None:
    done, project = init("visits", more=("--timezone", "Mars/Base"), code=2)
    assert "not a time zone" in done.stderr
    assert not project.exists()


def test_without_an_address_the_project_has_schemas_too(tmp_path: Path) -> None:
    platform("init", str(tmp_path / "mine"))
    agrees(tmp_path / "mine")


@pytest.mark.slow
def test_the_demo_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    prepare("chdb://data", demo.statements(0.01, 20250706, "default", "Europe/Moscow"))
    tables = ("--table", "feed_actions", "--table", "message_actions")
    platform("init", "mine", "--from", "chdb://data", *tables, "--timezone", "Europe/Moscow")
    project = tmp_path / "mine"
    agrees(project)
    platform("run", "--from", "2025-08-20", "--to", "2025-08-21", "-p", str(project))
    metrics = ("daily_users", "feed_actions_total", "feed_actions_like_events", "feed_actions_daily_posts")
    found = ask(project, *metrics, days=("--from", "2025-08-20", "--to", "2025-08-21"))
    day = "toDate(time, 'Europe/Moscow') = '2025-08-20'"
    sql = f"""SELECT (SELECT uniqExact(user_id) FROM (SELECT user_id FROM feed_actions WHERE {day}
    UNION ALL SELECT user_id FROM message_actions WHERE {day})), count(), countIf(action = 'like'), uniqExact(post_id)
FROM feed_actions WHERE {day}"""
    with connect(parse_dsn("chdb://data", tmp_path)) as engine:
        (row,) = engine.run(Statement(sql, "count by hand")).rows
    assert list(found.values()) == list(row)
    dimensions = read(project / "metrics/sources.yaml")["sources"]["feed_actions"]["dimensions"]
    assert dimensions["age_group"] == {"bins": "age", "cuts": [18, 25, 35, 45, 55]}


@pytest.mark.slow
def test_a_server_whose_password_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(tmp_path / "served")
    secret = quote(PASSWORD, safe="")
    try:
        address = f"clickhouse://default:{secret}@127.0.0.1:{server.port}/default"
        prepare(address, TABLES[5:7])  # visits
        project = tmp_path / "mine"
        done = platform("init", str(project), "--from", address, "--table", "visits")
        assert "export CLICKHOUSE_PASSWORD" in done.output
        files = [path.read_text() for path in project.rglob("*") if path.is_file()]
        assert not any(word in text for text in (done.output, *files) for word in (PASSWORD, secret))
        assert "E702" in platform("run", "-p", str(project), code=2).output
        monkeypatch.setenv("CLICKHOUSE_PASSWORD", secret)
        platform("run", "-p", str(project))
        assert ask(project, "daily_customers") == {"daily_customers": 70}
        assert server.executed("INSERT INTO visits") == 1  # by this test
    finally:
        server.close()


@pytest.mark.slow
def test_the_flights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copied = tmp_path / "flights"
    for path in [*(ROOT / "examples/flights").glob("*.yaml"), *(ROOT / "examples/flights").glob("[ma]*/*.yaml")]:
        place = copied / path.relative_to(ROOT / "examples/flights")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    subprocess.run([sys.executable, str(ROOT / "examples/flights/load.py"), str(copied)], check=True)
    address = "chdb://flights/target/flights/warehouse"
    platform("init", "mine", "--from", address, "--table", "flights", "--timezone", "America/New_York")
    agrees(tmp_path / "mine")
    days = ("--from", "2013-02-07", "--to", "2013-02-08")
    platform("run", *days, "-p", "mine")
    assert ask(Path("mine"), "flights_total", days=days) == {"flights_total": 932}
