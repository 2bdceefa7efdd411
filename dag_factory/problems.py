"""What is wrong with the compiled DAGs, for people who look at Airflow: every mistake with its file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assay.config import cache
from assay.config.root import find_root
from assay.errors import AssayError
from dag_factory import store
from dag_factory.store import Manifest


class BrokenDefinitionsError(Exception):
    """Shown by `airflow dags list-import-errors`, and at the top of Airflow's page of DAGs."""


def raise_problems(root: Path | None = None) -> None:
    """Raises BrokenDefinitionsError with a line for each problem."""
    found = list(problems(root))
    if found:
        raise BrokenDefinitionsError("\n".join(["", *found]))


def problems(root: Path | None = None) -> Iterator[str]:
    """Mistakes in the definitions, damaged DAGs, ids of two projects, and manifests older than the definitions."""
    seen: dict[str, Path] = {}
    for folder in [root] if root else store.project_folders():
        try:
            yield from _problems(find_root(folder), seen)
        except AssayError as error:
            yield from (str(each) for each in error.diagnostics)


def _problems(root: Path, seen: dict[str, Path]) -> Iterator[str]:
    """Of one project; `seen` are the DAGs of the projects before it, to which its own are added."""
    manifest = store.read(root)
    yield from (_told(each) for each in manifest.errors)
    yield from (f"E803 The DAG '{name}' is damaged: compile again." for name in store.damaged(root, manifest))
    if outdated(root, manifest):
        yield "E803 The definitions have changed since they were compiled: run 'platform dags compile'."
    for name in sorted(manifest.shards.keys() & seen.keys()):
        yield f"E801 '{name}' of {root} is a DAG of {seen[name]}, too, which runs: set airflow: prefix: in one of them."
    seen.update(dict.fromkeys(manifest.shards.keys() - seen.keys(), root))


def outdated(root: Path, manifest: Manifest) -> bool:
    """Whether the definitions beside the manifest are others than it was made from."""
    return manifest.inputs != store.inputs_digest(cache.look(root, manifest.folders, {}))


def _told(error: object) -> str:
    assert isinstance(error, dict)
    where = f"{error['path']}:{error['line']}:{error['column']}: " if error["path"] else ""
    return f"{where}{error['code']} {error['message']}\n  fix: {error['fix']}"
