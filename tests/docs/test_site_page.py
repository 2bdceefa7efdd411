"""docs/site.md and the blocks of docs/reports.md: valid YAML, no field and no type missing, commands that exist."""

from __future__ import annotations

import re
import shutil
from itertools import takewhile
from pathlib import Path
from typing import get_args

import pytest
import yaml
from click.testing import CliRunner

from assay.cli.main import main
from assay.config.base import Spec
from assay.config.block import Block
from assay.config.report import Tab
from assay.demo.project import PARTS
from assay.jobs.outputs.blocks import GATHER
from assay.project import check

DOCS = Path(__file__).resolve().parents[2] / "docs"
SITE, REPORTS = ((DOCS / name).read_text(encoding="utf-8") for name in ("site.md", "reports.md"))


def rows(text: str, head: str) -> list[list[str]]:
    """The names in code style in each cell of the table under a head."""
    table = takewhile(lambda line: line.startswith("|"), text[text.index(head) :].splitlines()[2:])
    return [[" ".join(re.findall(r"`([^`]+)`", cell)) for cell in line.strip("|").split("|")] for line in table]


def test_every_field_of_a_tab_is_told() -> None:
    assert {row[0] for row in rows(SITE, "| field of a tab |")} == set(Tab.model_fields)


def test_every_type_of_block_is_told_with_its_fields() -> None:
    told = {row[0]: {name.partition(":")[0] for name in row[2].split()} - {"none"} for row in rows(REPORTS, "| type |")}
    union, _ = get_args(Block)
    fields = {_type(each): set(each.model_fields) - {"type", "title"} for each in get_args(union)}
    assert told == fields
    assert told.keys() == GATHER.keys()


def _type(spec: type[Spec]) -> str:
    return str(get_args(spec.model_fields["type"].annotation)[0])


def test_the_yaml_is_valid(tmp_path: Path) -> None:
    """In the demo, in place of its dashboard."""
    for part in PARTS:
        source = DOCS.parent / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    block, *_ = re.findall(r"```yaml\n(.*?)```", SITE, re.DOTALL)
    assert yaml.safe_load(block)
    (tmp_path / "metrics" / "dashboard.yaml").write_text(block, encoding="utf-8")
    assert [each.message for each in check(tmp_path)[1] if each.severity == "error"] == []


@pytest.mark.parametrize("line", re.findall(r"^\$ platform (.*?)(?:\s+#.*)?$", SITE, re.MULTILINE))
def test_the_commands_exist_with_their_options(line: str) -> None:
    words = line.split()
    result = CliRunner().invoke(main, [*words[:2], "--help"])
    assert result.exit_code == 0
    assert [each for each in words if each.startswith("--") and each not in result.output] == []


def test_the_page_is_reached() -> None:
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    assert any("site.md" in page.read_text(encoding="utf-8") for page in pages if page.name != "site.md")
