"""The corpus of wrong definitions: each case must be told exactly as its golden text says.

A case is a file, laid over the project in `base/` as `metrics/bad.yaml`, or a folder, which is a project of its own.
Its name begins with the code that it is about. A first line `# stage: NAME` (in a folder: of project.yaml) says how far
it is processed, see `STAGES`. ASSAY_UPDATE_GOLDEN=1 writes the golden texts anew; read them before committing.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.catalog.resolve import resolve
from assay.config.load import load
from assay.config.render import from_files, text
from assay.errors import CODES, AssayError, Diagnostic
from assay.project import check

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HERE = Path(__file__).parent
BASE = HERE / "base"
CASES = sorted(path for path in HERE.glob("[EW]*") if path.suffix != ".txt")
# The codes that must have a case here; those of commands are in test_commands.py.
COVERED = re.compile(r"E[0-4]")


def load_stage(root: Path) -> Iterable[Diagnostic]:
    return load(root).diagnostics


def resolve_stage(root: Path) -> Iterable[Diagnostic]:
    loaded = load(root)
    return *loaded.diagnostics, *resolve(loaded.definitions, loaded.broken)[1]


def validate_stage(root: Path) -> Iterable[Diagnostic]:
    return check(root, NOW).diagnostics


# How far a case is processed: everything that is said about the project in a folder.
STAGES: dict[str, Callable[[Path], Iterable[Diagnostic]]] = {
    "load": load_stage,
    "resolve": resolve_stage,
    "validate": validate_stage,
}


def stage_of(case: Path) -> str:
    first = case / "project.yaml" if case.is_dir() else case
    line = first.read_bytes().split(b"\n")[0].decode("latin-1") if first.exists() else ""
    found = re.match(r"# stage: (\w+)", line)
    return found[1] if found else "load"


def project_of(case: Path, root: Path) -> Path:
    shutil.copytree(case if case.is_dir() else BASE, root)
    if case.is_file():
        shutil.copy(case, root / "metrics" / "bad.yaml")
    return root


def told(case: Path, root: Path) -> str:
    """What Assay says about the case; the folder it runs in is shown as `…`."""
    try:
        diagnostics = list(STAGES[stage_of(case)](root))
    except AssayError as error:
        diagnostics = list(error.diagnostics)
    return text(diagnostics, from_files(root)).replace(str(root), "…")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_is_told_as_the_golden_text_says(case: Path, tmp_path: Path) -> None:
    said = told(case, project_of(case, tmp_path / "project"))
    golden = case.with_suffix(".txt")
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert case.stem.split("_")[0] in said


@pytest.mark.parametrize("stage", STAGES)
def test_the_base_project_is_right(stage: str, tmp_path: Path) -> None:
    assert list(STAGES[stage](project_of(BASE, tmp_path / "project"))) == []


def test_every_code_has_a_case() -> None:
    cases = {case.stem.split("_")[0] for case in CASES}
    assert cases <= CODES.keys()
    assert {code for code in CODES if COVERED.match(code)} <= cases


def test_every_golden_text_has_its_case() -> None:
    assert {path.stem for path in HERE.glob("*.txt")} == {case.stem for case in CASES}
