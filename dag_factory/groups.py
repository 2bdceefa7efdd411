"""Groups of models: a DAG each. A group is a file; files whose models need each other in a circle are one group."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from assay.catalog.catalog import Catalog

_NOT_IN_IDS = re.compile(r"[^a-z0-9_]+")


def of(catalog: Catalog) -> dict[str, str]:
    """Model: the name of its group."""
    found = {name: slug(model.definition.location.path) for name, model in catalog.models.items()}
    while circle := _circle(catalog, found):
        found = {name: min(circle) if group in circle else group for name, group in found.items()}
    return found


def members(groups: Mapping[str, str]) -> dict[str, list[str]]:
    """Group: its models, both sorted; the inverse of `of`."""
    found: dict[str, list[str]] = {}
    for name, group in sorted(groups.items()):
        found.setdefault(group, []).append(name)
    return dict(sorted(found.items()))


def slug(path: str) -> str:
    """A path as a part of an id: `metrics/models.yaml` is `metrics_models`."""
    return _NOT_IN_IDS.sub("_", str(PurePosixPath(path).with_suffix("")).lower())


def _circle(catalog: Catalog, groups: dict[str, str]) -> list[str]:
    """Groups that need each other, if any do."""
    needs: dict[str, set[str]] = {group: set() for group in groups.values()}
    for name, group in groups.items():
        needs[group] |= {groups[each] for each in catalog.models[name].needs} - {group}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
