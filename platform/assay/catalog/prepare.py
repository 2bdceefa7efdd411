"""What happens to definitions before names are resolved: templates are filled, and sources find their models.

Afterwards every SQL text is plain SQL, a source on a model has the model's table, and models are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar, get_args

from assay.catalog.model import Model, database
from assay.catalog.models import read_models
from assay.catalog.rules.common import unknown
from assay.catalog.template import BadExpression, calls, is_template, macros, quote_literal, render
from assay.config.base import SQL, Spec
from assay.config.definitions import KINDS, Definition, Definitions
from assay.config.source import Join, SourceSpec
from assay.errors import Diagnostic, Location

Path = tuple[str | int, ...]
T = TypeVar("T", SourceSpec, Join)
_MACROS = re.compile(r"(^|/)macros/[^/]+\.sql\.j2$")
_MACRO = re.compile(r"\bmacro\s+(\w+)")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Definitions without templates; those that failed are among `broken`, with their mistakes in `diagnostics`."""

    definitions: Definitions
    broken: frozenset[tuple[str, str]]
    models: Mapping[str, Model]
    diagnostics: tuple[Diagnostic, ...]


def prepare(definitions: Definitions, broken: Collection[tuple[str, str]] = ()) -> Prepared:
    """Fill the templates of every definition, and read every model."""
    work = _Preparing(definitions, {*broken})
    work.read_macros()
    for kind in KINDS:
        work.fill(kind)
    work.place_sources()
    kept: dict[str, Any] = {**work.kept}
    filled = replace(definitions, **kept)
    models, found = read_models(filled, work.names, work.broken)
    return Prepared(filled, frozenset(work.broken), models, (*work.diagnostics, *found))


@dataclass(slots=True)
class _Preparing:
    definitions: Definitions
    broken: set[tuple[str, str]]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)  # what a template may use
    spoiled: set[str] = field(default_factory=set)  # macros of files that were refused
    kept: dict[str, dict[str, Definition[Any]]] = field(default_factory=dict)

    def read_macros(self) -> None:
        self.names["timezone"] = quote_literal(self.definitions.project.timezone)
        for path, text in self.definitions.texts.items():
            if _MACROS.search(path):
                self._macro_file(path, text)

    def _macro_file(self, path: str, text: str) -> None:
        try:
            found = macros(text, path)
        except BadExpression as error:
            self.diagnostics.append(error.at(Location(path)))
            self.spoiled.update(_MACRO.findall(text))
            return
        for name in sorted({*found} & {*self.names, "source", "ref", "window"}):
            self.diagnostics.append(_twice(name, path, text))
        self.names = found | self.names

    def fill(self, kind: str) -> None:
        """Keep the definitions of a kind that can be filled."""
        kept = self.kept[kind] = {}
        for name, definition in getattr(self.definitions, kind).items():
            spec = definition.spec if kind == "models" else self._filled(definition)
            if spec is not None:
                kept[name] = definition if spec is definition.spec else replace(definition, spec=spec)

    def _filled(self, definition: Definition[Any]) -> Any:
        """The spec without templates; None when one failed."""
        whole = True

        def fill(text: str, path: Path) -> str:
            nonlocal whole
            try:
                return render(text, self.names)
            except BadExpression as error:
                whole = False
                if not self._reported(text):
                    self.diagnostics.append(error.at(definition.at(*path)))
                return text

        spec = _spec(definition.spec, (), fill)
        if not whole:
            self.broken.add((definition.kind, definition.name))
        return spec if whole else None

    def _reported(self, text: str) -> bool:
        return any(each.function in self.spoiled for each in calls(text))

    def place_sources(self) -> None:
        """Give sources on models the table and the columns of their model."""
        for name, definition in list(self.kept["sources"].items()):
            spec = definition.spec
            places = {spec.model: ("model",)} if spec.model else {}
            places |= {join.model: ("joins", each, "model") for each, join in spec.joins.items() if join.model}
            if not places:
                continue
            if all(self._is_there(model, definition.at(*place)) for model, place in places.items()):
                self.kept["sources"][name] = replace(definition, spec=self._on_models(spec))
            else:
                self.broken.add(("sources", name))
                del self.kept["sources"][name]

    def _is_there(self, model: str, place: Location) -> bool:
        if ("models", model) in self.broken:
            return False
        if model not in self.definitions.models:
            self.diagnostics.append(unknown("model", model, self.definitions.models, place))
        return model in self.definitions.models

    def _on_models(self, spec: SourceSpec) -> SourceSpec:
        joins = {name: self._on_model(join) if join.model else join for name, join in spec.joins.items()}
        spec = self._on_model(spec) if spec.model else spec
        return spec.model_copy(update={"joins": joins})

    def _on_model(self, spec: T) -> T:
        """A source or a join with the table and the columns of its model."""
        columns = spec.columns or self.definitions.models[spec.model or ""].spec.columns
        return spec.model_copy(update={"table": f"{database(self.definitions)}.{spec.model}", "columns": columns})


def _twice(name: str, path: str, text: str) -> Diagnostic:
    line = next(at for at, each in enumerate(text.split("\n"), 1) if name in _MACRO.findall(each))
    why = "One of the two would silently win."
    return Diagnostic("E002", f"The name '{name}' is already taken.", why, "Rename the macro.", Location(path, line))


def _spec(spec: Spec, path: Path, fill: Callable[[str, Path], str]) -> Any:
    """The spec with its templates filled; itself where there are none."""
    changed = {}
    for name, is_sql in _fields(type(spec)):
        value = getattr(spec, name)
        filled = _value(value, is_sql, (*path, name), fill)
        if filled is not value:
            changed[name] = filled
    return spec.model_copy(update=changed) if changed else spec


def _value(value: Any, is_sql: bool, path: Path, fill: Callable[[str, Path], str]) -> Any:
    if isinstance(value, str):
        return fill(value, path) if is_sql and is_template(value) else value
    if isinstance(value, Spec):
        return _spec(value, path, fill)
    if isinstance(value, dict):
        filled = {key: _value(each, is_sql, (*path, key), fill) for key, each in value.items()}
        return filled if any(filled[key] is not value[key] for key in value) else value
    if isinstance(value, tuple):
        listed = tuple(_value(each, is_sql, (*path, at), fill) for at, each in enumerate(value))
        return listed if any(new is not old for new, old in zip(listed, value, strict=True)) else value
    return value


@lru_cache(maxsize=256)
def _fields(model: type[Spec]) -> tuple[tuple[str, bool], ...]:
    """The fields of a spec that may hold SQL or other specs, and whether their texts are SQL."""
    found = []
    for name, each in model.model_fields.items():
        marks = [*each.metadata, *_parts(each.annotation)]
        is_sql = any(mark is SQL for mark in marks)
        if is_sql or any(isinstance(mark, type) and issubclass(mark, Spec) for mark in marks):
            found.append((name, is_sql))
    return tuple(found)


def _parts(annotation: Any) -> list[Any]:
    """Every type and mark that an annotation is made of."""
    below = [part for each in get_args(annotation) for part in _parts(each)]
    return [annotation, *getattr(annotation, "__metadata__", ()), *below]
