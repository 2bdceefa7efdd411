"""Reads a project: every definition of every file, and every mistake in one go."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.config.cache import ABSENT, Inputs
from assay.config.definitions import KINDS, Definition, Definitions
from assay.config.files import as_read, read, read_file
from assay.config.project import ProjectSpec
from assay.config.root import PROJECT, find_root
from assay.config.shape import Subject, bad_name, check, nearest, validate
from assay.config.yaml import Document, Place, Places, kind_of
from assay.errors import Diagnostic, Location

__all__ = ["Loaded", "find_root", "load"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read. Names in `broken` are defined, but wrongly: a reference to one is not a second mistake.

    `inputs` is the state of the files that were read, for `cache.store`.
    """

    definitions: Definitions
    diagnostics: tuple[Diagnostic, ...]
    broken: frozenset[tuple[str, str]]
    inputs: Inputs


def load(root: Path, *, overrides: Mapping[str, Any] | None = None, use_cache: bool = True) -> Loaded:
    """Loads the project in `root`; `overrides` replace values of project.yaml, mapping by mapping.

    Mistakes in files become diagnostics, in the order of their places. DefinitionsError E106 without a project.yaml.
    """
    root = find_root(root)
    work = _Loading()
    digest, document = read_file(root, PROJECT)
    project = work.settings(root, document, overrides or {})
    files = read(root, project.definitions, use_cache=use_cache)
    inputs = as_read(files.inputs, {PROJECT: digest})
    for path in inputs.states:
        if path in files.documents:
            work.file(path, files.documents[path])
    work.missing_folders(document, project, inputs)
    work.diagnostics.extend(files.diagnostics)
    diagnostics = sorted(work.diagnostics, key=lambda each: (each.location or Location(""), each.code))
    definitions = Definitions(root, project, **work.found, texts=files.texts)
    return Loaded(definitions, tuple(diagnostics), frozenset(work.broken), inputs)


class _Loading:
    """What has been found so far."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Definition[Any]]] = {kind: {} for kind in KINDS}
        self.places: dict[tuple[str, str], Location] = {}
        self.broken: set[tuple[str, str]] = set()
        self.diagnostics: list[Diagnostic] = []

    def settings(self, root: Path, document: Document, overrides: Mapping[str, Any]) -> ProjectSpec:
        """The settings; where they are wrong, what is right of them, so that the other files can be read."""
        self.diagnostics.extend(document.diagnostics)
        data = document.data or {}
        subject = Subject("the project", Location(PROJECT), *_places(PROJECT, document.place))
        spec = validate(ProjectSpec, subject, _merged(data, overrides) if isinstance(data, dict) else data)
        if isinstance(spec, ProjectSpec):
            return spec
        if not document.diagnostics:
            self.diagnostics.extend(spec)
        parts = data.items() if isinstance(data, dict) else ()
        named = {"name": root.name or "project"}
        right = {key: value for key, value in parts if _is_right(subject, {**named, key: value})}
        return ProjectSpec.model_validate({**named, **right})

    def missing_folders(self, document: Document, project: ProjectSpec, inputs: Inputs) -> None:
        places = Places(PROJECT, document.place)
        for index, folder in enumerate(project.definitions if "definitions" in project.model_fields_set else ()):
            if inputs.states.get(posixpath.normpath(folder), (b"there", None))[0] == ABSENT:
                why = "A folder of definitions that is not there would silently define nothing."
                fix = "Create it, or correct the list."
                at = places.nearest(("definitions", index))
                self.report("E104", f"There is no folder '{folder}'.", why, fix, at)

    def file(self, path: str, document: Document) -> None:
        self.diagnostics.extend(document.diagnostics)
        self.broken.update(document.names)
        for kind, section in self.mapping(document.data, "The file", path, document.place):
            place = document.place[2][kind]
            if kind not in KINDS:
                self.unknown_kind(kind, Location(path, *place[3:]))
                continue
            for name, body in self.mapping(section, f"'{kind}'", path, place):
                self.define(kind, name, body, path, place[2][name], document.references)

    def mapping(self, data: Any, what: str, path: str, place: Place) -> Iterable[tuple[str, Any]]:
        """The items of a mapping; nothing for an empty value; E104 for anything else."""
        if data is not None and not isinstance(data, dict):
            why = "A file maps kinds to names, and names to bodies."
            fix = "Write, for example, metrics: {views: {type: count, source: feed}}"
            self.report("E104", f"{what} holds {kind_of(data)}, not a mapping.", why, fix, Location(path, *place[:2]))
            return ()
        return (data or {}).items()

    def define(self, kind: str, name: str, body: Any, path: str, place: Place, references: bool) -> None:
        at = Location(path, *place[3:])
        subject = Subject(f"the {kind[:-1]} '{name}'", at, *_places(path, place))
        if first := self.places.get((kind, name)):
            why = "One of the two would silently win."
            what = f"T{subject.title[1:]} is already defined in {first}."
            self.report("E002", what, why, "Rename or delete one of them.", at)
            return
        self.places[kind, name] = at
        spec = [refused] if (refused := bad_name(subject, name)) else check(kind, subject, body, references=references)
        if isinstance(spec, list):
            self.diagnostics.extend(spec)
            self.broken.add((kind, name))
        else:
            self.found[kind][name] = Definition(kind, name, spec, at, subject.values, subject.keys)

    def unknown_kind(self, kind: str, at: Location) -> None:
        why = f"Kinds of definitions: {', '.join(KINDS)}."
        near = nearest(kind, KINDS)
        fix = f"Write '{near}' instead." if near else "Use one of these kinds."
        self.report("E101", f"Unknown top-level key '{kind}'.", why, fix, at)

    def report(self, code: str, message: str, why: str, fix: str, at: Location) -> None:
        self.diagnostics.append(Diagnostic(code, message, why, fix, at))


def _is_right(subject: Subject, data: dict[str, Any]) -> bool:
    return isinstance(validate(ProjectSpec, subject, data), ProjectSpec)


def _merged(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(data)
    for key, value in overrides.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


def _places(path: str, place: Place) -> tuple[Places, Places]:
    return Places(path, place), Places(path, place, of_keys=True)
