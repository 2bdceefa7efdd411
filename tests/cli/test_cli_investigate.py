"""`platform investigate` as people read it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from assay.cli.main import main
from assay.project import Project


@pytest.mark.slow
def test_the_command_prints_a_table_and_the_sentence(demo_project: Project) -> None:
    arguments = ["investigate", "feed_dau", "--on", "2025-08-24", "--vs", "2025-08-23"]
    result = CliRunner(env={"ASSAY_DSN": ""}).invoke(main, [*arguments, "--project", str(demo_project.root)])
    assert result.exit_code == 0, result.output
    assert "city Moscow" in result.output
    assert result.output.strip().splitlines()[-1].startswith("Feed users fell by")
