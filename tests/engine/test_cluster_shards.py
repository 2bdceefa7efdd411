"""A project on two shards in one process gives the numbers of one server.

chDB takes a server's configuration file, and two shards whose address is its own port are read without a network. Both
read the same local table, so that what a Distributed table stands on is a view: it shows a shard its own units only.
What chDB has not is taken off the statements of the cluster, and nothing else: Keeper, and with it ON CLUSTER and the
Replicated engines.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.doctor import cluster as examine
from assay.engine import Cluster, Dsn, Engine, Partitions, connect, publish
from assay.engine.placement import verify
from assay.engine.publish import recover
from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.jobs.experiments.analyze import analyze
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.project import Project
from assay.statement import Insert, Statement

CONFIG = """<clickhouse>
<tcp_port>19131</tcp_port>
<remote_servers><main>
<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>19131</port></replica></shard>
<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>19131</port></replica></shard>
</main></remote_servers>
<macros><shard>1</shard><replica>a</replica></macros>
</clickhouse>
"""
YAML = """
sources:
  app:
    table: raw.events
    time: at
    entities: {user: user_id}
    columns: {at: DateTime('UTC'), user_id: UInt32, kind: String, amount: Float64, city: String, arm: UInt8}
    dimensions: {city: {column: city, top: 2}}
    joins: {person: {table: raw.people, key: id, on: user_id, columns: {country: String}}}
    unit_days: [user]
    checks: {not_null: [user_id], unique: [user_id, at, kind, amount]}
  shop: {table: raw.orders, time: at, entities: {user: buyer}, unit_days: [user]}
models:
  daily:
    sql: |
      SELECT toDate(at) AS day, city, sum(amount) AS paid
      FROM {{ source('app') }} WHERE {{ window }} GROUP BY day, city
    columns: {day: Date, city: String, paid: Float64}
    grain: [day, city]
    day: day
  cities:
    sql: "SELECT city, max(day) AS last FROM {{ ref('daily') }} WHERE {{ window }} GROUP BY city"
    columns: {city: String, last: Date}
    grain: [city]
metrics:
  events: {type: count, source: app}
  paid: {type: sum, source: app, value: amount}
  mean_paid: {type: mean, source: app, value: amount}
  half: {type: quantile, source: app, value: amount, level: 0.5}
  users: {type: unique, source: app, of: user}
  danes: {type: unique, source: app, of: user, where: "person.country = 'DK'"}
  buyers: {type: unique, source: shop, of: user}
  orders: {type: count, source: shop}
  both: {type: set, expr: users & buyers}
  conversion: {type: ratio, numerator: both, denominator: users}
  weekly: {type: rolling, metric: users, window: 7d}
  back: {type: retention, cohort: users, returns: users, day: 1}
  steps: {type: funnel, source: app, of: user, within: 1d, steps: {view: "kind = 'view'", like: "kind = 'like'"}}
experiments:
  stored:
    hypothesis: From the days of units.
    assignment: {source: app, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: app, where: "kind = 'view'"}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [paid, conversion], secondary: [mean_paid], guardrail: {orders: -5%}}
    analysis: {cuped: 5d, by: [city]}
  read:
    hypothesis: From events, because a funnel's days do not add up.
    assignment: {source: app, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: app, where: "kind = 'view'"}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [paid], secondary: [steps, conversion]}
