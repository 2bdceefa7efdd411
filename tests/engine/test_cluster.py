"""What statements become on a cluster, as text: ClickHouse parses each, and `test_cluster_shards` runs them."""

from __future__ import annotations

import os
import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from assay.compiler import incremental, states
from assay.doctor import cluster as examine
from assay.engine import Cluster
from assay.engine.cluster import SPREAD
from assay.engine.memory import MemoryEngine
from assay.engine.placement import verify
from assay.errors import DefinitionsError, UsageError, WarehouseError
from assay.project import Project
from assay.statement import OWN, Statement, Table

GOLDEN = Path(__file__).with_name("cluster.sql")
MAIN = Cluster("main", "user", {"app.events": "user_id"})
START = {"start": "2025-05-01 00:00:00"}
UNITS = """WITH assay__exposures AS (SELECT user_id AS assay__unit FROM app.events WHERE at >= {start:DateTime})
SELECT assay__unit, count() AS y FROM assay__exposures GROUP BY assay__unit
SETTINGS join_use_nulls = 0"""
STATEMENTS = {
    "our database": Statement("CREATE DATABASE IF NOT EXISTS assay", "", writes=True),
    "a whole table": Statement(
        "CREATE TABLE IF NOT EXISTS assay.builds (\n  day Date,\n  at DateTime64(6, 'UTC') DEFAULT now64(6)\n)\n"
        "ENGINE = ReplacingMergeTree(at)\nORDER BY day",
        "",
        writes=True,
    ),
    "a stage of it": Statement("CREATE TABLE assay.states__stg_1 AS assay.states COMMENT 'assay: []'", "", writes=True),
    "published": Statement(
        "ALTER TABLE assay.states\n  REPLACE PARTITION '2025-05-01' FROM assay.states__rdy_1\n"
        "SETTINGS allow_replace_partition_from_empty_source = 1",
        "",
        writes=True,
    ),
    "values that every shard compares with": Statement(
        "INSERT INTO assay.dimension_values (dimension, val)\nSELECT 'city', city FROM app.events", "", writes=True
    ),
    "a stage that was checked": Statement("RENAME TABLE assay.states__stg_1 TO assay.states__rdy_1", "", writes=True),
    "a whole table anew": Statement("EXCHANGE TABLES assay.fact AND assay.fact__stg_1", "", writes=True),
    "a stage that is dropped": Statement("DROP TABLE IF EXISTS assay.states__rdy_1 SYNC", "", writes=True),
    "a spread table": Statement(
        "CREATE TABLE IF NOT EXISTS assay.unit_days (day Date, unit UInt64)\n"
        "ENGINE = MergeTree\nPARTITION BY day\nORDER BY unit",
        "",
        writes=True,
    ),
    "a stage of a spread table": Statement(
        "CREATE TABLE assay.unit_days__stg_1 AS assay.unit_days COMMENT 'assay: []'", "", writes=True
    ),
    "filled where events are sharded by the same": Statement(
        "INSERT INTO assay.unit_days__stg_1 (day, unit)\nSELECT day, user_id FROM app.events GROUP BY day, user_id\n"
        "SETTINGS max_partitions_per_insert_block = 0",
        "",
        writes=True,
        apart="user",
    ),
    "filled where they are not": Statement(
        "INSERT INTO assay.unit_days__stg_1 (day, unit)\nSELECT day, session FROM app.events GROUP BY day, session",
        "",
        writes=True,
        apart="session",
    ),
    "a checked stage of a spread table": Statement(
        "RENAME TABLE assay.unit_days__stg_1 TO assay.unit_days__rdy_1", "", writes=True
    ),
    "published on every shard": Statement(
        "ALTER TABLE assay.unit_days\n  REPLACE PARTITION '2025-05-01' FROM assay.unit_days__rdy_1\n"
        "SETTINGS allow_replace_partition_from_empty_source = 1",
        "",
        writes=True,
    ),
    "what died, finished": Statement(
        "ALTER TABLE assay.unit_days\n  REPLACE PARTITION '2025-05-01' FROM assay.unit_days__rdy_1_local",
        "",
        writes=True,
    ),
    "dropped from every shard": Statement("DROP TABLE IF EXISTS assay.unit_days__rdy_1 SYNC", "", writes=True),
    "units of an experiment": Statement(
        "CREATE TABLE assay.experiment_units__stg_1\n"
        f"ENGINE = MergeTree\nORDER BY tuple()\nCOMMENT 'assay: []'\nAS {UNITS}",
        "",
        START,
        writes=True,
        apart="user",
    ),
}


def test_statements_are_as_written():
    text = "\n\n".join(_told(name, statement) for name, statement in STATEMENTS.items()) + "\n"
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def _told(name: str, statement: Statement) -> str:
    return "\n".join([f"-- {name}", *(f"{each.sql};" for each in MAIN.statements(statement))])


