"""docs/alerts.md: its YAML is valid, no field and no detector is missing, its commands exist."""

from __future__ import annotations

import re
import shutil
from itertools import takewhile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from assay import detect
from assay.cli.main import main
from assay.config.alert import AlertSpec
from assay.config.base import Described
from assay.config.events import EventSpec, SilenceSpec
from assay.demo.project import PARTS
from assay.project import Project, check

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
SHARED = set(Described.model_fields)


def cells(head: str) -> set[str]:
    """Every name in code style in the first column of the table under a head."""
    table = takewhile(lambda line: line.startswith("|"), TEXT[TEXT.index(head) :].splitlines()[2:])
    return {name for line in table for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])}


def test_every_field_is_told() -> None:
    assert cells("| field of an alert |") == set(AlertSpec.model_fields) - SHARED
    assert cells("| field | of |") == {*EventSpec.model_fields, *SilenceSpec.model_fields} - SHARED


def test_every_detector_is_told() -> None:
    assert cells("| detector | for |") == set(detect.names())


def test_the_defaults_are_those_of_the_code() -> None:
    told = dict(re.findall(r"^\| `([a-z_]+)` \| `([^`]+)` \|", TEXT, re.MULTILINE))
    spec = AlertSpec(metrics=("views",), route="oncall").model_dump(mode="json")
    spec |= {"detector": "seasonal_level", "fdr": "5%", "total": "true"}
    shown = {name: value for name, value in told.items() if name in spec and name not in ("confirm", "window")}
    assert shown == {name: str(spec[name]).removesuffix(".0") for name in shown}
    assert len(shown) > 8


def test_the_yaml_is_valid(tmp_path: Path) -> None:
    """In the demo, in place of what it defines under the same names."""
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, tmp_path / part)
    names = {name for block in BLOCKS for kind in yaml.safe_load(block).values() for name in kind}
    for file in tmp_path.rglob("*.yaml"):
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        for kind in ("alerts", "events", "silences"):
            found[kind] = {name: body for name, body in found.get(kind, {}).items() if name not in names}
        if file.parent.name == "alerts":
            file.write_text(yaml.safe_dump({kind: body for kind, body in found.items() if body}), encoding="utf-8")
    for number, block in enumerate(BLOCKS):
        (tmp_path / "alerts" / f"page_{number}.yaml").write_text(block, encoding="utf-8")
    assert [each.message for each in check(tmp_path)[1] if each.severity == "error"] == []


@pytest.mark.parametrize("line", re.findall(r"^\$ platform (.*?)(?:\s+#.*)?$", TEXT, re.MULTILINE))
def test_the_commands_exist(line: str) -> None:
    words = [word for word in line.split() if re.fullmatch(r"[a-z]+", word)][:2]
    command = words if words[0] == "alert" else words[:1]
    assert CliRunner().invoke(main, [*command, "--help"]).exit_code == 0


@pytest.mark.slow
def test_the_backtest_prints_what_the_page_shows(big_demo_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (line, shown) = re.findall(r"<!-- run: (.*?) -->\n\n```console\n\$ .*?\n(.*?)```", TEXT, re.DOTALL)[0]
    monkeypatch.chdir(big_demo_project.root)
    result = CliRunner().invoke(main, line.split())
    assert result.exit_code == 0, result.output
    assert result.stdout == shown
