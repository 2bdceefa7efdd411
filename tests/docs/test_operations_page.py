"""docs/operations.md: its settings are valid and all told, its commands exist, ClickHouse parses its SQL."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from click.testing import CliRunner

from assay.cli.main import main
from assay.config.limits import Limits, Retention
from assay.config.project import ProjectSpec
from assay.errors import CODES
from assay.statement import Statement
from tests.conftest import Lab

TEXT = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def told(head: str) -> list[list[str]]:
    table = TEXT[TEXT.index(head) :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]


def test_the_settings_are_valid() -> None:
    (block,) = blocks("yaml")
    spec = ProjectSpec.model_validate(yaml.safe_load(block))
    assert spec.retention == Retention()
    assert spec.limits == Limits(rows=10**9, memory="8GB", seconds=300)


def test_every_field_is_told() -> None:
    assert {row[0]: [row[1]] for row in told("| field of `limits`")} == {
        name: list(Limits.model_validate({name: "1GB" if name == "memory" else 1}).settings)
        for name in Limits.model_fields
    }
    spec = Retention().model_dump(mode="json")
    assert {row[0]: row[1] for row in told("| field of `retention`")} == spec


def test_its_commands_and_codes_exist() -> None:
    for words in re.findall(r"^platform (\w+)(.*?)(?:#|$)", "\n".join(blocks("sh")), re.MULTILINE):
        helped = CliRunner().invoke(main, [words[0], "--help"])
        assert helped.exit_code == 0
        assert all(option in helped.output for option in re.findall(r"--\w+", words[1]))
    assert set(re.findall(r"E\d{3}", TEXT)) <= CODES.keys()
    for words, option in (("run", "--max-rows"), ("pause", "--kill"), ("gc", "--drop"), ("plan", "--price")):
        assert option in CliRunner().invoke(main, [words, "--help"]).output


def test_clickhouse_parses_its_sql(lab: Lab) -> None:
    for each in " ".join(blocks("sql")).split(";"):
        if each.strip():
            lab.engine.run(Statement(f"EXPLAIN AST {each}", "test"))
