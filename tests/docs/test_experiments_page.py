"""docs/experiments.md: its commands print what it shows, its Python runs, its YAML builds, and no field is missing."""

from __future__ import annotations

import doctest
import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from click.testing import CliRunner
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from assay import stats
from assay.catalog.rules.experiments import GATES
from assay.cli import common
from assay.cli.main import main
from assay.config.assignment import ColumnAssignment, HashAssignment, show_traffic
from assay.config.experiment import Analysis, Design, ExperimentSpec, Exposure, Roles
from assay.demo.events import H2
from assay.demo.project import PARTS
from assay.project import Project, check

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "experiments.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
MARK = re.compile(r"<!-- run: (.*?) -->\n(?:\n```console\n.*?```\n)?", re.DOTALL)
EVENING = "2025-10-20T20:00+03:00"  # of the demo's last day: the moment of a command that tells none
NESTED = {
    "assignment": (ColumnAssignment, HashAssignment),
    "exposure": (Exposure,),
    "metrics": (Roles,),
    "design": (Design,),
    "analysis": (Analysis,),
}


def rows(after: str, columns: int) -> list[list[str]]:
    """The cells of the first table after a text, without its head."""
    lines = TEXT[TEXT.index(after) :].splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("|---"))
    table = []
    for line in lines[first + 1 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    assert {len(row) for row in table} == {columns}
    return table


# --- the hypothesis ---


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's definitions, and the page's own experiments."""
    root = tmp_path_factory.mktemp("page")
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, root / part)
    for number, block in enumerate(BLOCKS[1:]):
        (root / "experiments" / f"page_{number}.yaml").write_text(block)
    return root


def test_the_first_block_is_the_demos_and_all_are_valid(root: Path) -> None:
    demo = yaml.safe_load((ROOT / "experiments/similar_users.yaml").read_text())
    assert yaml.safe_load(BLOCKS[0]) == demo
    assert check(root)[1] == ()


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Each field of an experiment by its path; one that both forms of an assignment have, twice."""
    for name, field in ExperimentSpec.model_fields.items():
        for spec in NESTED.get(name, ()):
            yield from ((f"{name}.{inner}", own) for inner, own in spec.model_fields.items())
        if name not in NESTED:
            yield name, field


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, tuple) and value and isinstance(value[0], float):
        return show_traffic((value[0], value[1]))
    return ", ".join(value) if isinstance(value, tuple) and value else str(value or "–")


def test_every_field_is_told_with_its_default() -> None:
    expected: dict[str, list[str]] = {}
    for path, field in fields():
        expected.setdefault(path, []).append(default(field))
    told = {name.strip("`"): text for name, text, _ in rows("| field |", 3)}
    assert told == {path: " or ".join(dict.fromkeys(texts)) for path, texts in expected.items()}


def test_every_nested_field_is_looked_into() -> None:
    models = {name for name, field in ExperimentSpec.model_fields.items()
              if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)}  # fmt: skip
    assert models | {"assignment"} == set(NESTED)


@pytest.mark.parametrize("field", ["correction", "sequential", "relative"])
def test_every_choice_is_named(field: str) -> None:
    (says,) = [says for name, _, says in rows("| field |", 3) if name == f"`analysis.{field}`"]
    choices = get_args(Analysis.model_fields[field].annotation)
    assert [name for name in re.findall(r"`(\w+)`", says) if name in choices] == list(choices)
    prose = TEXT[TEXT.index("## Which test when") :]
    assert field == "relative" or all(f"`{name}`" in prose for name in choices if name != "none")


# --- methods and gates ---


def test_every_method_is_told() -> None:
    told = {name.strip("`"): needs for name, _, _, needs, _ in rows("| method |", 5)}
    assert told == {name: method.needs for name, method in stats.METHODS.items()}


def test_every_gate_is_told() -> None:
    standing = ExperimentSpec.model_fields["validity"].default
    told = [(name.strip("`"), text) for name, text, _, _ in rows("| gate |", 4)]
    assert told == [(name, "yes" if name in standing else "no") for name in GATES]


def test_links_lead_somewhere() -> None:
    heads = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", TEXT, re.M)}
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert link[1:] in heads if link.startswith("#") else (PAGE.parent / link).exists(), link


# --- Python ---


