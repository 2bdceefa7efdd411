"""Two projects in one Airflow: each task works in its own, and of two equal ids one runs and both are told of."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.cli.main import main
from assay.errors import DefinitionsError
from dag_factory import store
from dag_factory.compile import compile_dags
from dag_factory.problems import problems
from dag_factory.runtime import Run, prepare
from tests.dag_factory.conftest import FILES, write

Change = Callable[[str, str, str], None]


@pytest.fixture
def other(tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second project with the same files, which Airflow runs after the first."""
    other = write(tmp_path / "other", FILES)
    monkeypatch.setenv("ASSAY_PROJECT", os.pathsep.join([str(shop), str(other)]))
    compile_dags(shop)
    return other


def test_equal_ids_are_found_before_the_deployment(shop: Path, other: Path) -> None:
    result = CliRunner().invoke(main, ["dags", "check", "--format", "json", "-p", str(other)])
    found = {(each["code"], each["path"], each["line"]) for each in json.loads(result.output)["errors"]}
    assert (result.exit_code, ("E801", "experiments/button.yaml", 2) in found) == (1, True)
    assert CliRunner().invoke(main, ["dags", "check", "-p", str(shop)]).exit_code == 0  # the first one runs


def test_equal_ids_are_an_import_error(shop: Path, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as alone:
        alone.setenv("ASSAY_PROJECT", str(other))
        compile_dags(other)
    told = list(problems())
    assert len(told) == 11
    assert f"E801 'maintenance' of {other} is a DAG of {shop}, too" in "\n".join(told)


def test_each_task_works_in_its_own_project(shop: Path, other: Path) -> None:
    settings = (other / "project.yaml").read_text()
    (other / "project.yaml").write_text(settings.replace("  route: team", "  prefix: other_"))
    compile_dags(other)
    assert list(problems()) == []
    for dag_id, root in (("metrics__orders", shop), ("other_metrics__orders", other)):
        assert store.project_of(dag_id) == root
        assert prepare(Run(dag_id, "build", "r", "2025-03-01")).project.root == root


def test_a_file_of_dags_may_stand_anywhere_in_its_project(shop: Path) -> None:
    compile_dags(shop)
    assert prepare(Run("metrics__orders", "build", "r", "2025-03-01"), folder=shop / "metrics").project.root == shop


def test_one_project_that_cannot_be_read_hides_no_other(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_PROJECT", os.pathsep.join([str(tmp_path / "gone"), str(shop)]))
    compile_dags(shop)
    (told,) = problems()
    assert "E106" in told
    with pytest.raises(DefinitionsError, match="E106"):
        store.project_of("metrics__orders")
