"""What `run` builds: sources and models in the order of their needs, each with its days, in pieces."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from typing import Literal, TypeAlias

from assay.catalog.catalog import Catalog
from assay.catalog.model import Model
from assay.compiler import states, zone
from assay.compiler.states import Grain
from assay.errors import CheckFailed, UsageError, WarehouseError, did_you_mean
from assay.jobs.context import Context
from assay.jobs.storage import checks, models, source_states
from assay.jobs.storage.source_states import Extent, Step

Node: TypeAlias = tuple[Literal["source", "model"], str]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive days of a model, or of a source at one rhythm, that are published together; `span` is all of them."""

    what: Grain | Model
    days: Sequence[date]
    span: tuple[date, date]

    @property
    def name(self) -> str:
        return f"{self.what.source}:{self.what.name}" if isinstance(self.what, Grain) else self.what.name


def nodes(catalog: Catalog) -> dict[Node, tuple[Node, ...]]:
    """Every source and model with the models that it needs, those that others need first.

    A model reads the events of a source, not its states: only a source that reads a model waits.
    """
    needs: dict[Node, tuple[Node, ...]] = {}
    for name, source in catalog.definitions.sources.items():
        needs["source", name] = tuple(("model", each) for each in source.spec.models)
    for name, model in catalog.models.items():
        needs["model", name] = tuple(("model", each) for each in model.needs)
    return {node: needs[node] for node in TopologicalSorter(needs).static_order()}


def select(catalog: Catalog, names: Collection[str]) -> dict[Node, tuple[Node, ...]]:
    """The nodes that names or patterns such as `fact_*` stand for; all without any. Raises UsageError E201."""
    every = nodes(catalog)
    known = {name for _, name in every}
    for name in names:
        if not any(fnmatchcase(each, name) for each in known):
            raise UsageError.of(
                "E201",
                f"Unknown source or model '{name}'.{did_you_mean(name, known)}",
                why="It must name a source or a model of this project, or be a pattern that matches some.",
                fix="See 'platform list sources' and 'platform list models'.",
            )
    wanted = [node for node in every if not names or any(fnmatchcase(node[1], each) for each in names)]
    return {node: every[node] for node in wanted}