@pytest.mark.parametrize("name", STATEMENTS)
def test_clickhouse_parses_it(lab, name):
    for each in MAIN.statements(STATEMENTS[name]):
        lab.engine.run(Statement("SELECT formatQuery({sql:String})", "parse", {"sql": each.sql}))


def test_every_table_of_ours_has_a_form():
    made = [*states.create("assay"), *incremental.create("assay")]
    for statement in made:
        for each in MAIN.statements(statement):
            whole = each.sql.startswith("ALTER TABLE")  # a replicated log carries the change
            assert whole or " ON CLUSTER 'main'" in each.sql
            assert " MergeTree" not in each.sql
        of_units = re.search(r"CREATE TABLE IF NOT EXISTS assay\.(\w+) .*\bORDER BY unit$", statement.sql, re.DOTALL)
        assert of_units is None or of_units[1] in SPREAD


def test_what_reads_stays_as_it_is():
    statement = Statement("SELECT 1", "read")
    assert MAIN.statements(statement) == [statement]


@pytest.mark.parametrize(
    "sql", ["DROP DATABASE assay", "CREATE OR REPLACE TABLE a.b (x UInt8) ENGINE = Memory", "TRUNCATE a"]
)
def test_a_form_that_is_not_known_is_refused(sql):
    with pytest.raises(UsageError, match="E601"):
        MAIN.statements(Statement(sql, "test", writes=True))


def test_each_statement_has_only_the_parameters_that_it_names():
    empty, distributed, fill = MAIN.statements(STATEMENTS["units of an experiment"])
    assert (empty.parameters, distributed.parameters, fill.parameters) == (START, {}, START)


@pytest.mark.parametrize(("apart", "expected"), [("user", True), (OWN, True), ("session", False), (None, False)])
def test_only_what_is_sharded_by_its_unit_stays_on_its_shard(apart, expected):
    statement = Statement("INSERT INTO a.unit_days (x)\nSELECT 1", "test", writes=True, apart=apart)
    assert MAIN.is_apart(statement) is expected
    assert not Cluster("main").is_apart(Statement("", "", writes=True))


def test_only_the_tables_of_a_statement_are_looked_at():
    """A table that is sharded otherwise stops what reads it, and nothing else."""
    cluster = Cluster("main", "user", {"app.events": "user_id", "app.messages": "sender, receiver"})
    statement = Statement("INSERT INTO a.unit_days (x)\nSELECT user_id FROM app.events", "test", writes=True)
    assert cluster.behind(statement) == Cluster("main", "user", {"app.events": "user_id"})


# --- what is said of the cluster, and whether it is so ---

PURPOSE, TYPES = "read how tables are sharded", "read what tables are sharded by"


@pytest.mark.parametrize(
    ("full", "told"),
    [
        ("Distributed('main', 'app', 'events_local', cityHash64(user_id))", ""),
        (
            "Distributed('main', 'app', 'events_local', cityHash64(user_id), 'policy') SETTINGS fsync_after_insert = 1",
            "",
        ),
        ("Distributed('{cluster}', 'app', 'events_local', user_id)", ""),
        ("Distributed('other', 'app', 'events_local', cityHash64(user_id))", "app.events is no Distributed"),
        ("Distributed('main', 'app', 'events_local', cityHash64(session_id))", "app.events is no Distributed"),
        ("Distributed('main', 'app', 'events_local', cityHash64(user_id, at))", "app.events is no Distributed"),
        ("Distributed('main', 'app', 'events_local', rand())", "app.events is no Distributed"),
        ("Distributed('main', 'app', 'events_local')", "app.events is no Distributed"),
        ("View", "app.events is no Distributed"),
        ("ReplicatedMergeTree('/a', 'b') ORDER BY user_id", "app.events is no Distributed"),
    ],
)
def test_a_table_is_sharded_by_its_entity_or_not(full, told):
    engine = MemoryEngine({PURPOSE: Table(("name", "engine"), (("app.events", full),))})
    with pytest.raises(WarehouseError, match=told) if told else nullcontext():
        verify(MAIN, engine)


@pytest.mark.parametrize(
    ("events", "orders", "types", "alike"),
    [
        ("cityHash64(user_id)", "cityHash64(buyer)", ("UInt32", "UInt32"), True),
        ("cityHash64(user_id)", "cityHash64(buyer)", ("UInt32", "Nullable(UInt64)"), True),
        ("cityHash64(user_id)", "cityHash64(buyer)", ("String", "LowCardinality(Nullable(String))"), True),
        ("cityHash64(user_id)", "intHash64(buyer)", ("UInt32", "UInt32"), False),
        ("cityHash64(user_id)", "cityHash64(buyer)", ("UInt32", "String"), False),
        ("sipHash64(user_id)", "sipHash64(buyer)", ("UInt32", "UInt64"), False),
    ],
)
def test_tables_that_meet_have_the_same_sharding_key(events, orders, types, alike):
    cluster = Cluster("main", "user", {"app.events": "user_id", "app.orders": "buyer"})
    keys = {"app.events": events, "app.orders": orders}
    engines = tuple((name, f"Distributed('main', 'app', 'x', {key})") for name, key in keys.items())
    columns = tuple((*column, kind) for column, kind in zip(cluster.columns.items(), types, strict=True))
    answers = {PURPOSE: Table(("name", "engine"), engines), TYPES: Table(("table", "name", "type"), columns)}
    with nullcontext() if alike else pytest.raises(WarehouseError, match="the sharding keys differ"):
        verify(cluster, MemoryEngine(answers))