"""
DAYS = (date(2025, 3, 3), date(2025, 3, 13))
MODELS = ("daily", "cities")
KEYS = {"events": "user_id", "orders": "buyer"}
TABLES = {
    "events": "at DateTime('UTC'), user_id UInt32, kind String, amount Float64, city String, arm UInt8",
    "orders": "at DateTime('UTC'), buyer UInt32",
    "people": "id UInt32, country String",
}


class Loopback(Cluster):
    """The statements of a cluster, less what chDB has not."""

    def statements(self, statement: Statement) -> list[Statement]:
        made = [each for each in super().statements(statement) if not each.sql.startswith("SYSTEM SYNC REPLICA")]
        return [one for each in made for one in _embedded(each)] if statement.writes else made


def _embedded(statement: Statement) -> Iterator[Statement]:
    sql = statement.sql.replace(" ON CLUSTER 'main'", "")
    sql = re.sub(r"Replicated(\w*MergeTree\()'[^']*', '[^']*'(, )?", r"\1", sql)
    found = re.search(r"Distributed\('main', '(\w+)', '(\w+)', (cityHash64\(\w+\))\)", sql)
    if found:
        database, table, key = found.groups()
        yield replace(statement, sql=_seen(database, table, key), parameters={})
        sql = sql.replace(f"'{table}'", f"'{table}_seen'")
    # through the Distributed table it would go into the view
    yield replace(
        statement, sql=re.sub(r"(?<=INSERT INTO )(\S*(?:unit_days|experiment_\w+?)__stg_\w+)", r"\1_local", sql)
    )


def _seen(database: str, table: str, key: str) -> str:
    """What a shard sees of a table that holds the rows of both; without a shard, everything."""
    return (
        f"CREATE OR REPLACE VIEW {database}.{table}_seen AS SELECT * FROM {database}.{table} "
        f"WHERE shardNum() IN (0, {key} % 2 + 1) SETTINGS asterisk_include_alias_columns = 1"
    )


def _rows() -> dict[str, list[dict[str, Any]]]:
    rng = random.Random(5)
    found: dict[str, list[dict[str, Any]]] = {"events": [], "orders": []}
    for _ in range(1500):
        at = datetime(2025, 3, 3, tzinfo=UTC) + timedelta(seconds=rng.randrange(10 * 86_400))
        user = rng.randrange(1, 150)
        found["events"].append({
            "at": at, "user_id": user, "kind": rng.choice(["view", "like"]), "amount": float(rng.randrange(100)),
            "city": rng.choice("xxxyyz"), "arm": user % 2,
        })  # fmt: skip
        if rng.random() < 0.3:
            found["orders"].append({"at": at, "buyer": user})
    found["people"] = [{"id": user, "country": rng.choice(["DK", "SE"])} for user in range(1, 150)]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two projects on the same rows: `raw` has Distributed tables, `plain` the tables themselves."""
    made = tmp_path_factory.mktemp("cluster")
    (made / "config.xml").write_text(CONFIG)
    for name, more in {"raw": "cluster: main, shard_by: user, ", "plain": ""}.items():
        (made / name / "metrics").mkdir(parents=True)
        settings = f"name: {name}\nwarehouse: {{dsn: clickhouse://unused, {more}database: assay_{name}}}\n"
        (made / name / "project.yaml").write_text(settings)
        (made / name / "metrics" / "all.yaml").write_text(YAML.replace("raw.", f"{name}."))
    with connect(Dsn(path=made / "warehouse", config=made / "config.xml")) as engine:
        _load(engine)
    return made


def _load(engine: Engine) -> None:
    def write(sql: str) -> None:
        engine.run(Statement(sql, "test", writes=True))

    write("CREATE DATABASE raw")
    write("CREATE DATABASE plain")
    for table, rows in _rows().items():
        write(f"CREATE TABLE plain.{table} ({TABLES[table]}) ENGINE = MergeTree ORDER BY tuple()")
        engine.run(Insert(f"plain.{table}", {name: [row[name] for row in rows] for name in rows[0]}, "load", table))
    for table, key in KEYS.items():
        write(_seen("plain", table, f"cityHash64({key})"))
        where = f"'main', 'plain', '{table}_seen', cityHash64({key})"
        write(f"CREATE TABLE raw.{table} ({TABLES[table]}) ENGINE = Distributed({where})")
    write(_seen("plain", "orders", "sipHash64(buyer)").replace("orders_seen", "orders_other"))
    where = "'main', 'plain', 'orders_other', sipHash64(buyer)"
    write(f"CREATE TABLE raw.other ({TABLES['orders']}) ENGINE = Distributed({where})")
    write("CREATE TABLE raw.people AS plain.people ENGINE = MergeTree ORDER BY id")
    write("INSERT INTO raw.people SELECT * FROM plain.people")


def _connect(folder: Path, cluster: Cluster | None = None) -> Any:
    return connect(Dsn(path=folder / "warehouse", config=folder / "config.xml"), cluster=cluster)


