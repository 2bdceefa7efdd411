"""What time alone makes wrong: a silence that is over is told, and an outcome from before is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.cli import common
from assay.cli.main import main
from assay.project import check

END = datetime(2025, 7, 19, 22, tzinfo=UTC)  # midnight in Berlin
FILES = {
    "project.yaml": "name: test\ntimezone: Europe/Berlin\ndefinitions: [alerts]\n",
    "alerts/silences.yaml": """
silences:
  move: {start: 2025-07-19T06:00, end: 2025-07-20, why: The servers move.}
  later: {start: 2025-07-19T06:00, end: 2025-07-20T12:30, why: The loads run.}
""",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_a_silence_is_told_from_its_end_on(root: Path) -> None:
    before, after, long_after = (check(root, END + each * timedelta(seconds=1)) for each in (-1, 0, 10**6))
    assert (before.diagnostics, before.until) == ((), END)
    assert [(each.code, each.severity) for each in after.diagnostics] == [("W302", "warning")]
    assert after.until == datetime(2025, 7, 20, 10, 30, tzinfo=UTC)
    assert (len(long_after.diagnostics), long_after.until) == (2, None)
    assert check(root).diagnostics == ()


def test_a_remembered_outcome_does_not_hide_that_a_silence_ends(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(now: datetime) -> str:
        monkeypatch.setattr(common, "now", lambda: now)
        done = CliRunner().invoke(main, ["validate", "--project", str(root)])
        assert done.exit_code == 0
        return done.output

    assert "2 definitions are valid" in validate(END - timedelta(seconds=1))
    assert "The silence 'move' is over" in validate(END)
    assert "The silence 'move' is over" in validate(END)
    assert "2 warnings in 1 file" in validate(END + timedelta(days=1))