@pytest.mark.parametrize("key", ["cityHash64", "intHash64", "identity"])
def test_whole_numbers_of_any_width_hash_alike(lab, key):
    """Which `placement` relies on; sipHash64 is one that does not."""
    sql = "SELECT uniqExact(h) FROM (SELECT arrayJoin([{0}(toUInt8(7)), {0}(toUInt32(7)), {0}(toUInt64(7))]) AS h)"
    assert lab.engine.run(Statement(sql.format(key), "test")).scalar() == 1
    assert lab.engine.run(Statement(sql.format("sipHash64"), "test")).scalar() == 3


YAML = """
sources:
  app:
    table: app.events
    time: at
    entities: {user: user_id, session: session_id}
    joins: {person: {table: app.people, key: id, on: user_id, columns: {country: String}}}
  visits: {table: app.visits, time: at, entities: {session: session_id}}
"""


def _project(folder: Path, warehouse: str, yaml: str = YAML) -> Project:
    (folder / "metrics").mkdir()
    (folder / "project.yaml").write_text(f"name: shop\nwarehouse: {{{warehouse}}}\n")
    (folder / "metrics" / "all.yaml").write_text(yaml)
    return Project.load(folder)


def test_a_project_says_its_cluster(tmp_path):
    found = _project(tmp_path, "dsn: clickhouse://host/db, cluster: main, shard_by: user").cluster
    assert found == Cluster("main", "user", {"app.people": None, "app.events": "user_id"})


def test_a_table_that_two_sources_read_by_two_columns_is_refused(tmp_path):
    """Sender and receiver: it cannot be sharded by both."""
    more = YAML + "  received: {table: app.events, time: at, entities: {user: receiver_id}}\n"
    cluster = _project(tmp_path, "dsn: clickhouse://host/db, cluster: main, shard_by: user", more).cluster
    assert cluster
    assert cluster.columns["app.events"] == "user_id, receiver_id"
    engines = (("app.events", "Distributed('main', 'app', 'x', cityHash64(user_id))"), ("app.people", "MergeTree"))
    with pytest.raises(WarehouseError, match="no Distributed table over user_id, receiver_id"):
        verify(cluster, MemoryEngine({PURPOSE: Table(("name", "engine"), engines)}))


def test_on_a_laptop_the_same_project_has_none(tmp_path):
    project = _project(tmp_path, "dsn: clickhouse://host/db, cluster: main, shard_by: user")
    assert replace(project, environ={"ASSAY_DSN": "chdb://folder"}).cluster is None


def test_a_project_without_a_cluster_has_none(tmp_path):
    assert _project(tmp_path, "dsn: clickhouse://host/db").cluster is None


@pytest.mark.parametrize(
    ("warehouse", "told"),
    [
        ("dsn: 'chdb://folder', cluster: main", "chdb is one process"),
        ("dsn: clickhouse://host/db, shard_by: user", "there is no 'cluster'"),
        ('dsn: clickhouse://host/db, cluster: "it\'s"', "cluster"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(tmp_path, warehouse, told):
    with pytest.raises(DefinitionsError, match=told):
        _project(tmp_path, warehouse)


@pytest.mark.parametrize(
    ("shards", "places", "status", "told"),
    [
        (
            [(1, 2), (2, 2)],
            [("a", "1", "a"), ("b", "1", "b"), ("c", "2", "c"), ("d", "2", "d")],
            "ok",
            "2 shards, 4 nodes",
        ),
        ([(1, 1), (2, 1)], [("a", "1", "a"), ("b", "1", "a")], "fail", "name 1 places"),
        ([(1, 1), (2, 1)], [("a", "1", "a"), ("b", "", "")], "fail", "name 2 places"),
        ([], [], "fail", "no cluster 'main'"),
    ],
)
def test_doctor_looks_at_the_cluster(shards, places, status, told):
    answers = {
        "count shards": Table(("shard", "nodes"), tuple(shards)),
        "read macros": Table(("n", "s", "r"), tuple(places)),
    }
    found = examine(MemoryEngine(answers), "main")
    assert (found.status, told in found.detail) == (status, True)