def _loopback(project: Project, entity: str | None) -> Cluster | None:
    return project.cluster and Loopback(project.cluster.name, entity, project.cluster.columns)


def _answers(folder: Path, name: str, entity: str | None = None) -> dict[str, Any]:
    """Everything that is asked of a project, built from nothing."""
    project = Project.load(folder / name)
    with _connect(folder) as engine:
        engine.run(Statement(f"DROP DATABASE IF EXISTS assay_{name}", "test", writes=True))
    with _connect(folder, _loopback(project, entity)) as engine:
        context = Context(project.catalog, engine, datetime(2025, 3, 14, tzinfo=UTC))
        ran = materialize.run(context)
        assert ran.ok, ran.steps
        rows = query(context, list(project.catalog.metrics), *DAYS)
        rows += query(context, ["paid", "users"], *DAYS, by="city")
        tables = [
            engine.run(Statement(f"SELECT * FROM assay_{name}.{each} ORDER BY ALL", "test")).rows for each in MODELS
        ]
        readouts = [analyze(context, each).as_dict() for each in project.catalog.definitions.experiments]
        told = [{key: value for key, value in each.items() if key != "hashes"} for each in readouts]
        return {"rows": [asdict(each) for each in rows], "tables": tables, "readouts": told}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number and text of nested results, with its place."""
    if isinstance(value, dict | list | tuple):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(each, f"{path}/{key}")
    else:
        yield path, value


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == pytest.approx(right, rel=1e-9, abs=1e-9)
    return bool(left == right)


def _differences(left: Any, right: Any) -> list[Any]:
    pairs = zip(_leaves(left), _leaves(right), strict=True)
    return [(a, b) for a, b in pairs if a[0] != b[0] or not _same(a[1], b[1])]


@pytest.fixture(scope="module")
def plain(folder: Path) -> dict[str, Any]:
    return _answers(folder, "plain")


@pytest.mark.slow
@pytest.mark.parametrize("entity", ["user", None])
def test_numbers_of_two_shards_are_those_of_one_server(folder, plain, entity):
    """Whether units are added up on their shard, or travel."""
    raw = _answers(folder, "raw", entity)
    assert not _differences(plain, raw)
    assert len(list(_leaves(raw))) > 1000
    assert [each["settings"]["units from"] for each in raw["readouts"]] == [
        each["settings"]["units from"] for each in plain["readouts"]
    ]


@pytest.fixture(scope="module")
def shards(folder: Path) -> Iterator[Engine]:
    with _connect(folder, _loopback(Project.load(folder / "raw"), "user")) as engine:
        yield engine


def _rows_of(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    return list(engine.run(Statement(sql, "test")).rows)


def test_each_shard_holds_some_of_the_units_and_none_twice(shards):
    found = _rows_of(
        shards, "SELECT _shard_num, count(), groupUniqArray(user_id) FROM raw.events GROUP BY 1 ORDER BY 1"
    )
    assert [shard for shard, _, _ in found] == [1, 2]
    assert sum(rows for _, rows, _ in found) == 1500
    assert not set(found[0][2]) & set(found[1][2])


JOINED = """WITH assay__first AS (SELECT user_id AS unit, min(at) AS entered FROM raw.events GROUP BY unit)
SELECT unit, count() AS n FROM raw.orders INNER JOIN assay__first ON buyer = unit WHERE at >= entered GROUP BY unit
SETTINGS join_use_nulls = 0"""


def _apart(query: str = JOINED) -> str:
    """The query as it runs on each shard."""
    statement = Statement(f"INSERT INTO assay.experiment_units__stg_a\n{query}", "test", writes=True, apart="user")
    (made,) = Cluster("main", "user").statements(statement)
    return made.sql.partition("\n")[2]


def test_what_is_apart_runs_whole_on_each_shard(shards):
    """No shard asks another: under the union, each part joins and groups the tables of its own shard."""
    plan = "\n".join(line for (line,) in _rows_of(shards, f"EXPLAIN distributed = 1 {_apart()}"))
    assert plan.startswith("Union")
    parts = re.split(r"\n(?=  \w)", plan)[1:]
    assert len(parts) == 2
    for part in parts:
        assert "Aggregating" in part
        assert "ReadFromMergeTree (plain.orders)" in part
        assert "ReadFromMergeTree (plain.events)" in part
        assert "MergingAggregated" not in part


def test_what_is_apart_gives_the_rows_of_a_join_that_travels(shards):
    with pytest.raises(WarehouseError, match="Double-distributed"):
        _rows_of(shards, f"{JOINED}, distributed_product_mode = 'deny'")
    expected = sorted(_rows_of(shards, JOINED.replace("raw.", "plain.")))
    assert sorted(_rows_of(shards, JOINED)) == sorted(_rows_of(shards, _apart())) == expected


def test_tables_with_other_keys_would_lose_rows_and_are_refused(shards):
    """Why the sharding is looked at: the same statement answers, and is wrong."""
    expected = _rows_of(shards, JOINED.replace("raw.", "plain."))
    found = _rows_of(shards, _apart(JOINED.replace("raw.orders", "raw.other")))
    assert sum(n for _, n in found) < sum(n for _, n in expected)
    with pytest.raises(WarehouseError, match="the sharding keys differ"):
        verify(Cluster("main", "user", {"raw.events": "user_id", "raw.other": "buyer"}), shards)


def test_doctor_sees_two_nodes_in_one_place(shards):
    """Its questions are answered; a cluster whose nodes share their macros could not replicate."""
    found = examine(shards, "main")
    assert found.status == "fail"
    assert found.detail.startswith("main: 2 shards, 2 nodes; the macros {shard} and {replica} name 1 places")


def test_a_build_of_a_spread_table_that_died_is_finished(shards):
    """On every shard, by whoever comes next; what the readers saw until then was the old day, whole."""
    _create_units(shards)
    _publish(shards, 3)
    with pytest.raises(RuntimeError):
        _publish(_Dying(shards), 5)
    assert _units(shards) == [(3,)]
    assert recover(shards) == 1
    assert _units(shards) == [(5,)]
    left = "SELECT name FROM system.tables WHERE database = 'spread' AND engine != 'View' AND name LIKE '%run%'"
    assert not _rows_of(shards, left)


class _Dying:
    """An engine that dies when it is about to publish."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, statement: Statement | Insert) -> Any:
        if isinstance(statement, Statement) and statement.sql.startswith("ALTER TABLE"):
            raise RuntimeError("killed")
        return self._engine.run(statement)


