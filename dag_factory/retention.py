"""Old manifests: those that no run can need any more are removed."""

from __future__ import annotations

import shutil
from pathlib import Path

from dag_factory import store

KEEP = 20  # manifests; a run that is repeated after so many changes begins with the newest


def remove_old(root: Path, keep: int = KEEP) -> int:
    """Remove all but the newest manifests and the one in use, and definitions that none of these was made from.

    Returns how many folders went. A read-only deployment removes nothing.
    """
    home, now = store.home(root), store.current(root)
    manifests = [each for each in home.iterdir() if (each / "manifest.json").is_file()]
    manifests.sort(key=lambda each: (each.stat().st_mtime, each.name), reverse=True)
    kept = {*(each.name for each in manifests[:keep]), now}
    needed = {dag.definitions for sha in kept for dag in store.shards(root, sha)} | {store.read(root, now).inputs}
    old = [each for each in manifests if each.name not in kept]
    old += [each for each in (home / "definitions").iterdir() if each.name not in needed]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)
