"""Models are read: templates become queries, references become an order, and every mistake is told at its place."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from typing import Any

from assay.catalog.expression import BadExpression
from assay.catalog.model import Model, database
from assay.catalog.query import Query, parse_query
from assay.catalog.rules.common import DAY, unknown
from assay.catalog.template import Call, calls, render
from assay.catalog.window import Window, of_model, of_source
from assay.config.definitions import Definition, Definitions
from assay.config.model import ModelSpec
from assay.config.source import SourceSpec
from assay.errors import DefinitionsError, Diagnostic, Location

_KINDS = {"source": "sources", "ref": "models"}


@dataclass(frozen=True, slots=True)
class _Text:
    """The template of a model, where it stands, and what it calls."""

    definition: Definition[ModelSpec]
    text: str
    path: str | None  # of its own file; None for a text inside YAML
    calls: tuple[Call, ...]

    def named(self, function: str) -> tuple[str, ...]:
        """What `function` is called with, each once."""
        return tuple(dict.fromkeys(each.argument for each in self.calls if each.function == function and each.argument))

    def at(self, line: int = 1, word: str = "") -> Location:
        """A place in the file, at a word of that line; in YAML, the field."""
        if self.path is None:
            return self.definition.at("sql")
        return Location(self.path, line, max(self.text.split("\n")[line - 1].find(word), 0) + 1)

    def where(self, position: tuple[int, int] | None, sql: str) -> Location:
        """The place of a position in the rendered SQL: in the line that was rendered to it, where that is known."""
        if self.path is None or position is None:
            return self.at()
        line, column = position
        written, rendered = self.text.split("\n"), sql.split("\n")
        same = [at for at, each in enumerate(written, 1) if each == rendered[line - 1]]
        if line in same or len(same) == 1:
            return Location(self.path, line if line in same else same[0], column)
        return Location(self.path, line if len(written) == len(rendered) else 1)


def read_models(
    definitions: Definitions, names: Mapping[str, Any], broken: set[tuple[str, str]]
) -> tuple[dict[str, Model], list[Diagnostic]]:
    """Every model that is right, those that others need first, and what is wrong with the others.

    `names` is what templates may use; models with a mistake are added to `broken`.
    """
    work = _Reading(definitions, names, broken)
    for definition in definitions.models.values():
        work.find(definition)
    for name in work.order():
        if set(work.needs(name)) <= work.found.keys():
            work.read(work.texts[name])
    broken |= {("models", name) for name in definitions.models.keys() - work.found.keys()}
    return work.found, work.diagnostics


@dataclass(slots=True)
class _Reading:
    definitions: Definitions
    names: Mapping[str, Any]
    broken: set[tuple[str, str]]
    texts: dict[str, _Text] = field(default_factory=dict)
    found: dict[str, Model] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def find(self, definition: Definition[ModelSpec]) -> None:
        """The template of a model, if all that it names is there."""
        try:
            text, path = self._template(definition)
            self.texts[definition.name] = found = _Text(definition, text, path, calls(text))
            mistakes = list(self._references(found))
        except DefinitionsError as error:
            mistakes = list(error.diagnostics)
        self.diagnostics += mistakes
        if mistakes or self._names_broken(definition.name):
            self.texts.pop(definition.name, None)

    def _template(self, definition: Definition[ModelSpec]) -> tuple[str, str | None]:
        spec = definition.spec
        if spec.file is None:
            return spec.sql or "", None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(definition.location.path), spec.file))
        if path in self.definitions.texts:
            return self.definitions.texts[path], path
        raise DefinitionsError.of(
            "E104",
            f"There is no file '{spec.file}' beside {posixpath.basename(definition.location.path)}.",
            why="The SQL of the model stands in it. It ends with .sql or .j2, in one of the folders of definitions.",
            fix="Create it, or correct 'file:'.",
            location=definition.at("file"),
        )

    def _references(self, text: _Text) -> Iterator[Diagnostic]:
        for call in text.calls:
            kind = _KINDS.get(call.function)
            if kind and call.argument is None:
                what = f"'{call.function}' is used without a name in quotes."
                why = "What a model reads is known before anything is run."
                yield Diagnostic(
                    "E403", what, why, f"Write {{{{ {call.function}('name') }}}}.", text.at(call.line, call.function)
                )
            elif kind and call.argument:
                known = getattr(self.definitions, kind)
                if call.argument not in known and (kind, call.argument) not in self.broken:
                    yield unknown(kind.removesuffix("s"), call.argument, known, text.at(call.line, call.argument))

    def _names_broken(self, name: str) -> bool:
        text = self.texts.get(name)
        return text is not None and any(
            (kind, each) in self.broken for function, kind in _KINDS.items() for each in text.named(function)
        )

    def needs(self, name: str) -> tuple[str, ...]:
        """The models that must be built before."""
        text = self.texts[name]
        below = (self.definitions.sources[each].spec.model for each in text.named("source"))
        return tuple(dict.fromkeys([*text.named("ref"), *(each for each in below if each)]))

    def order(self) -> list[str]:
        """Names, those that others need first. What is in a circle is left out, and told."""
        needs = {name: self.needs(name) for name in self.texts}
        while True:
            try:
                return [name for name in TopologicalSorter(needs).static_order() if name in needs]
            except CycleError as error:
                circle = list(reversed(error.args[1]))
                self.diagnostics.append(_circle(circle, self.texts[circle[0]]))
                needs = {name: each for name, each in needs.items() if name not in circle}

    def read(self, text: _Text) -> None:
        """Render and parse a model whose needs are known."""
        sql = ""
        try:
            sql = render(text.text, self._offered(text), text.path)
            query = parse_query(sql)
            mistakes = [*self._undeclared(text, query), *_results(text, query)]
        except BadExpression as error:
            mistakes = [error.at(text.where(error.position, sql))]
        self.diagnostics += mistakes
        if not mistakes:
            self.found[text.definition.name] = self._model(text, query)

    def _offered(self, text: _Text) -> dict[str, Any]:
        """What the template may use."""
        sources = {name: self.definitions.sources[name].spec for name in text.named("source")}
        models = {name: self.definitions.models[name] for name in text.named("ref")}
        windows = {name: of_model(model) for name, model in models.items()}
        windows |= {name: of_source(spec) for name, spec in sources.items()}
        tables = {name: _rows(spec) for name, spec in sources.items()}
        ours = {
            "source": lambda name: tables[name],
            "ref": lambda name: f"{database(self.definitions)}.{name}",
            "window": Window(windows, text.definition.spec.day is not None),
        }
        return {**self.names, **ours}

    def _undeclared(self, text: _Text, query: Query) -> Iterator[Diagnostic]:
        ours = f"{database(self.definitions)}."
        for table in sorted(each for each in query.tables - self._tables(text) if each.startswith(ours)):
            fix = f"Write {{{{ ref('{table.removeprefix(ours)}') }}}}."
            why = "Models are built in the order of their references."
            yield Diagnostic("E402", f"The model names '{table}' directly.", why, fix, text.at())

    def _tables(self, text: _Text) -> set[str]:
        """The tables that a model names by what it declares."""
        refs = {f"{database(self.definitions)}.{name}" for name in text.named("ref")}
        return refs | {self.definitions.sources[name].spec.table for name in text.named("source")}

    def _model(self, text: _Text, query: Query) -> Model:
        spec, needs = text.definition.spec, self.needs(text.definition.name)
        sources, models = text.named("source"), text.named("ref")
        late = [self.definitions.sources[name].spec.lateness for name in sources]
        late += [self.found[name].lateness for name in models if self.found[name].spec.day]
        meaning = [
            query.normal,
            *map(" ".join, spec.columns.items()),
            *(self.found[name].fingerprint for name in needs),
        ]
        return Model(
            text.definition, query, sources, models, tuple(sorted(query.tables - self._tables(text))), needs,
            spec.lateness or max(late, default=DAY), _hash(meaning),
        )  # fmt: skip


def _rows(spec: SourceSpec) -> str:
    """The rows that belong to a source."""
    return f"(SELECT * FROM {spec.table} WHERE {spec.where})" if spec.where else spec.table  # noqa: S608 - both are checked


def _hash(parts: Iterable[str]) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def _circle(names: list[str], text: _Text) -> Diagnostic:
    itself = len(set(names)) == 1
    what = f"The model '{names[0]}' reads itself." if itself else f"Models need each other: {' → '.join(names)}."
    why = "A table cannot be built from what it is about to hold."
    fix = "Read the sources again, or take one of them out of the circle."
    return Diagnostic("E202", what, why, fix, text.definition.at("sql"))


def _results(text: _Text, query: Query) -> Iterator[Diagnostic]:
    """E204 where the declared columns are not those that the query returns."""
    columns = text.definition.spec.columns
    for name in sorted(columns.keys() - (query.columns or columns.keys())):
        why, fix = "Columns are filled by their names.", f"Return it: SELECT … AS {name}; or delete it here."
        yield Diagnostic("E204", f"The query returns no '{name}'.", why, fix, text.definition.at_key("columns", name))
    for name in sorted((query.columns or set()) - columns.keys()):
        why, fix = "It would silently be left out of the table.", f"Add to 'columns:' {name} with its type."
        yield Diagnostic("E204", f"The query returns '{name}', which is not declared.", why, fix, text.at())
