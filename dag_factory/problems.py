"""What is wrong with the compiled DAGs, for people who look at Airflow: every mistake with its file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assay.config import cache
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
    """Mistakes in the definitions, damaged DAGs, and a manifest that is older than the definitions."""
    try:
        root = root or store.project_folder()
        manifest = store.read(root)
    except AssayError as error:
        yield from (str(each) for each in error.diagnostics)
        return
    yield from (_told(each) for each in manifest.errors)
    yield from (f"E803 The DAG '{name}' is damaged: compile again." for name in store.damaged(root, manifest))
    if outdated(root, manifest):
        yield "E803 The definitions have changed since they were compiled: run 'platform dags compile'."


def outdated(root: Path, manifest: Manifest) -> bool:
    """Whether the definitions beside the manifest are others than it was made from."""
    return manifest.inputs != store.inputs_digest(cache.look(root, manifest.folders, {}))


def _told(error: object) -> str:
    assert isinstance(error, dict)
    where = f"{error['path']}:{error['line']}:{error['column']}: " if error["path"] else ""
    return f"{where}{error['code']} {error['message']}\n  fix: {error['fix']}"
