"""The resolved project: what the compiler and the jobs read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from assay.catalog.model import Model
from assay.catalog.series import Measure, Series, leaves
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition, Definitions
from assay.config.experiment import ExperimentSpec
from assay.config.forecast import ForecastSpec, ImpactSpec
from assay.config.metric import MetricSpec
from assay.config.report import ReportSpec
from assay.config.source import Dimension, SourceSpec
from assay.errors import UsageError, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric whose meaning is known, or a part of one, such as a step of a funnel."""

    definition: Definition[MetricSpec]
    series: Series
    parts: Mapping[str, Metric] = field(default_factory=dict)
    part: str = ""

    @property
    def name(self) -> str:
        return f"{self.definition.name}.{self.part}" if self.part else self.definition.name

    @property
    def spec(self) -> MetricSpec:
        return self.definition.spec

    @property
    def label(self) -> str:
        label = self.spec.label or self.definition.name.replace("_", " ").capitalize()
        return f"{label}: {self.part.replace('_', ' ')}" if self.part else label

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Each measure once, in the order of the series."""
        return tuple({leaf.measure.id: leaf.measure for leaf in leaves(self.series)}.values())

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(sorted({measure.source for measure in self.measures}))


@dataclass(frozen=True)
class Catalog:
    """Definitions with their metrics lowered. Names that do not exist raise UsageError E201 with a did-you-mean."""

    definitions: Definitions
    metrics: Mapping[str, Metric]
    models: Mapping[str, Model] = field(default_factory=dict)

    def metric(self, name: str) -> Metric:
        return _find("metric", name, self.metrics)

    def model(self, name: str) -> Model:
        return _find("model", name, self.models)

    def source(self, name: str) -> Definition[SourceSpec]:
        return _find("source", name, self.definitions.sources)

    def experiment(self, name: str) -> Definition[ExperimentSpec]:
        return _find("experiment", name, self.definitions.experiments)

    def alert(self, name: str) -> Definition[AlertSpec]:
        return _find("alert", name, self.definitions.alerts)

    def report(self, name: str) -> Definition[ReportSpec]:
        return _find("report", name, self.definitions.reports)

    def forecast(self, name: str) -> Definition[ForecastSpec]:
        return _find("forecast", name, self.definitions.forecasts)

    def impact(self, name: str) -> Definition[ImpactSpec]:
        return _find("impact", name, self.definitions.impacts)

    @property
    def zone(self) -> str:
        return self.definitions.project.timezone

    @cached_property
    def measures(self) -> dict[str, dict[str, Measure]]:
        """Source: measure id: measure. What has to be stored."""
        found: dict[str, dict[str, Measure]] = {name: {} for name in self.definitions.sources}
        for metric in self.metrics.values():
            for measure in metric.measures:
                found[measure.source][measure.id] = measure
        return {source: measures for source, measures in found.items() if measures}

    def dimensions(self, metrics: Iterable[Metric]) -> dict[str, Dimension]:
        """The dimensions that mean the same in every source of all the metrics."""
        specs = [self.source(name).spec.dimensions for metric in metrics for name in metric.sources]
        first = specs[0] if specs else {}
        return {name: dim for name, dim in first.items() if all(other.get(name) == dim for other in specs)}

    def dimension(self, name: str, metrics: Iterable[Metric]) -> Dimension:
        """A dimension of all the metrics. Raises UsageError E203."""
        metrics = list(metrics)
        known = self.dimensions(metrics)
        if name in known:
            return known[name]
        raise UsageError.of(
            "E203",
            f"'{name}' is not a dimension of {', '.join(metric.name for metric in metrics)}."
            + did_you_mean(name, known),
            why="A metric can be split by the dimensions that all its sources define in the same way.",
            fix=f"Use one of: {', '.join(known) or 'none'}.",
        )


def _find(kind: str, name: str, known: Mapping[str, T]) -> T:
    if name in known:
        return known[name]
    raise UsageError.of(
        "E201",
        f"Unknown {kind} '{name}'.{did_you_mean(name, known)}",
        why=f"It must name a {kind} of this project.",
        fix=f"See 'platform list {kind}s'.",
    )
