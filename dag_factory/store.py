"""The compiled DAGs on disk. Reading them is what a parse costs, so this module needs the standard library only.

<target>/manifest/
  current                        the name of the manifest in use, replaced atomically
  <sha>/manifest.json            what was compiled: the digests of the shards, who reads what, pools
  <sha>/errors.json              what is wrong in the definitions; an empty list when nothing is
  <sha>/shards/<dag_id>.json     one DAG, as a parse or a task reads it
  definitions/<digest>/          the files of the project as they were, for the tasks of a run that began with them
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay import __version__
from assay.config.root import find_root, target
from assay.errors import DefinitionsError
from dag_factory.spec import DagSpec, from_dict

if TYPE_CHECKING:
    from assay.config.cache import Inputs

VERSION = 1
_NAME = re.compile(r"[0-9a-f]{32}")
PROJECT_VARIABLE = "ASSAY_PROJECT"


@dataclass(frozen=True, slots=True)
class Shard:
    """What a manifest knows about a DAG without reading it: the digest of its file, and the definitions behind it, as
    `kind/name` with the path that they stand in."""

    digest: str
    reads: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One compilation. `inputs` is the digest of the files that it was made from, `folders` are where they are."""

    sha: str
    inputs: str
    folders: tuple[str, ...]
    shards: Mapping[str, Shard]
    pools: tuple[Mapping[str, Any], ...] = ()
    errors: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    def pools_file(self) -> dict[str, dict[str, Any]]:
        """The pools as `airflow pools import` reads them."""
        said = ("slots", "description")
        return {each["name"]: {**{name: each[name] for name in said}, "include_deferred": False} for each in self.pools}


def digest(text: str | bytes) -> str:
    """What stands for a content, and names it."""
    return blake2b(text.encode() if isinstance(text, str) else text, digest_size=16).hexdigest()


def project_folders(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The projects that Airflow runs: those of ASSAY_PROJECT, with a colon between them, else the one around this
    package."""
    named = environ.get(PROJECT_VARIABLE) or str(Path(__file__).parent)
    return tuple(Path(each) for each in named.split(os.pathsep) if each)


def project_of(dag_id: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The first project that has a DAG of this id, or the first of all. Raises DefinitionsError E106 or E803."""
    first, *others = (find_root(each) for each in project_folders(environ))
    having = (each for each in (first, *others) if not others or shard_file(each, current(each), dag_id).is_file())
    return next(having, first)


def inputs_digest(inputs: Inputs) -> str:
    """The digest of every file of a project, by path, and of the version that reads them."""
    states = [(path, state[0].hex()) for path, state in sorted(inputs.states.items())]
    return digest(json.dumps([VERSION, __version__, states]))


def home(root: Path) -> Path:
    return target(root) / "manifest"


def _folder(root: Path, name: str, below: str = "") -> Path:
    """A folder that is named by a digest; a name that is none could lead elsewhere."""
    if not _NAME.fullmatch(name):
        raise missing(f"'{name}' is not the name of a manifest")
    return home(root) / below / name


def definitions(root: Path, name: str) -> Path:
    """The folder with the files of a project as they were. Raises DefinitionsError E803 for what is no digest."""
    return _folder(root, name, "definitions")


def current(root: Path) -> str:
    """The name of the manifest in use. Raises DefinitionsError E803 when nothing was compiled."""
    try:
        return (home(root) / "current").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise missing("Nothing was compiled yet") from None


def read(root: Path, sha: str | None = None) -> Manifest:
    """A manifest, the one in use without `sha`. Raises DefinitionsError E803 when it is missing or damaged."""
    sha = sha or current(root)
    folder = _folder(root, sha)
    try:
        value = json.loads((folder / "manifest.json").read_bytes())
        errors = json.loads((folder / "errors.json").read_bytes())
        if value["version"] != VERSION:
            raise ValueError(f"version {value['version']}")
        shards = {name: Shard(*each) for name, each in value["shards"].items()}
        return Manifest(sha, value["inputs"], tuple(value["folders"]), shards, tuple(value["pools"]), tuple(errors))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise missing(f"The manifest {sha} cannot be read ({error})") from error


def shard_file(root: Path, sha: str, dag_id: str) -> Path:
    return _folder(root, sha) / "shards" / f"{Path(dag_id).name}.json"


def shard(root: Path, sha: str, dag_id: str) -> DagSpec:
    """One DAG. Raises DefinitionsError E803 when its file is missing or damaged."""
    try:
        return from_dict(json.loads(shard_file(root, sha, dag_id).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise missing(f"The DAG '{dag_id}' cannot be read from the manifest {sha} ({error})") from error


def shards(root: Path, sha: str) -> Iterator[DagSpec]:
    """Every DAG that can be read, by id; `damaged` names the others."""
    folder = _folder(root, sha) / "shards"
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():  # noqa: PTH208 - a thousand files per parse
        try:
            yield shard(root, sha, name.removesuffix(".json"))
        except DefinitionsError:
            continue


def damaged(root: Path, manifest: Manifest) -> list[str]:
    """The DAGs whose files are missing, or are not what was compiled."""
    return [name for name, each in manifest.shards.items() if _digest(root, manifest.sha, name) != each.digest]


def _digest(root: Path, sha: str, dag_id: str) -> str | None:
    try:
        return digest(shard_file(root, sha, dag_id).read_bytes())
    except OSError:
        return None


def missing(what: str) -> DefinitionsError:
    """What every mistake of this folder is told with."""
    return DefinitionsError.of(
        "E803",
        f"{what}.",
        why="Airflow loads DAGs that were compiled from the definitions.",
        fix="Run 'platform dags compile' in the project.",
    )
