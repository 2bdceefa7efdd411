"""What SECURITY.md tells people to run is ClickHouse's SQL, and says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from assay.catalog.resolve import _LARGEST
from assay.catalog.template import FILTERS, LIMIT
from assay.config.root import LARGEST
from assay.config.yaml import _DEPTH
from tests.security import fuzz

PAGE = (Path(__file__).resolve().parents[2] / "SECURITY.md").read_text(encoding="utf-8")
STATEMENTS = [each for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) for each in block.split(";\n") if each]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with fuzz.ground(tmp_path_factory.mktemp("policy") / "project") as made:
        yield made


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_grants_are_what_clickhouse_understands(raw: fuzz.Ground, statement: str) -> None:
    assert raw.tree(statement)


def test_only_our_own_database_may_be_changed() -> None:
    granted = [each for each in STATEMENTS if each.startswith("GRANT")]
    assert [each for each in granted if "SELECT ON" not in each and "ON assay.*" not in each] == [
        "GRANT CLUSTER ON *.* TO assay"
    ]


def test_the_limits_are_those_of_the_code() -> None:
    assert (_LARGEST, LIMIT, LARGEST, _DEPTH) == (500, 1_000_000, 5_000_000, 64)
    assert len(FILTERS) + len(("ident", "literal")) == 14


def test_every_file_that_the_page_names_is_there() -> None:
    root = Path(__file__).resolve().parents[2]
    assert all((root / each).exists() for each in re.findall(r"\]\(([\w/.]+)\)", PAGE))
