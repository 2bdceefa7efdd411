"""`validate --engine`: what only ClickHouse can find."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assay.jobs.setup.rehearse import rehearse
from assay.project import Project

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for part in ("metrics", "experiments", "alerts"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "project.yaml", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_demo_project_runs_on_empty_tables(project: Path) -> None:
    assert rehearse(Project.load(project).catalog) == []


@pytest.mark.slow
def test_each_mistake_is_told_once_at_its_metric(project: Path) -> None:
    (project / "metrics" / "added.yaml").write_text(
        "metrics:\n"
        '  typo: {type: count, source: feed, where: "lenght(action) = 4"}\n'
        "  text: {type: count, source: feed, where: \"user_id = 'abc'\"}\n"
    )
    found = rehearse(Project.load(project).catalog)
    assert [(str(each.location), each.code) for each in found] == [
        ("metrics/added.yaml:2:3", "E505"),
        ("metrics/added.yaml:3:3", "E505"),
    ]
    assert "lenght" in found[0].message


@pytest.mark.slow
def test_a_source_without_columns_is_a_warning(project: Path) -> None:
    (project / "metrics" / "added.yaml").write_text("sources:\n  other: {table: t, time: at, entities: {user: id}}\n")
    (found,) = rehearse(Project.load(project).catalog)
    assert (found.code, found.severity) == ("W501", "warning")
