"""docs/airflow.md: its settings are valid and all told, its DAGs are those of the demo, its commands exist."""

from __future__ import annotations

import re
import shutil
from itertools import takewhile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from assay.cli.main import main
from assay.config.project import Airflow, ProjectSpec
from assay.demo.project import PARTS
from assay.project import Project
from dag_factory.plan import plan

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")


def cells(head: str) -> list[str]:
    """What stands in code style in the first column of the table under a head."""
    table = takewhile(lambda line: line.startswith("|"), TEXT[TEXT.index(head) :].splitlines()[2:])
    return [name for line in table for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


def test_every_field_is_told_with_its_default() -> None:
    assert set(cells("| field of `airflow` |")) == set(Airflow.model_fields)
    table = TEXT[TEXT.index("| field of `airflow` |") :].partition("\n\n")[0]
    told = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| `([^`]+)` \|", table, re.MULTILINE)
    spec = Airflow().model_dump(mode="json")
    shown = {name: yaml.safe_load(value) for names, value in told for name in re.findall(r"`(\w+)`", names)}
    assert {name: spec[name] for name in shown} == shown
    assert len(shown) > 6


def test_the_settings_are_valid() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert ProjectSpec.model_validate(yaml.safe_load(block)).airflow.slots == 4


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("page")
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, folder / part)
    return Project.load(folder)


def test_the_kinds_and_the_list_are_those_of_the_demo(demo: Project) -> None:
    dags = {each.dag.dag_id: each.dag for each in plan(demo.catalog)}
    assert {name.partition("__")[0] for name in cells("| DAG | starts |")} == {name.partition("__")[0] for name in dags}
    (shown,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    rows = [re.split(r" {2,}", line) for line in shown.splitlines()[1:]]
    assert len(rows) == 7
    for name, schedule, tasks in rows:
        assert (schedule, tasks) == (str(dags[name].schedule), ", ".join(each.task_id for each in dags[name].tasks))


COMMANDS = re.findall(r"(?:^\$ |&& |`|make )platform ([a-z][^`&\n#>|]*)", TEXT, re.MULTILINE)


@pytest.mark.parametrize("line", sorted({" ".join(each.split()) for each in COMMANDS}))
def test_the_commands_exist_with_their_options(line: str) -> None:
    words = line.split()
    group = words[0] in ("dags", "experiment", "alert", "report", "forecast")
    result = CliRunner().invoke(main, [*words[: 2 if group else 1], "--help"])
    assert result.exit_code == 0
    assert [each for each in words if each.startswith("--") and each not in result.output] == []


def test_the_page_is_reached_from_the_readme() -> None:
    assert "docs/airflow.md" in (ROOT / "README.md").read_text(encoding="utf-8")
