"""The demo project's own definitions: the top level of the repository, shipped inside the wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

from assay.errors import UsageError

PARTS = ("project.yaml", "metrics", "experiments", "alerts")


def home() -> Path:
    """Where the definitions are: beside this file in a wheel, at the repository's top in a checkout."""
    packaged = Path(__file__).parent / "files"
    return packaged if packaged.exists() else Path(__file__).resolve().parents[3]


def copy_to(folder: Path) -> None:
    """Copy the demo project. Raises UsageError E601 when the folder is there already."""
    if folder.exists():
        raise UsageError.of(
            "E601",
            f"The folder {folder} is there already.",
            why="The demo project would be mixed with what it holds.",
            fix=f"Delete it, or run the demo inside it: platform demo --project {folder}",
        )
    folder.mkdir(parents=True)
    for part in PARTS:
        source = home() / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
