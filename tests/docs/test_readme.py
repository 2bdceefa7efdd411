"""The README's YAML validates, its commands exist, and its links lead somewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from assay.cli.main import COMMANDS
from assay.project import check

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "platform/README.md", "CHANGELOG.md"]
README = (ROOT / "README.md").read_text()


def test_the_added_definitions_validate_in_the_demo_project(tmp_path: Path) -> None:
    for part in ("metrics", "experiments", "alerts"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "project.yaml", tmp_path)
    blocks = [each for each in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "warehouse:" not in each]
    for number, block in enumerate(blocks):
        (tmp_path / "metrics" / f"added_{number}.yaml").write_text(block)
    catalog, found, *_ = check(tmp_path)
    assert found == ()
    added = [name for block in blocks for kind in yaml.safe_load(block).values() for name in kind]
    assert len(blocks) == 7
    known = catalog.definitions
    kinds = (
        catalog.metrics,
        catalog.models,
        known.experiments,
        known.alerts,
        known.routes,
        known.forecasts,
        known.impacts,
        known.sources,
    )
    assert set(added) <= {name for kind in kinds for name in kind}


def test_every_command_exists() -> None:
    used = set(re.findall(r"(?:^\$|&&|`)\s*platform ([a-z]+)", README, re.MULTILINE))
    assert used <= set(COMMANDS)
    table = README[README.index("## Commands") : README.index("## What is not there yet")]
    assert all(f"`{name}" in table for name in COMMANDS)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert missing == []
