"""docs/forecasts.md: its YAML is valid, no field, model or check is missing, and its commands print what it shows."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from assay.catalog.plugins import names
from assay.cli.main import main
from assay.config.base import Described
from assay.config.forecast import BacktestSpec, ForecastSpec, ImpactSpec
from assay.demo.project import PARTS
from assay.project import Project, check

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "forecasts.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
MARK = re.compile(r"<!-- run: (.*?); part 1 -->\n\n```console\n.*?```\n", re.DOTALL)
SHARED = set(Described.model_fields)


def rows(head: str) -> list[list[str]]:
    """The cells of the table under a head."""
    table = takewhile(lambda line: line.startswith("|"), TEXT[TEXT.index(head) :].splitlines()[2:])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def first_cells(head: str) -> set[str]:
    return {name for row in rows(head) for name in re.findall(r"`([a-z_.]+)`", row[0])}


def test_every_field_is_told() -> None:
    nested = {f"backtest.{name}" for name in BacktestSpec.model_fields}
    assert first_cells("| field of a forecast |") == set(ForecastSpec.model_fields) - SHARED - {"backtest"} | nested
    assert first_cells("| field of an impact |") == set(ImpactSpec.model_fields) - SHARED


def test_every_model_is_told() -> None:
    assert first_cells("| model |") == names("forecast", "models")


def test_the_defaults_are_those_of_the_code() -> None:
    spec = ForecastSpec(metrics=("views",)).model_dump(mode="json")
    spec |= {f"backtest.{name}": value for name, value in spec["backtest"].items()}
    impact = ImpactSpec(metric="views", event="a").model_dump(mode="json")
    shown = {name: _plain(value) for name, value in (spec | impact).items() if value not in (None, [], {})}
    told = [(row[0].strip("`"), row[1].strip("`")) for head in ("forecast", "impact") for row in _fields(head)]
    assert {name: default for name, default in told if default != "–"} == {
        name: shown[name] for name, default in told if name in shown and name not in ("metrics", "metric", "event")
    }


def _fields(kind: str) -> list[list[str]]:
    return rows(f"| field of a{'n' if kind == 'impact' else ''} {kind} |")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "90%" if value == 0.9 else str(value)


def test_the_yaml_is_valid_and_the_grid_is_whole(tmp_path: Path) -> None:
    """In the demo, in place of what it defines under the same names."""
    catalog = project(tmp_path).catalog
    assert set(catalog.definitions.forecasts) >= {"audience", "planned_load", "grid"}
    grid = catalog.definitions.forecasts["grid"].spec.models
    assert len(grid) == 23
    assert {each.type for each in grid} >= {"naive", "orbit_ets", "lgt", "dlt", "ktr"}


def project(root: Path) -> Project:
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, root / part)
    for number, block in enumerate(BLOCKS[1:]):
        (root / "metrics" / f"page_{number}.yaml").write_text(block, encoding="utf-8")
    assert [each.message for each in check(root)[1] if each.severity == "error"] == []
    return Project.load(root)


def test_the_first_block_is_nearly_the_demos() -> None:
    (told,) = yaml.safe_load(BLOCKS[0])["forecasts"].values()
    demo = yaml.safe_load((ROOT / "metrics/forecasts.yaml").read_text(encoding="utf-8"))["forecasts"]["audience"]
    assert told["metrics"] == demo["metrics"]


@pytest.mark.parametrize("line", re.findall(r"^\$ platform (.*?)(?:\s+#.*)?$", TEXT, re.MULTILINE))
def test_the_commands_exist(line: str) -> None:
    words = line.split()[: 2 if line.startswith("forecast") else 1]
    assert CliRunner().invoke(main, [*words, "--help"]).exit_code == 0


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, anchor = link.partition("#")
        text = (PAGE.parent / path).read_text(encoding="utf-8")
        heads = {
            re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", text, re.M)
        }
        assert not anchor or anchor in heads, link


def printed(mark: str, root: Path) -> str:
    """What a command prints first, without how long anything took."""
    answer = CliRunner(env={"ASSAY_DSN": ""}).invoke(main, [*mark.split(), "--project", str(root)])
    assert answer.exit_code == 0, answer.output
    text = "\n".join(line.rstrip() for line in answer.stdout.split("\n\n")[0].splitlines())
    text = re.sub(r" +\d+\.\d\d$", "", text, flags=re.MULTILINE) if "backtest" in mark else text
    return re.sub(r"  seconds$|  ───────$", "", text, flags=re.MULTILINE)


@pytest.mark.slow
@pytest.mark.timeout(900)  # with the demo that is generated first, on a busy machine
def test_the_commands_print_what_it_shows(big_demo_project: Project) -> None:
    text = TEXT
    for mark in MARK.finditer(TEXT):
        shown = printed(mark[1], big_demo_project.root)
        block = f"<!-- run: {mark[1]}; part 1 -->\n\n```console\n$ platform {mark[1]}\n{shown}\n```\n"
        text = text.replace(mark[0], block)
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        PAGE.write_text(text, encoding="utf-8")
    assert text == PAGE.read_text(encoding="utf-8"), "ASSAY_UPDATE_GOLDEN=1 writes the page again"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.orbit
@pytest.mark.skipif(find_spec("orbit") is None, reason="the case study's grid is of Orbit's models: make orbit")
def test_the_grid_runs(tmp_path: Path, demo_project: Project) -> None:
    """One of its metrics and one model of each type and estimator, on two windows: all take some minutes, for MCMC."""
    from assay.jobs.forecasts import running

    definitions = project(tmp_path).catalog.definitions
    grid = definitions.forecasts["grid"]
    few = grid.spec.model_copy(
        update={
            "metrics": ("dau",),
            "models": tuple(
                {(each.type, each.parameters.get("estimator")): each for each in grid.spec.models}.values()
            ),
            "backtest": grid.spec.backtest.model_copy(update={"windows": 2}),
        }
    )
    definitions = replace(definitions, forecasts={"grid": replace(grid, spec=few)})
    with demo_project.open(datetime(2025, 10, 21, 9, tzinfo=UTC)) as context:
        catalog = replace(context.catalog, definitions=definitions)
        for found in running.backtests(replace(context, catalog=catalog), ["grid"]):
            assert isinstance(found, tuple), found.error
            _, tested = found
            assert [each.candidate.name for each in tested.tested if each.failed] == []
            assert len(tested.tested) == len(few.models) == 10
