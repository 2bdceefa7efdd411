"""The definitions of a git revision, loaded as if they were the project's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.catalog.catalog import Catalog
from assay.catalog.resolve import resolve
from assay.config.load import load
from assay.config.root import INPUTS, PROJECT
from assay.errors import UsageError

_FILE = b"blob"
_PLAIN = (b"100644", b"100755")  # what is a link in the revision may point anywhere


@contextmanager
def definitions(root: Path, revision: str) -> Iterator[tuple[Catalog, int]]:
    """The catalog of what was right at a revision, and how many mistakes there were. Raises UsageError E604."""
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    name = commit.decode().strip()
    with TemporaryDirectory() as folder:
        _write(root, name, Path(folder))
        if not (Path(folder) / PROJECT).is_file():
            raise _refused(f"There is no {PROJECT} at {revision}.", "Name a revision in which the project is there.")
        loaded = load(Path(folder), use_cache=False)
        catalog, found = resolve(loaded.definitions, loaded.broken)
        yield catalog, sum(each.severity == "error" for each in (*loaded.diagnostics, *found))


def prefix(root: Path) -> str:
    """The path from the repository to the project, such as `shop/`; empty outside of git."""
    try:
        return _run(root, ["rev-parse", "--show-prefix"]).stdout.decode().strip()
    except OSError:
        return ""


def _write(root: Path, commit: str, folder: Path) -> None:
    """Every file that definitions are made of, as it was below the project's folder."""
    listed = _git(root, "ls-tree", "-r", "-z", commit).split(b"\0")
    rows = [(each.partition(b"\t")[0].split(b" "), os.fsdecode(each.partition(b"\t")[2])) for each in listed if each]
    blobs = {
        path: row[2]
        for row, path in rows
        if row[0] in _PLAIN and row[1] == _FILE and path.endswith(INPUTS) and ".." not in path.split("/")
    }
    contents = _contents(root, list(blobs.values()))
    for path, content in zip(blobs, contents, strict=True):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _contents(root: Path, blobs: Sequence[bytes]) -> Iterator[bytes]:
    """The content of each blob. git answers with a line `<id> blob <size>`, the content and a line end."""
    answer, at = _git(root, "cat-file", "--batch", stdin=b"".join(blob + b"\n" for blob in blobs)), 0
    for _ in blobs:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split(b" ")[2])
        yield answer[end + 1 : end + 1 + size]
        at = end + 2 + size


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    try:
        done = _run(root, arguments, stdin)
    except OSError as error:
        raise _refused(
            f"git cannot be started: {error.strerror}.", "Install git, or plan without --against."
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        what = said[0].removeprefix("fatal: ").rstrip(".") if said else f"there is no such commit: {arguments[-1]}"
        raise _refused(f"git says: {what}.", "Run inside the repository, and name a branch, tag or commit that it has.")
    return done.stdout


def _run(root: Path, arguments: Sequence[str], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(root), *arguments], input=stdin, capture_output=True, check=False)  # noqa: S603, S607 - git of the user's PATH


def _refused(message: str, fix: str) -> UsageError:
    return UsageError.of("E604", message, why="--against compares with the definitions of a git revision.", fix=fix)