@pytest.mark.slow
def test_the_python_prints_what_it_shows() -> None:
    source = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    example = doctest.DocTestParser().get_doctest(source, {}, "docs/experiments.md", str(PAGE), 0)
    assert doctest.DocTestRunner().run(example).failed == 0


# --- commands ---


def option(mark: str, name: str, otherwise: str) -> str:
    found = re.search(rf"; {name} ([^;]+)", mark)
    return found[1] if found else otherwise


def shown(text: str, parts: str) -> str:
    """All paragraphs, or those whose numbers are named, with an ellipsis for what is left out between them."""
    every = text.strip("\n").split("\n\n")
    wanted = [int(number) - 1 for number in parts.split()] or list(range(len(every)))
    kept = []
    for at, paragraph in enumerate(every):
        if at in wanted:
            kept.append(paragraph)
        elif not kept or kept[-1] != "…":
            kept.append("…")
    return "\n\n".join(kept)


def run(command: str, root: Path, moment: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(common, "now", lambda: datetime.fromisoformat(moment))
    answer = CliRunner().invoke(main, [*command.split(), "--project", str(root)])
    assert answer.exit_code == 0, answer.output
    return answer.output.replace(f"{root}/", "")


def block(mark: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    command, saying = mark.split(";")[0], option(mark, "saying", "")
    output = run(command, root, option(mark, "at", EVENING), monkeypatch)
    typed = f"$ platform {command}" + (f"    # {saying}" if saying else "")
    body = shown("\n".join(line.rstrip() for line in output.splitlines()), option(mark, "parts", ""))
    return f"<!-- run: {mark} -->\n\n```console\n{typed}\n{body}\n```\n"


@pytest.fixture(scope="module")
def demo(root: Path, big_demo_project: Project) -> Path:
    """The page's project over the demo's events; what it stores goes to a database of its own."""
    path = root / "project.yaml"
    warehouse = big_demo_project.root / "target/demo/warehouse"
    text = path.read_text().replace("chdb://target/demo/warehouse", f"chdb://{warehouse}")
    path.write_text(text.replace("database: assay ", "database: assay_page "))
    return root


@pytest.mark.slow
@pytest.mark.timeout(900)  # with the demo that is generated first, on a busy machine
def test_the_commands_print_what_it_shows(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_DSN", raising=False)
    text = TEXT
    for mark in MARK.finditer(TEXT):
        text = text.replace(mark[0], block(mark[1], demo, monkeypatch))
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        PAGE.write_text(text, encoding="utf-8")
    assert text == PAGE.read_text(encoding="utf-8"), "ASSAY_UPDATE_GOLDEN=1 writes the page again"


# --- what the outputs must say, whatever their digits ---


def printed(command: str) -> str:
    return TEXT[TEXT.index(f"$ platform {command}") :].split("```")[0]


def numbers(text: str) -> Any:
    return [float(each.replace("−", "-")) for each in re.findall(r"[+−-]\d+\.?\d*", text)]


def test_the_planted_effect_is_inside_its_interval() -> None:
    said = printed("experiment analyze similar_users\n")
    (line,) = [line for line in said.splitlines() if line.startswith("primary")]
    relative, low, high, difference = numbers(line)
    control = difference / (relative / 100)
    assert control * low / 100 < H2.size < control * high / 100
    assert "Verdict: ship" in said
    (alike,) = re.findall(r"^pass  pre_period +([\d.]+) ", said, re.MULTILINE)
    assert f"{alike} in step 7" in TEXT


def test_the_broken_one_is_blocked_and_the_quiet_week_is_not() -> None:
    said = printed("experiment analyze similar_posts\n")
    assert "Verdict: blocked" in said
    assert re.search(r"gate distribution: .* two groups, around 0\.1\d and 0\.2\d", said)
    assert re.search(r"gate day_stability: .* most of all on 2025-08-08", said)
    quiet = printed("experiment analyze aa_week\n")
    assert not re.search(r"^(fail|warn) ", quiet, re.MULTILINE)
    assert "Verdict: keep running" in quiet
    assert "healthy" in printed("experiment aa similar_users\n")


def test_the_readme_shows_the_same() -> None:
    said = printed("experiment report similar_posts --format text\n").split("\n", 1)[1]
    assert said in (ROOT / "README.md").read_text(encoding="utf-8")
