"""What is already known about unchanged files, so that asking twice costs little.

Three files below `<target>/cache/`: the outcome of the last validation, every file as parsed YAML, and what is known
about SQL expressions. Each begins with a keyed digest of the rest. The key covers Python, this package's code and the
installed packages, so that a damaged or foreign file is ignored and written anew. A cache that cannot be written is no
error.

A file counts as unchanged while its times, size and inode are the same, and otherwise while its content is. Times tell
nothing about a file that changed only just before it was looked at: its content is compared every time.
This module imports the standard library and `assay.errors` only, because it answers before anything else is imported.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

from assay.config.root import content, inputs, target
from assay.errors import Diagnostic, Location

# (digest of the content, (modified, changed, size, inode) or None while the times say nothing); times in nanoseconds.
State: TypeAlias = tuple[bytes, tuple[int, int, int, int] | None]

# File systems keep times as coarse as two seconds (FAT), and the clock of a file server may differ a little.
_RECENT = 2_000_000_000
_DIGEST = 16
ABSENT = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `validate` says: how many definitions there are, and every diagnostic.

    `until`, in seconds since 1970: from when on time alone gives another answer, as when a silence ends.
    """

    definitions: int
    diagnostics: tuple[Diagnostic, ...] = ()
    until: float = inf


@dataclass(frozen=True, slots=True)
class Inputs:
    """The state of every file below `folders`, and of project.yaml, by its path from the root."""

    folders: tuple[str, ...]
    states: Mapping[str, State]

    def same_content(self, other: Inputs) -> bool:
        mine, others = ({path: state[0] for path, state in each.states.items()} for each in (self, other))
        return self.folders == other.folders and mine == others


def look(root: Path, folders: Iterable[str], known: Mapping[str, State]) -> Inputs:
    """The inputs as they are now; only files that differ from `known` by their times, size or inode are read."""
    folders = tuple(folders)
    old = time.time_ns() - _RECENT
    states = {path: _state(root, path, stat, known.get(path), old) for path, stat in inputs(root, folders).items()}
    return Inputs(folders, states)


def outcome(root: Path, at: float = 0.0) -> Outcome | None:
    """The stored outcome while nothing has changed since and it holds at the time `at`, else None."""
    saved = _read(root, "outcome")
    if saved is None:
        return None
    folders, states, definitions, diagnostics, until = saved
    before, now = Inputs(folders, states), look(root, folders, states)
    if at >= until or not now.same_content(before):
        return None
    if now != before:
        _write(root, "outcome", (folders, now.states, definitions, diagnostics, until))
    return Outcome(definitions, tuple(_unpack(each) for each in diagnostics), until)


def store(root: Path, result: Outcome, seen: Inputs) -> None:
    """Keeps `result`, which was reached from the inputs `seen` before the work began."""
    diagnostics = [_pack(each) for each in result.diagnostics]
    _write(root, "outcome", (seen.folders, dict(seen.states), result.definitions, diagnostics, result.until))


def documents(root: Path) -> tuple[dict[str, State], dict[str, tuple[Any, ...]]]:
    """The states and parsed documents stored last, by path: (digest, and whatever `store_documents` was given)."""
    return _read(root, "documents") or ({}, {})


def store_documents(root: Path, seen: Inputs, parsed: Mapping[str, tuple[Any, ...]]) -> None:
    """Keeps parsed documents: tuples of a digest and plain data."""
    _write(root, "documents", (dict(seen.states), dict(parsed)))


def expressions(root: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """What was learnt about SQL expressions, by their text: (normalised text, columns)."""
    return _read(root, "expressions") or {}


def store_expressions(root: Path, parsed: Mapping[str, tuple[str, frozenset[str]]]) -> None:
    """Keeps what was learnt; the text alone decides it, so nothing here can be out of date."""
    _write(root, "expressions", dict(parsed))


def digest(content: bytes) -> bytes:
    """What stands for the content of a file."""
    return blake2b(content, digest_size=_DIGEST).digest()


def _state(root: Path, path: str, stat: os.stat_result | None, known: State | None, old: int) -> State:
    if stat is None:
        return ABSENT, None
    stamp = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
    if known is not None and known[1] == stamp:
        return known
    try:
        found = content(root, path)
    except OSError:
        return ABSENT, None
    return digest(found), stamp if max(stamp[:2]) < old else None


def _read(root: Path, name: str) -> Any:
    try:
        content = _file(root, name).read_bytes()
    except OSError:
        return None
    written, payload = content[:_DIGEST], content[_DIGEST:]
    return marshal.loads(payload) if _seal(payload) == written else None  # noqa: S302 - sealed by ourselves


def _write(root: Path, name: str, value: Any) -> None:
    payload = marshal.dumps(value)
    path = _file(root, name)
    temporary = path.with_name(f"{name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_seal(payload) + payload)
        temporary.replace(path)


def _file(root: Path, name: str) -> Path:
    return target(root) / "cache" / name


def _seal(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_DIGEST, key=_key()).digest()


@cache
def _key() -> bytes:
    return digest(repr((sys.version, *_code(), _installed())).encode())


def _code() -> Iterator[tuple[str, int, int]]:
    """Name, time and size of every file of this package: changed code may judge differently."""
    for folder, folders, files in os.walk(Path(__file__).parents[1]):
        folders[:] = sorted(each for each in folders if each != "__pycache__")
        for name in sorted(files):
            stat = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 - hundreds of files on the quick path
            yield name, stat.st_mtime_ns, stat.st_size


def _installed() -> int:
    """When a package was last installed beside pydantic, as the time of their common folder."""
    spec = find_spec("pydantic")
    return Path(spec.origin).parents[1].stat().st_mtime_ns if spec and spec.origin else 0


def _pack(each: Diagnostic) -> tuple[Any, ...]:
    place = each.location and (each.location.path, each.location.line, each.location.column)
    return each.code, each.message, each.why, each.fix, place, each.severity


def _unpack(packed: tuple[Any, ...]) -> Diagnostic:
    code, message, why, fix, place, severity = packed
    return Diagnostic(code, message, why, fix, place and Location(*place), severity)
