"""The example for GitHub and the pre-commit hook call commands and options that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from assay.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.load((ROOT / "docs/ci/github-actions.yml").read_text(), Loader=yaml.BaseLoader)
STEPS: list[dict[str, Any]] = ACTION["jobs"]["definitions"]["steps"]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
CALLS = [
    *re.findall(r"platform [a-z]+[^|\n]*", "\n".join(step.get("run", "") for step in STEPS)),
    HOOK["entry"],
]


def test_it_only_reads_and_its_actions_are_pinned() -> None:
    assert ACTION["permissions"] == {"contents": "read"}
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", each) for each in used)


@pytest.mark.parametrize("call", CALLS)
def test_every_command_and_option_exists(call: str) -> None:
    _, name, *options = call.split()
    assert name in COMMANDS
    told = CliRunner().invoke(main, [name, "--help"]).output
    assert all(option in told for option in options if option.startswith("--"))


def test_validation_and_plan_are_called() -> None:
    assert [call.split()[1] for call in CALLS] == ["validate", "plan", "validate"]
