"""Names become things: definitions → a catalog of metrics lowered to series, or every mistake of meaning at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from assay.catalog import algebra
from assay.catalog.catalog import Catalog, Metric
from assay.catalog.lower import lower, parts
from assay.catalog.lowering import Lowering
from assay.catalog.model import Model
from assay.catalog.prepare import prepare
from assay.catalog.rules import RULES, sources
from assay.catalog.rules.common import unknown
from assay.catalog.series import Series, walk
from assay.config.definitions import Definition, Definitions
from assay.config.metric import LifecycleMetric, MetricSpec, NewMetric, RatioMetric, RetentionMetric, RollingMetric
from assay.config.source import SourceSpec
from assay.errors import DefinitionsError, Diagnostic, Location


@dataclass(slots=True)
class _Resolver:
    """Lowers metrics in the order of their references; a failed one is reported once and remembered as None."""

    definitions: Definitions
    broken: Collection[tuple[str, str]]
    models: Mapping[str, Model]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    done: dict[str, Metric | None] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)

    def metrics(self) -> Iterator[Metric]:
        """Every metric with a meaning, each followed by its parts."""
        for name in self.definitions.metrics:
            metric = self.lowered(name)
            if metric is not None:
                yield metric
                yield from metric.parts.values()

    def lowered(self, name: str) -> Metric | None:
        if name not in self.done:
            self.path.append(name)
            self.done[name] = self._attempt(self.definitions.metrics[name])
            self.path.pop()
        return self.done[name]

    def _attempt(self, definition: Definition[MetricSpec]) -> Metric | None:
        zone = self.definitions.project.timezone
        at = Lowering(definition, self._source_of(definition), self._other, zone, self.models)
        try:
            series, below = lower(definition.spec, at), parts(definition.spec, at)
        except DefinitionsError as error:
            self.diagnostics += error.diagnostics
        except _AlreadyReportedError:
            pass
        else:
            return Metric(
                definition, series, {part: Metric(definition, each, {}, part) for part, each in below.items()}
            )
        return None

    def _source_of(self, definition: Definition[MetricSpec]) -> Callable[[str], Definition[SourceSpec]]:
        def find(name: str) -> Definition[SourceSpec]:
            if ("sources", name) in self.broken:
                raise _AlreadyReportedError
            source = self.definitions.sources.get(name)
            if source is None:
                raise DefinitionsError(unknown("source", name, self.definitions.sources, definition.at("source")))
            return source

        return find

    def _other(self, name: str, asking: Definition[MetricSpec]) -> Series:
        at = _field_of(name, asking)
        base, _, part = name.partition(".")
        if ("metrics", base) in self.broken:
            raise _AlreadyReportedError
        if base not in self.definitions.metrics:
            raise DefinitionsError(unknown("metric", name, self.definitions.metrics, asking.at(at)))
        if base in self.path:
            raise _circle([*self.path[self.path.index(base) :], base], asking, at)
        metric = self.lowered(base) if len(self.path) <= _DEEPEST else None
        if len(self.path) > _DEEPEST or (metric and _is_large(metric.series)):
            raise _too_large(base, asking, at)
        if metric is None:
            raise _AlreadyReportedError
        if part and part not in metric.parts:
            raise DefinitionsError(
                unknown("metric", name, [each.name for each in metric.parts.values()], asking.at(at))
            )
        return metric.parts[part].series if part else metric.series


class _AlreadyReportedError(Exception):
    """What this one depends on has been reported; saying it again would only add noise."""


# The fields of a type that name another metric; the types that are not here have an `expr`, or name none.
_REFERENCES: dict[type, tuple[str, ...]] = {
    RatioMetric: ("numerator", "denominator"),
    NewMetric: ("metric",),
    LifecycleMetric: ("metric",),
    RetentionMetric: ("cohort", "returns"),
    RollingMetric: ("metric",),
}


def _field_of(name: str, asking: Definition[MetricSpec]) -> str:
    fields = _REFERENCES.get(type(asking.spec), ())
    return next((each for each in fields if getattr(asking.spec, each) == name), "expr")


# A metric of metrics is one formula; twice itself, twenty times over, would be one of a million parts.
_DEEPEST, _LARGEST = 64, 500


def _is_large(series: Series) -> bool:
    return sum(1 for _ in islice(walk(series), _LARGEST)) == _LARGEST


def _too_large(name: str, asking: Definition[MetricSpec], at: str) -> DefinitionsError:
    return DefinitionsError(
        Diagnostic(
            "E301",
            f"The metric '{name}' is made of too many others.",
            f"A metric has at most {_LARGEST} parts, and metrics stand at most {_DEEPEST} deep inside each other.",
            "Make it of metrics over sources.",
            asking.at(at),
        )
    )


def _circle(path: list[str], asking: Definition[MetricSpec], at: str) -> DefinitionsError:
    return DefinitionsError(
        Diagnostic(
            "E202",
            f"Metrics depend on each other in a circle: {' → '.join(path)}.",
            "A metric that needs itself has no value.",
            "Take one of them out of the circle.",
            asking.at(at),
        )
    )


def resolve(
    definitions: Definitions, broken: Collection[tuple[str, str]] = ()
) -> tuple[Catalog, tuple[Diagnostic, ...]]:
    """The catalog of everything that is right, and every mistake of reference or meaning.

    `broken` names definitions that loading refused already: references to them are not reported again.
    """
    prepared = prepare(definitions, broken)
    definitions, broken = prepared.definitions, prepared.broken
    unread, found = _unreadable_sources(definitions)
    resolver = _Resolver(definitions, {*broken, *unread}, prepared.models, found)
    metrics = {metric.name: metric for metric in resolver.metrics()}
    catalog = Catalog(definitions, metrics, prepared.models)
    failed = {("metrics", name) for name, metric in resolver.done.items() if metric is None}
    rules = [diagnostic for rule in RULES for diagnostic in rule(catalog, {*broken, *failed})]
    return catalog, tuple(sorted({*prepared.diagnostics, *resolver.diagnostics, *rules}, key=_order))


def _order(each: Diagnostic) -> tuple[Location, str, str]:
    return each.location or Location(""), each.code, each.message


def _unreadable_sources(definitions: Definitions) -> tuple[set[tuple[str, str]], list[Diagnostic]]:
    """The sources whose SQL cannot be read, and every mistake in the SQL of sources."""
    unread, found = set(), []
    for source in definitions.sources.values():
        mistakes = list(sources.expressions(source))
        found += mistakes
        if any(each.code != "E204" for each in mistakes):  # an unknown column leaves the rest readable
            unread.add(("sources", source.name))
    return unread, found


def depends_on(definition: Definition[MetricSpec]) -> list[str]:
    """The metrics that a metric names directly; a part of one is written `name.part`."""
    spec = definition.spec
    fields = _REFERENCES.get(type(spec), ())
    return [getattr(spec, each) for each in fields] or algebra.names(getattr(spec, "expr", ""))
