"""docs/metrics.md: its YAML builds on empty tables, its SQL is what is compiled, and no type is missing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from assay.catalog.catalog import Catalog
from assay.config.metric import MetricSpec
from assay.jobs.outputs.show import show
from assay.jobs.setup.rehearse import rehearse
from assay.project import Project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
TEXT = PAGE.read_text(encoding="utf-8")
FEED = """
sources:
  feed:
    table: feed_actions
    time: time
    entities: {user: user_id, post: post_id}
    columns: {user_id: UInt32, post_id: UInt32, action: String, time: "DateTime('UTC')", age: UInt8}
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The page as a project: each block is a file, because any file may hold any kind."""
    root = tmp_path_factory.mktemp("page")
    (root / "metrics").mkdir()
    (root / "project.yaml").write_text("name: page\n")
    for number, block in enumerate([FEED, *re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]):
        (root / "metrics" / f"block_{number}.yaml").write_text(block)
    return Project.load(root).catalog


def test_every_type_has_an_example(catalog: Catalog) -> None:
    types = {get_args(each.model_fields["type"].annotation)[0] for each in get_args(get_args(MetricSpec)[0])}
    assert {metric.spec.type for metric in catalog.metrics.values()} == types


def test_every_example_builds(catalog: Catalog) -> None:
    found = rehearse(catalog)
    assert [each for each in found if each.severity == "error"] == []


def marks() -> Iterator[Any]:
    return re.finditer(r"<!-- sql: (\S+) -->\n(?:\n<details>.*?</details>\n)?", TEXT, re.DOTALL)


def block(catalog: Catalog, name: str) -> str:
    (statement,) = show(catalog, name).statements
    sql = f"```sql\n{statement.sql}\n```"
    return f"<!-- sql: {name} -->\n\n<details><summary>SQL of {name}</summary>\n\n{sql}\n\n</details>\n"


def test_the_sql_is_what_is_compiled(catalog: Catalog) -> None:
    text = TEXT
    for mark in marks():
        text = text.replace(mark[0], block(catalog, mark[1]))
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        PAGE.write_text(text, encoding="utf-8")
    assert text == PAGE.read_text(encoding="utf-8"), "ASSAY_UPDATE_GOLDEN=1 writes the page again"


def test_the_blocks_are_yaml() -> None:
    for each in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL):
        assert set(yaml.safe_load(each)) <= {"sources", "metrics"}
