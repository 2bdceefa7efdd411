"""docs/scale.md: its YAML is valid, ClickHouse parses its SQL, its settings are the code's, its figures stored."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from assay.config.project import Warehouse
from assay.engine import Cluster
from assay.project import Project
from assay.statement import Statement
from benchmarks.scale import page, stored

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def rows(head: str) -> list[list[str]]:
    """The cells of the table under a head."""
    table = takewhile(lambda line: line.startswith("|"), TEXT[TEXT.index(head) :].splitlines()[2:])
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]


def test_its_project_is_valid(tmp_path: Path) -> None:
    (block,) = blocks("yaml")
    (tmp_path / "project.yaml").write_text(block)
    warehouse = Project.load(tmp_path).catalog.definitions.project.warehouse
    assert warehouse is not None
    assert (warehouse.cluster, warehouse.shard_by) == ("main", "user")


def test_every_field_is_told() -> None:
    assert {row[0] for row in rows("| field of `warehouse`")} == set(Warehouse.model_fields)


def test_the_settings_are_those_of_the_code() -> None:
    told = {row[0]: row[1] for row in rows("| setting | value")}
    assert told == {name: str(value) for name, value in Cluster("main").settings(7).items()} | {
        "distributed_ddl_task_timeout": "timeout"
    }


def test_clickhouse_parses_its_sql(lab) -> None:
    statements = [each for block in blocks("sql") for each in block.split(";") if each.strip()]
    assert len(statements) == 3
    for each in statements:
        lab.engine.run(Statement("SELECT formatQuery({sql:String})", "parse", {"sql": each}))


def test_its_figures_are_those_of_the_stored_result() -> None:
    assert page(TEXT, stored()) == TEXT
