"""docs/dashboards.md: its YAML is valid, its tables have these columns, and no kind of block is forgotten."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import yaml
from click.testing import CliRunner

from assay.cli.main import main
from assay.compiler import dash
from assay.config.block import Block
from assay.config.report import DashboardSpec

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "dashboards.md").read_text(encoding="utf-8")


def test_the_yaml_is_valid() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    for spec in yaml.safe_load(block)["dashboards"].values():
        assert DashboardSpec.model_validate(spec).tables


def test_the_columns_are_those_of_the_tables() -> None:
    for suffix, created in (("weeks", dash.create_weeks("t")), ("cohorts", dash.create_cohorts("t"))):
        (told,) = re.findall(rf"^\| `dash_<dashboard>_<tab>_{suffix}` \|.*?\| (.*) \|$", TEXT, re.MULTILINE)
        columns = re.findall(r"^ {2}(\w+) ", created.sql, re.MULTILINE)
        assert sorted(re.findall(r"`(\w+)`", told)) == sorted(columns)


def test_no_kind_of_block_is_forgotten() -> None:
    shown = TEXT[TEXT.index("the blocks that Superset has") :].partition("\n")[0]
    left = TEXT[TEXT.index("What is left out:") :].partition(" among the blocks")[0]
    kinds = {get_args(each.model_fields["type"].annotation)[0] for each in get_args(get_args(Block)[0])}
    assert set(re.findall(r"`(\w+)`", shown + left)) - {"cohorts"} == kinds


def test_the_commands_exist() -> None:
    found = re.findall(r"^platform (dashboards \w+(?: superset)?)", TEXT, re.MULTILINE)
    assert sorted(found) == ["dashboards export superset", "dashboards refresh"]
    for words in found:
        assert CliRunner().invoke(main, [*words.split(), "--help"]).exit_code == 0
