"""Which definitions the mistakes of a project belong to, and so which DAGs cannot be made anew."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.catalog.manifest import Key
from assay.config.definitions import Definition, Definitions
from assay.config.load import Loaded
from assay.config.root import PROJECT
from assay.errors import Diagnostic


@dataclass(frozen=True, slots=True)
class Damage:
    """`broken` definitions are wrong; `files` hold mistakes that belong to none; `paths` are where the others stand.

    When the `settings` are wrong, nothing can be made anew.
    """

    broken: frozenset[Key]
    files: frozenset[str]
    paths: Mapping[Key, str]
    settings: bool = False

    def refuses(self, reads: Iterable[Key]) -> bool:
        """Whether a new DAG would be made from something wrong."""
        return self.settings or not self.broken.isdisjoint(reads)

    def keeps(self, reads: Mapping[str, str]) -> bool:
        """Whether something that an old DAG reads is wrong now, or went away with a file that cannot be read."""
        return self.settings or any(self._hit(_key(name), path) for name, path in reads.items())

    def _hit(self, key: Key, path: str) -> bool:
        return key in self.broken or (path in self.files and key not in self.paths)


def assess(loaded: Loaded, mistakes: Collection[Diagnostic]) -> Damage:
    """The damage of what loading refused, and of `mistakes` that were found after it."""
    owners = {each: owner(loaded.definitions, each) for each in mistakes}
    found = {key for key in owners.values() if key is not None}
    found |= {(kind.removesuffix("s"), name) for kind, name in loaded.broken}
    loose = [*loaded.diagnostics, *(each for each, key in owners.items() if key is None)]
    files = {each.location.path for each in loose if each.location and each.severity == "error"}
    paths = {_own(each): each.location.path for each in loaded.definitions}
    settings = any(each.location and each.location.path == PROJECT for each in loaded.diagnostics)
    return Damage(frozenset(found), frozenset(files - {PROJECT}), paths, settings)


def owner(definitions: Definitions, mistake: Diagnostic) -> Key | None:
    """The definition that a mistake is in: the last one that begins before it, or the model of its SQL file."""
    place = mistake.location
    if place is None:
        return None
    above = [each for each in definitions if each.location.path == place.path and each.location.line <= place.line]
    above = above or [each for each in definitions.models.values() if _file(each) == place.path]
    return _own(max(above, key=lambda each: each.location)) if above else None


def _file(model: Definition[Any]) -> str:
    """The path of the file with a model's SELECT."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(model.location.path), model.spec.file or ""))


def _own(definition: Definition[Any]) -> Key:
    return definition.kind.removesuffix("s"), definition.name


def _key(text: str) -> Key:
    kind, _, name = text.partition("/")
    return kind, name