@dataclass(slots=True)
class Schedule:
    """The pieces of every node, in order; `steps` is what failed before anything was built."""

    context: Context
    start: date | None
    end: date | None
    pieces: dict[Node, list[Piece]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    failed: set[Node] = field(default_factory=set)
    errors: list[WarehouseError] = field(default_factory=list)
    spans: dict[Node, tuple[date, date]] = field(default_factory=dict)  # of models
    asked: list[tuple[date, date]] = field(default_factory=list)
    held: dict[str, date] = field(default_factory=dict)  # stale source: the end of the days that are built
    extents: dict[str, Extent] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Plan a node; those that it needs have been planned before, if they are to be built."""
        self.pieces[node] = []
        if node[0] == "model":
            self._add_model(node)
            return
        for grain in states.grains(self.context.catalog):
            if grain.source == node[1]:
                self._add_grain(node, grain)

    def _add_model(self, node: Node) -> None:
        model = self.context.catalog.models[node[1]]
        try:
            start, end = self.spans[node] = self._model_span(model)
            if start < end:
                self._ask(start, end)
                pieces = models.pieces(self.context, model, start, end)
                self.pieces[node] = [Piece(model, days, (start, end)) for days in pieces]
        except WarehouseError as error:
            self._fail(node, error, models.failed(model, error))

    def _add_grain(self, node: Node, grain: Grain) -> None:
        try:
            start, end = self._grain_span(grain)
            self._ask(start, end)
            end = min(end, self.held.get(grain.source, end))
            if not self.context.catalog.source(grain.source).spec.models:
                source_states.pin(self.context, grain, start, end)
        except WarehouseError as error:
            name = f"{grain.source}:{grain.name}"
            self._fail(node, error, Step("states", name, "", 0, 0.0, "failed", source_states.reason(error)))
            return
        days = list(zone.days(start, end))
        chunks = source_states.chunks(grain, days) if days else ()
        self.pieces[node] += [Piece(grain, chunk, (start, end)) for chunk in chunks]

    def _ask(self, start: date, end: date) -> None:
        if start < end:
            self.asked.append((start, end))

    def _fail(self, node: Node, error: WarehouseError, step: Step) -> None:
        self.failed.add(node)
        self.errors.append(error)
        self.steps.append(step)

    def _raw(self, source: str) -> bool:
        return self.context.catalog.source(source).spec.model is None

    def _grain_span(self, grain: Grain) -> tuple[date, date]:
        """Of a source on a model that is built before: to the end of the model, and again where the model is."""
        below = self.spans.get(("model", self.context.catalog.source(grain.source).spec.model or ""))
        if below is None or self.start:
            if self.end is None and self._raw(grain.source):
                self._hold_back(grain.source)
            return source_states.span(self.context, grain, self.start, self.end or (below and below[1]))
        try:
            start, end = source_states.span(self.context, grain, None, below[1])
        except WarehouseError:  # the table of the model is not there yet, or empty
            return below
        return min(start, below[0]), end

    def _model_span(self, model: Model) -> tuple[date, date]:
        """The days to build: where it was left off, or where a model that it reads begins again, if that is earlier."""
        if self.start and self.end:
            return self.start, self.end
        first, end = self._data(model)
        end = self.end or end
        if model.spec.day is None:
            return min(self.start or first, end - _DAY), end
        below = [self.spans[node][0] for node in self._days_below(model)]
        return self.start or min([models.resume(self.context, model, end) or first, *below]), end

    def _days_below(self, model: Model) -> Iterator[Node]:
        for name in model.needs:
            node: Node = ("model", name)
            if node in self.spans and self.context.catalog.models[name].spec.day:
                yield node

    def _data(self, model: Model) -> tuple[date, date]:
        """The days [first, end) that there are events of, up to the last full one. Raises the error when none is."""
        names, errors = list(self._sources(model)), []
        for name in names:
            try:
                self._hold_back(name)
            except WarehouseError as error:
                if error.diagnostics[0].code != "E511":  # an empty source is no reason to leave out the others
                    raise
                errors.append(error)
        found = [self.extents[name] for name in names if name in self.extents]
        if errors and not found:
            raise errors[0]
        today = self.context.today
        first = min((each.first for each in found), default=today - _DAY)
        end = min(max((each.last + _DAY for each in found), default=today), today)
        return first, min([end, *(self.held[name] for name in names if name in self.held)])

    def _sources(self, model: Model) -> Iterator[str]:
        """The sources of events behind a model, each once."""
        below = [self.context.catalog.models[name] for name in model.needs]
        named = [name for name in model.sources if self._raw(name)]
        yield from dict.fromkeys([*named, *(name for each in below for name in self._sources(each))])

    def _extent(self, source: str) -> Extent:
        if source not in self.extents:
            self.extents[source] = source_states.extent(self.context, source)
        return self.extents[source]

    def _hold_back(self, source: str) -> None:
        """Take the last day from a source that is not fresh, and say so in a failed step."""
        if source in self.extents:
            return
        found, definition = self._extent(source), self.context.catalog.source(source)
        if definition.spec.freshness is None or self.end is not None:
            return
        last = min(found.last + _DAY, self.context.today) - _DAY
        stale: CheckFailed | None = checks.fresh(self.context, definition, found.newest, last)
        if stale:
            self.held[source] = last
            reason = source_states.reason(stale)
            self.steps.append(Step("check", f"{source}:freshness", str(last), 0, 0.0, "failed", reason))


def plan(context: Context, wanted: Mapping[Node, object], start: date | None, end: date | None) -> Schedule:
    """The pieces of the nodes that are wanted. Raises the error when none of them can be read."""
    found = Schedule(context, start, end)
    for node in wanted:
        found.add(node)
    if found.errors and not found.asked:
        raise found.errors[0]
    return found
