"""What loading gives: every definition with its place in the YAML, so that later stages can still point there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from assay.config.alert import AlertSpec
from assay.config.events import EventSpec, SilenceSpec
from assay.config.experiment import ExperimentSpec
from assay.config.forecast import ForecastSpec, ImpactSpec
from assay.config.metric import MetricSpec
from assay.config.model import ModelSpec
from assay.config.project import ProjectSpec
from assay.config.report import DashboardSpec, ReportSpec
from assay.config.route import RouteSpec
from assay.config.source import SourceSpec
from assay.errors import Location

S = TypeVar("S", covariant=True)

# Top-level YAML key: the type of each body. The one place to add a kind.
KINDS: dict[str, Any] = {
    "sources": SourceSpec,
    "models": ModelSpec,
    "metrics": MetricSpec,
    "experiments": ExperimentSpec,
    "alerts": AlertSpec,
    "routes": RouteSpec,
    "silences": SilenceSpec,
    "events": EventSpec,
    "forecasts": ForecastSpec,
    "impacts": ImpactSpec,
    "reports": ReportSpec,
    "dashboards": DashboardSpec,
}


@dataclass(frozen=True, slots=True)
class Definition(Generic[S]):
    """A named spec. `places` maps a path inside the body, such as ("metrics", "primary", 0), to its value's place, and
    `keys` to the place of the key before it."""

    kind: str
    name: str
    spec: S
    location: Location
    places: Mapping[tuple[str | int, ...], Location] = field(default_factory=dict, repr=False, compare=False)
    keys: Mapping[tuple[str | int, ...], Location] = field(default_factory=dict, repr=False, compare=False)

    def at(self, *path: str | int) -> Location:
        """The place of the value at `path`, or of the nearest thing around it."""
        return self._nearest(self.places, path)

    def at_key(self, *path: str | int) -> Location:
        """The place of the key at `path`, such as a metric's name under `guardrail`, or of the nearest thing around."""
        return self._nearest(self.keys, path)

    def _nearest(self, places: Mapping[tuple[str | int, ...], Location], path: tuple[str | int, ...]) -> Location:
        while path:
            if path in places:
                return places[path]
            path = path[:-1]
        return self.location


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that one project defines. `texts` are the files of SQL and macros, by their path from `root`."""

    root: Path
    project: ProjectSpec
    sources: Mapping[str, Definition[SourceSpec]] = field(default_factory=dict)
    models: Mapping[str, Definition[ModelSpec]] = field(default_factory=dict)
    metrics: Mapping[str, Definition[MetricSpec]] = field(default_factory=dict)
    experiments: Mapping[str, Definition[ExperimentSpec]] = field(default_factory=dict)
    alerts: Mapping[str, Definition[AlertSpec]] = field(default_factory=dict)
    routes: Mapping[str, Definition[RouteSpec]] = field(default_factory=dict)
    silences: Mapping[str, Definition[SilenceSpec]] = field(default_factory=dict)
    events: Mapping[str, Definition[EventSpec]] = field(default_factory=dict)
    forecasts: Mapping[str, Definition[ForecastSpec]] = field(default_factory=dict)
    impacts: Mapping[str, Definition[ImpactSpec]] = field(default_factory=dict)
    reports: Mapping[str, Definition[ReportSpec]] = field(default_factory=dict)
    dashboards: Mapping[str, Definition[DashboardSpec]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[Definition[Any]]:
        for kind in KINDS:
            yield from getattr(self, kind).values()

    def __len__(self) -> int:
        return sum(1 for _ in self)
