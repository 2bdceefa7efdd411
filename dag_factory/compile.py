"""`platform dags compile`: definitions → a manifest that Airflow loads. What is wrong keeps its last good DAGs.

A DAG is refused when something that it reads is wrong. In its place stays the one that was compiled last, marked stale,
with the definitions that it was made from. The others go on.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.catalog.catalog import Catalog
from assay.catalog.manifest import Key
from assay.catalog.memory import remembering
from assay.catalog.resolve import resolve
from assay.config import cache
from assay.config.cache import ABSENT, Inputs
from assay.config.load import load
from assay.config.root import PROJECT, find_root
from assay.errors import DefinitionsError, Diagnostic
from dag_factory import rules, store
from dag_factory.damage import Damage, assess
from dag_factory.plan import Planned, plan, pools
from dag_factory.spec import DagSpec
from dag_factory.store import Manifest, Shard


@dataclass(frozen=True, slots=True)
class Examined:
    """A project as Airflow would see it; `errors` are all that stop a DAG."""

    catalog: Catalog
    planned: tuple[Planned, ...]
    errors: tuple[Diagnostic, ...]
    damage: Damage
    inputs: Inputs


@dataclass(frozen=True, slots=True)
class Compiled:
    """What was compiled; `changed` is False when the manifest in use says the same already."""

    manifest: Manifest
    dags: tuple[DagSpec, ...]
    seconds: float
    changed: bool

    def as_dict(self) -> dict[str, Any]:
        """The contract of `dags compile`."""
        return {
            "sha": self.manifest.sha,
            "changed": self.changed,
            "dags": [_told(each) for each in self.dags],
            "errors": [dict(each) for each in self.manifest.errors],
            "seconds": round(self.seconds, 3),
        }


def _told(dag: DagSpec) -> dict[str, Any]:
    tasks = [each.task_id for each in dag.tasks]
    found = {"dag_id": dag.dag_id, "kind": dag.kind, "schedule": str(dag.schedule), "tasks": tasks}
    return found | {"assets": list(dag.outlets), "stale": dag.stale, "path": dag.path, "line": dag.line}


def examine(folder: Path) -> Examined:
    """Read a project and plan its DAGs; nothing is written but the caches of definitions."""
    loaded = load(find_root(folder))
    with remembering(loaded.definitions.root):
        catalog, found = resolve(loaded.definitions, loaded.broken)
    planned = plan(catalog)
    mine = rules.check(catalog, planned)
    damage = assess(loaded, _errors([*found, *mine]))
    return Examined(catalog, planned, _errors([*loaded.diagnostics, *found, *mine]), damage, loaded.inputs)


def _errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    found = {each for each in diagnostics if each.severity == "error"}
    return tuple(
        sorted(found, key=lambda each: (str(each.location and each.location.path), each.location or "", each.code))
    )


def compile_dags(folder: Path) -> Compiled:
    """Write the manifest of a project and make it the one in use; nothing is done when no file has changed."""
    begin, root = time.perf_counter(), find_root(folder)
    last = _last(root)
    if last is not None and fresh(root, last):
        dags = tuple(store.shards(root, last.sha))
        return Compiled(last, dags, time.perf_counter() - begin, changed=False)
    found = examine(root)
    dags, reads = merge(root, last, found)
    manifest = _write(root, found, dags, reads)
    changed = last is None or last.sha != manifest.sha
    return Compiled(manifest, dags, time.perf_counter() - begin, changed)


def fresh(root: Path, manifest: Manifest) -> bool:
    """Whether a manifest is whole, and made from the definitions as they are now."""
    same = manifest.inputs == store.inputs_digest(cache.look(root, manifest.folders, {}))
    return same and store.definitions(root, manifest.inputs).is_dir() and not store.damaged(root, manifest)


def _last(root: Path) -> Manifest | None:
    try:
        return store.read(root)
    except DefinitionsError:
        return None


def merge(root: Path, last: Manifest | None, found: Examined) -> tuple[tuple[DagSpec, ...], dict[str, dict[str, str]]]:
    """The DAGs by id, new ones and those that are kept; and what each of them reads: `kind/name`: path."""
    digest = store.inputs_digest(found.inputs)
    dags, reads = dict[str, DagSpec](), dict[str, dict[str, str]]()
    for each in found.planned:
        if not found.damage.refuses(each.reads) and each.dag.dag_id not in dags:
            dags[each.dag.dag_id] = replace(each.dag, definitions=digest)
            reads[each.dag.dag_id] = _paths(found, each.reads)
    for name, shard in last.shards.items() if last else ():
        if last and found.damage.keeps(shard.reads):
            dags[name] = replace(store.shard(root, last.sha, name), stale=True)
            reads[name] = dict(shard.reads)
    return tuple(dags[name] for name in sorted(dags)), reads


def _paths(found: Examined, reads: Iterable[Key]) -> dict[str, str]:
    paths = found.damage.paths
    return {"/".join(key): paths.get(key, PROJECT) for key in sorted(reads)}


def _write(root: Path, found: Examined, dags: Iterable[DagSpec], reads: Mapping[str, Mapping[str, str]]) -> Manifest:
    texts = {each.dag_id: json.dumps(each.as_dict(), sort_keys=True) for each in dags}
    shards = {name: Shard(store.digest(text), reads[name]) for name, text in texts.items()}
    errors = tuple(each.as_dict() for each in found.errors)
    pool = tuple(
        {"name": each.name, "slots": each.slots, "description": each.description} for each in pools(found.catalog)
    )
    inputs = store.inputs_digest(found.inputs)
    body = {
        "version": store.VERSION,
        "inputs": inputs,
        "folders": found.inputs.folders,
        "shards": {name: (each.digest, each.reads) for name, each in shards.items()},
        "pools": pool,
    }
    text = json.dumps(body, sort_keys=True)
    sha = store.digest(text + json.dumps(errors))
    _keep_definitions(root, found.inputs, inputs)
    files = {"manifest.json": text, "errors.json": json.dumps(errors, ensure_ascii=False, indent=1)}
    _publish(root, sha, files | {f"shards/{name}.json": each for name, each in texts.items()})
    return Manifest(sha, inputs, found.inputs.folders, shards, pool, errors)


def _keep_definitions(root: Path, inputs: Inputs, digest: str) -> None:
    """A copy of the files as they were read, which tasks work from."""
    contents = {path: _content(root / path, state[0]) for path, state in inputs.states.items() if state[0] != ABSENT}
    folder = store.definitions(root, digest)
    if not folder.is_dir():
        _folder(folder, contents)


def _content(path: Path, digest: bytes) -> bytes:
    content = path.read_bytes()
    if cache.digest(content) != digest:
        raise store.missing(f"{path.name} changed while it was compiled")
    return content


def _publish(root: Path, sha: str, files: Mapping[str, str]) -> None:
    """Write a manifest aside, give it its name, and make it the one in use: readers see all of it or none."""
    folder = store.home(root) / sha
    if folder.is_dir():  # the same content, unless somebody damaged it
        shutil.rmtree(folder)
    _folder(folder, {path: text.encode() for path, text in files.items()})
    pointer = store.home(root) / f"current.{os.getpid()}"
    pointer.write_text(sha, encoding="ascii")
    pointer.replace(store.home(root) / "current")


def _folder(folder: Path, files: Mapping[str, bytes]) -> None:
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    for path, content in files.items():
        (aside / path).parent.mkdir(parents=True, exist_ok=True)
        (aside / path).write_bytes(content)
    aside.mkdir(parents=True, exist_ok=True)
    aside.replace(folder)