def _create_units(engine: Engine) -> None:
    layout = "ENGINE = MergeTree\nPARTITION BY day\nORDER BY unit"
    engine.run(Statement("CREATE DATABASE IF NOT EXISTS spread", "test", writes=True))
    table = f"CREATE TABLE IF NOT EXISTS spread.unit_days (day Date, unit UInt64)\n{layout}"
    engine.run(Statement(table, "test", writes=True))


def _publish(engine: Engine, count: int) -> None:
    def fill(stage: str) -> list[Statement]:
        sql = f"INSERT INTO {stage} (day, unit)\nSELECT '2025-05-01', number FROM numbers({count})"
        return [Statement(sql, "fill", writes=True)]

    work = Partitions("spread.unit_days", fill, lambda _: [], ["'2025-05-01'"], "build units")
    publish(engine, work, f"run{count}", lambda *_: None)


def _units(engine: Engine) -> list[tuple[Any, ...]]:
    return _rows_of(engine, "SELECT count() FROM spread.unit_days")


def test_tables_that_lie_otherwise_are_told(shards):
    """Nothing is counted on each shard alone when a table is sharded by something else."""
    columns = {"raw.events": "user_id", "raw.orders": "at", "raw.none": "x", "plain.orders_seen": None}
    with pytest.raises(WarehouseError) as caught:
        verify(Cluster("main", "user", columns), shards)
    (told,) = caught.value.diagnostics
    assert told.code == "E505"
    assert "raw.none is missing" in told.message
    assert "raw.orders is no Distributed table over at" in told.message
    assert "plain.orders_seen, whose columns are joined," in told.message
    assert "raw.events" not in told.message
