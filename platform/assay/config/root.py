"""Where a project is and which files belong to it; light enough for the path that answers from the cache."""

from __future__ import annotations

import errno
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISREG

from assay.errors import DefinitionsError

PROJECT = "project.yaml"
TARGET = "target"
YAML = (".yaml", ".yml")
# What definitions are made of: YAML, and the SQL and Jinja macros beside it.
SQL = (".sql", ".j2")
INPUTS = (*YAML, *SQL)
LARGEST = 5_000_000  # bytes of a file of definitions
_TARGET = re.compile(rb"""^target:[ \t]+["']?([^"'\s#]+)""", re.MULTILINE)


def find_root(start: Path) -> Path:
    """The nearest folder, `start` or above it, that holds `project.yaml`; DefinitionsError E106 if there is none."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / PROJECT).is_file():
            return folder
    raise DefinitionsError.of(
        "E106",
        f"No {PROJECT} in {start} or in a folder above it.",
        why="It marks the root of a project and holds its settings.",
        fix="Change into a project, name one with --project DIR, or create one with `platform init DIR`.",
    )


def content(root: Path, path: str) -> bytes:
    """What a file of the project holds. OSError unless it is a file below `root`, where a link may lead too, of at
    most `LARGEST` bytes: a pipe would wait for ever, and a device never ends."""
    real = os.path.realpath(root / path)
    if os.path.commonpath((real, os.path.realpath(root))) != os.path.realpath(root):
        raise OSError(errno.EXDEV, "It lies outside the project")
    with os.fdopen(os.open(real, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        stat = os.fstat(file.fileno())
        if not S_ISREG(stat.st_mode):
            raise OSError(errno.EINVAL, "It is not a plain file")
        if stat.st_size > LARGEST:
            raise OSError(errno.EFBIG, f"It is larger than {LARGEST:,} bytes")
        return file.read(LARGEST)


def is_inside(folder: str) -> bool:
    """Whether a path from the project's root on stays inside it."""
    path = posixpath.normpath(folder)
    return not (path.startswith(("/", "..")) or "\0" in path)


def target(root: Path) -> Path:
    """Where built things go, read without a YAML parser: `target:` at the left edge of project.yaml."""
    try:
        found = _TARGET.search(content(root, PROJECT))
    except OSError:
        found = None
    folder = os.fsdecode(found[1]) if found else TARGET
    return root / (folder if is_inside(folder) else TARGET)


def inputs(root: Path, folders: Iterable[str]) -> dict[str, os.stat_result | None]:
    """Every file that a project is loaded from, by its posix path from the root, sorted.

    Hidden files and the target folder are left out. What is missing or cannot be entered is None.
    """
    skip = os.path.normpath(target(root))
    found: dict[str, os.stat_result | None] = {PROJECT: _stat(root / PROJECT)}
    for folder in map(posixpath.normpath, folders):
        found.update(_walk(os.path.normpath(root / folder), folder, skip))
    return dict(sorted(found.items()))


def _walk(folder: str, name: str, skip: str) -> Iterator[tuple[str, os.stat_result | None]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        yield name, None
        return
    above = "" if name == "." else f"{name}/"
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):  # a linked folder could lead back here
            if entry.path != skip:
                yield from _walk(entry.path, above + entry.name, skip)
        elif entry.name.endswith(INPUTS):
            yield above + entry.name, _stat(entry)


def _stat(file: Path | os.DirEntry[str]) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None
