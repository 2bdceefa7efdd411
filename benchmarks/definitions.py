"""`platform validate` beside `dbt parse` over the same metrics: cold, unchanged, and with one file edited."""

from __future__ import annotations

import compileall
import json
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from itertools import count as counter
from pathlib import Path
from typing import Any

from benchmarks import dbt, projects
from benchmarks.measure import ROOT, WORK, Row, at_least, at_most, gate, process, repeat, save

PLATFORM = Path(sys.executable).with_name("platform")
# Metrics: (runs, targets when cold, unchanged and edited); the targets were set for a thousand metrics.
SIZES: dict[int, tuple[int, tuple[float | None, ...]]] = {1_000: (5, (10, 45, None)), 10_000: (3, (None, None, None))}
_REST = 2.1  # seconds; a file that changed only just before is read again to be sure that it did not change
_EDITS = counter(1)


def validate(root: Path) -> float:
    return process([PLATFORM, "validate"], root).seconds


def forget(root: Path) -> None:
    """Remove everything that was built or remembered."""
    shutil.rmtree(root / "target", ignore_errors=True)


def check(folder: Path, size: int) -> None:
    """The correctness gate: everything is counted, a mistake is found, and the cache changes no answer."""
    root = folder / "gate"
    file = projects.write_assay(root, size)
    gate(_answer(root) == {"definitions": projects.definitions(size), "errors": []}, "a right project is called wrong")
    gate(_answer(root) == {"definitions": projects.definitions(size), "errors": []}, "the cache changed the answer")
    line = projects.spoil(file)
    warm = _answer(root, code=1)
    forget(root)
    gate(warm == _answer(root, code=1), "the cache changed what is wrong")
    found = [(each["code"], each["path"], each["line"]) for each in warm["errors"]]
    gate(found == [("E204", file.relative_to(root).as_posix(), line)], f"the seeded mistake gave {found}")


def _answer(root: Path, code: int = 0) -> dict[str, Any]:
    answer = json.loads(process([PLATFORM, "validate", "--format", "json"], root, code=code).output)
    return {"definitions": answer["definitions"], "errors": answer["errors"]}


def compare(folder: Path, size: int, command: Path) -> list[Row]:
    """Three rows for a project of `size` metrics."""
    runs, targets = SIZES[size]
    sides = _ours(folder / "assay", size), _theirs(folder / "dbt", size, command)
    time.sleep(_REST)
    rows = []
    for state, target in zip(("cold", "unchanged", "one file edited"), targets, strict=True):
        ours, theirs = repeat(runs, *(partial(side, state) for side in sides))
        rows.append(at_least(f"validate {size:,} metrics, {state}", "dbt parse", ours, theirs, target))
    dbt.check(folder / "dbt", size)
    return rows


def _ours(root: Path, size: int) -> Callable[[str], float]:
    return partial(_in_state, root, projects.write_assay(root, size), validate)


def _theirs(root: Path, size: int, command: Path) -> Callable[[str], float]:
    return partial(_in_state, root, dbt.write(root, size), partial(dbt.parse, command))


def _in_state(root: Path, file: Path, run: Callable[[Path], float], state: str) -> float:
    if state == "cold":
        forget(root)
    if state == "one file edited":
        projects.edit(file, next(_EDITS))
    return run(root)


def help_page() -> Row:
    """`platform --help` beside the import that no command line tool of ours can do without."""
    sides = [PLATFORM, "--help"], [sys.executable, "-c", "import click"]
    ours, theirs = repeat(15, *(lambda side=side: process(side, ROOT).seconds for side in sides))
    return at_most("platform --help", "python -c 'import click'", ours, theirs, 2)


def _compile() -> None:
    for folder in (ROOT / "platform", Path(sysconfig.get_paths()["purelib"])):
        compileall.compile_dir(folder, quiet=2)


def main() -> None:
    folder = WORK / "definitions"
    shutil.rmtree(folder, ignore_errors=True)
    _compile()
    command = dbt.install()
    check(folder, 100)
    rows = [help_page()]
    for size in SIZES:
        rows += compare(folder / str(size), size, command)
    versions = {name: version(name) for name in ("click", "pydantic", "sqlglot")} | dbt.versions()
    save(
        "definitions", "Definitions", rows, versions,
        gate="All definitions are counted, a seeded mistake is found in its line, and the cache changes no answer; "
        "dbt's manifest holds every metric.",
        project=f"{projects.PER_FILE} metrics a file, {projects.PER_SOURCE} a source, every condition different. "
        "The edit changes a description, and in ours also a SQL condition.",
        bytecode="Compiled before; dbt's own partial parsing is on.",
    )  # fmt: skip


if __name__ == "__main__":
    main()
