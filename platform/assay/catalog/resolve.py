"""Names become things: definitions → a catalog of metrics lowered to series, or every mistake of meaning at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from assay.catalog import algebra
from assay.catalog.catalog import Catalog, Metric
from assay.catalog.lower import Lowering
from assay.catalog.rules import RULES, sources
from assay.catalog.rules.common import unknown, unknown_entity
from assay.catalog.series import Series
from assay.config.definitions import Definition, Definitions
from assay.config.metric import MetricSpec, RatioMetric, RollingMetric
from assay.config.source import SourceSpec
from assay.errors import DefinitionsError, Diagnostic, Location


@dataclass(slots=True)
class _Resolver:
    """Lowers metrics in the order of their references; a failed one is reported once and remembered as None."""

    definitions: Definitions
    broken: Collection[tuple[str, str]]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    done: dict[str, Series | None] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)

    def metrics(self) -> Iterator[Metric]:
        for name, definition in self.definitions.metrics.items():
            series = self.lowered(name)
            if series is not None:
                yield Metric(definition, series)

    def lowered(self, name: str) -> Series | None:
        if name not in self.done:
            self.path.append(name)
            self.done[name] = self._attempt(self.definitions.metrics[name])
            self.path.pop()
        return self.done[name]

    def _attempt(self, definition: Definition[MetricSpec]) -> Series | None:
        try:
            return Lowering(
                definition, self._source_of(definition), self._other, self.definitions.project.timezone
            ).run()
        except DefinitionsError as error:
            self.diagnostics += error.diagnostics
        except _AlreadyReportedError:
            pass
        return None

    def _source_of(self, definition: Definition[MetricSpec]) -> Callable[[str], SourceSpec]:
        def find(name: str) -> SourceSpec:
            if ("sources", name) in self.broken:
                raise _AlreadyReportedError
            source = self.definitions.sources.get(name)
            if source is None:
                raise DefinitionsError(unknown("source", name, self.definitions.sources, definition.at("source")))
            entity = getattr(definition.spec, "of", None)
            if entity is not None and entity not in source.spec.entities:
                why = "A unique metric counts an entity of its source."
                raise DefinitionsError(unknown_entity(entity, source, why, definition.at("of")))
            return source.spec

        return find

    def _other(self, name: str, asking: Definition[MetricSpec]) -> Series:
        at = _field_of(name, asking)
        if ("metrics", name) in self.broken:
            raise _AlreadyReportedError
        if name not in self.definitions.metrics:
            raise DefinitionsError(unknown("metric", name, self.definitions.metrics, asking.at(at)))
        if name in self.path:
            raise _circle([*self.path[self.path.index(name) :], name], asking, at)
        series = self.lowered(name)
        if series is None:
            raise _AlreadyReportedError
        return series


class _AlreadyReportedError(Exception):
    """What this one depends on has been reported; saying it again would only add noise."""


def _field_of(name: str, asking: Definition[MetricSpec]) -> str:
    spec = asking.spec
    if isinstance(spec, RatioMetric):
        return "numerator" if spec.numerator == name else "denominator"
    return "metric" if isinstance(spec, RollingMetric) else "expr"


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
    unread, found = _unreadable_sources(definitions)
    resolver = _Resolver(definitions, {*broken, *unread}, found)
    metrics = {metric.name: metric for metric in resolver.metrics()}
    catalog = Catalog(definitions, metrics)
    failed = {("metrics", name) for name, series in resolver.done.items() if series is None}
    rules = [diagnostic for rule in RULES for diagnostic in rule(catalog, {*broken, *failed})]
    return catalog, tuple(sorted({*resolver.diagnostics, *rules}, key=_order))


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
    """The metrics that a metric names directly."""
    spec = definition.spec
    if isinstance(spec, RatioMetric):
        return [spec.numerator, spec.denominator]
    if isinstance(spec, RollingMetric):
        return [spec.metric]
    return algebra.names(getattr(spec, "expr", "")) if hasattr(spec, "expr") else []
