"""The same metrics twice: as an Assay project and as a dbt project with semantic models.

Ten metrics a file, two hundred a source. No two conditions are alike, so that nothing is gained by remembering one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Template

PER_FILE = 10
PER_SOURCE = 200
# The tenth metric of a file, in turns.
LAST = ("{}_set.yaml", "{}_rolling.yaml")
_COUNTRIES = ("AT", "BE", "CZ", "DE", "EE", "FI", "GR")

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def template(name: str) -> Template:
    """A text of `templates/` with `$name` placeholders."""
    return Template((_TEMPLATES / name).read_text("utf-8"))


def write_assay(root: Path, count: int) -> Path:
    """A project of `count` metrics, a multiple of ten. Returns a file to edit."""
    folder = root / "metrics"
    folder.mkdir(parents=True)
    root.joinpath("project.yaml").write_text(template("assay_project.yaml").template, "utf-8")
    for source in range(shops(count)):
        folder.joinpath(f"shop_{source}.yaml").write_text(template("assay_source.yaml").substitute(n=source), "utf-8")
    for number, values in campaigns(count):
        parts = ("assay_metrics.yaml", LAST[number % 2].format("assay"))
        text = "".join(template(part).substitute(values) for part in parts)
        folder.joinpath(f"campaign_{number}.yaml").write_text(text, "utf-8")
    return folder / "campaign_0.yaml"


def definitions(count: int) -> int:
    """How many definitions the Assay project holds: the metrics and their sources."""
    return count + shops(count)


def edit(file: Path, number: int) -> None:
    """Change the first description in a file and, in ours, a SQL condition, differently for each `number`."""
    text = re.sub(r"description: .*", f"description: Edit {number}.", file.read_text("utf-8"), count=1)
    file.write_text(re.sub(r"age >= \d+", f"age >= {number}", text), "utf-8")


def spoil(file: Path) -> int:
    """Name a column that does not exist. Returns the line."""
    text = file.read_text("utf-8")
    file.write_text(text.replace("price > 0", "prize > 0"), "utf-8")
    return text[: text.index("price > 0")].count("\n") + 1


def shops(count: int) -> int:
    """How many sources there are."""
    return -(-count // PER_SOURCE)


def campaigns(count: int) -> Iterator[tuple[int, dict[str, object]]]:
    """The number of each file, and what its templates need."""
    for number in range(count // PER_FILE):
        source = f"shop_{number * PER_FILE // PER_SOURCE}"
        yield number, {"n": number, "source": source, "country": _COUNTRIES[number % len(_COUNTRIES)]}
