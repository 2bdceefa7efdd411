"""From a catalog to its DAGs: pure, sorted, and the same for the same definitions.

Every kind of DAG is a function in `KINDS`. Their number grows with sources and schedules, not with metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from functools import cached_property
from typing import Any

from assay.catalog.catalog import Catalog
from assay.catalog.manifest import Entry, Key
from assay.catalog.meaning import manifest
from assay.config.base import show_duration
from assay.config.definitions import Definition
from assay.config.experiment import Roles
from assay.config.project import Airflow
from assay.config.root import PROJECT
from dag_factory import groups
from dag_factory.cron import every
from dag_factory.spec import DagSpec, Schedule, TaskSpec

DAY = timedelta(days=1)
EMBEDDED = "chdb"  # the pool of an embedded database
_PATIENCE = int(timedelta(weeks=1).total_seconds())  # how long a person may think about a verdict


@dataclass(frozen=True, slots=True)
class Planned:
    """A DAG, and every definition that it depends on, directly or not."""

    dag: DagSpec
    reads: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of Airflow: how many tasks may use the warehouse at a time."""

    name: str
    slots: int
    description: str


def plan(catalog: Catalog) -> tuple[Planned, ...]:
    """The DAGs of what is right in a project, by id."""
    planner = Planner(catalog)
    return tuple(sorted((each for kind in KINDS for each in kind(planner)), key=lambda each: each.dag.dag_id))


def pools(catalog: Catalog) -> tuple[Pool, ...]:
    """The pools that the DAGs need. An address that only the environment knows counts as embedded, which is safe."""
    project = catalog.definitions.project
    dsn = project.warehouse.dsn if project.warehouse else ""
    if project.airflow.connection or dsn.startswith(("clickhouse", "http")):
        return (Pool("clickhouse", project.airflow.slots, "Tasks at a time on the ClickHouse server."),)
    return (Pool(EMBEDDED, 1, "One process at a time opens an embedded database."),)


@dataclass(frozen=True)
class Planner:
    """What the kinds share: the names of DAGs, who reads what, and when things run."""

    catalog: Catalog

    @property
    def airflow(self) -> Airflow:
        return self.catalog.definitions.project.airflow

    @cached_property
    def pool(self) -> str:
        return pools(self.catalog)[0].name

    @cached_property
    def entries(self) -> dict[Key, Entry]:
        return dict(manifest(self.catalog, date.min).entries)

    @cached_property
    def groups(self) -> dict[str, str]:
        """Model: the name of its group."""
        return groups.of(self.catalog)

    @cached_property
    def readers(self) -> dict[str, set[Key]]:
        """Source: its metrics; without sources on a model that is wrong."""
        found: dict[str, set[Key]] = {}
        for metric in self.catalog.metrics.values():
            for source in metric.sources:
                found.setdefault(source, set()).add(("metric", metric.definition.name))
        models = self.catalog.models.keys()
        return {name: each for name, each in found.items() if models >= set(self.catalog.source(name).spec.models)}

    def right(self, metrics: Iterable[str]) -> bool:
        """Whether all the metrics can be built; what is wrong with the others was told of."""
        known = [self.catalog.metrics.get(name) for name in metrics]
        return all(each is not None and self.readers.keys() >= set(each.sources) for each in known)

    def below(self, keys: Iterable[Key]) -> frozenset[Key]:
        """The keys and every definition that they depend on."""
        found, waiting = set[Key](), list(keys)
        while waiting:
            key = waiting.pop()
            if key not in found and key in self.entries:
                found.add(key)
                waiting += self.entries[key].reads
        return frozenset(found)

    def dag_id(self, kind: str, name: str = "") -> str:
        return f"{self.airflow.prefix}{kind}__{name}" if name else f"{self.airflow.prefix}{kind}"

    def at(self, clock: time) -> Schedule:
        """Every day at a time."""
        return self.cron(f"{clock.minute} {clock.hour} * * *", partitioned=True)

    def cron(self, text: str, partitioned: bool = False) -> Schedule:
        by_partition = partitioned and self.airflow.trigger == "partition"
        return Schedule("partition" if by_partition else "cron", text, self.catalog.zone)

    def after(self, dags: Collection[str], otherwise: Schedule) -> Schedule:
        """When what the DAGs make is there; at its own time when there is none, or the project wants it so."""
        if not dags or self.airflow.trigger == "cron":
            return otherwise
        return Schedule(self.airflow.trigger, assets=tuple(sorted(dags)))

    def weekly(self, dags: Collection[str], otherwise: Schedule) -> Schedule:
        """When what the DAGs make is there for a whole week; without partitions nobody knows that."""
        found = self.after(dags, otherwise)
        return replace(found, weekly=True) if found.trigger == "partition" else otherwise

    def metrics_dags(self, *keys: Key) -> list[str]:
        """The DAGs that build the metrics and sources that some definitions name."""
        named = {each for key in keys for each in self.entries[key].reads}
        metrics = [self.catalog.metrics[name] for kind, name in named if kind == "metric"]
        sources = {name for kind, name in named if kind == "source"} | {each for m in metrics for each in m.sources}
        return [self.dag_id("metrics", name) for name in sorted(sources) if name in self.readers]

    def task(self, task_id: str, verb: str, names: Iterable[str], **more: Any) -> TaskSpec:
        """A step that uses the warehouse."""
        seconds = int(self.airflow.timeout.total_seconds())
        return TaskSpec(task_id, verb, tuple(names), pool=self.pool, timeout=seconds, **more)

    def dag(
        self, kind: str, name: str, origin: Definition[Any], schedule: Schedule, *tasks: TaskSpec, reads: Iterable[Key]
    ) -> Planned:
        spec, place = origin.spec, origin.location
        text = spec.description or spec.label or ""
        made = self._dag(kind, name, schedule, tasks, text, spec.owner or "", place.path, place.line)
        return Planned(made, self.below(reads))

    def own(self, kind: str, schedule: Schedule, text: str, *tasks: TaskSpec) -> Planned:
        """A DAG that no definition asks for."""
        return Planned(self._dag(kind, "", schedule, tasks, text, "", PROJECT, 1), frozenset())

    def _dag(
        self,
        kind: str,
        name: str,
        schedule: Schedule,
        tasks: tuple[TaskSpec, ...],
        text: str,
        owner: str,
        path: str,
        line: int,
    ) -> DagSpec:
        seconds = int(self.airflow.deadline.total_seconds()) if self.airflow.deadline else None
        told = self.airflow.route is not None
        return DagSpec(
            self.dag_id(kind, name), kind, text, owner or "airflow", schedule, tasks, path, line, seconds, told
        )


def models(planner: Planner) -> Iterator[Planned]:
    """A DAG for each group of models, after the groups that it reads."""
    for name, members in groups.members(planner.groups).items():
        needs = {planner.groups[each] for member in members for each in planner.catalog.models[member].needs}
        upstream = [planner.dag_id("models", each) for each in needs - {name}]
        schedule = planner.after(upstream, planner.at(planner.airflow.models))
        late = max(planner.catalog.models[each].lateness for each in members)
        outlet = planner.dag_id("models", name)
        build = planner.task("build", "build", members, lateness=-(-late // DAY), outlet=outlet)
        first = planner.catalog.models[members[0]].definition
        yield planner.dag("models", name, first, schedule, build, reads=[("model", each) for each in members])


def metrics(planner: Planner) -> Iterator[Planned]:
    """A DAG for each source that is measured: its metrics are built in one scan, then checked."""
    for name in sorted(planner.readers):
        source = planner.catalog.source(name)
        upstream = {planner.dag_id("models", planner.groups[each]) for each in source.spec.models}
        schedule = planner.after(upstream, planner.at(planner.airflow.metrics))
        build = planner.task("build", "build", [name], lateness=-(-source.spec.lateness // DAY))
        outlet = planner.dag_id("metrics", name)
        check = planner.task("check", "check", [name], after=("build",), outlet=outlet)
        reads = [("source", name), *planner.readers[name]]
        yield planner.dag("metrics", name, source, schedule, build, check, reads=reads)


def experiments(planner: Planner) -> Iterator[Planned]:
    """A DAG for each experiment: its read-out, and whether its gates let it be believed."""
    for name, experiment in sorted(planner.catalog.definitions.experiments.items()):
        if not planner.right(_metrics(experiment.spec.metrics)):
            continue
        key = "experiment", name
        schedule = planner.after(planner.metrics_dags(key), planner.at(planner.airflow.experiments))
        tasks = [
            planner.task("analyze", "analyze", [name]),
            planner.task("gates", "gates", [name], after=("analyze",)),
        ]
        if planner.airflow.approval:
            tasks.append(TaskSpec("approve", "approve", (name,), after=("gates",), timeout=_PATIENCE))
        yield planner.dag("experiment", name, experiment, schedule, *tasks, reads=[key])


def _metrics(roles: Roles) -> Iterator[str]:
    yield from (*roles.primary, *roles.secondary, *roles.guardrail)


def alerts(planner: Planner) -> Iterator[Planned]:
    """A DAG for each interval: all its alerts in one session. Those of whole days wait for the days' metrics."""
    found: dict[timedelta, list[str]] = {}
    for name, alert in sorted(planner.catalog.definitions.alerts.items()):
        if planner.right(alert.spec.metrics) and every(alert.spec.every):
            found.setdefault(alert.spec.every, []).append(name)
    for interval, names in sorted(found.items()):
        keys = [("alert", each) for each in names]
        schedule = planner.cron(every(interval) or "")
        if interval >= DAY:
            schedule = planner.after(planner.metrics_dags(*keys), planner.at(planner.airflow.experiments))
        task = planner.task("check", "alert", names)
        first = planner.catalog.alert(names[0])
        yield planner.dag("alerts", show_duration(interval), first, schedule, task, reads=keys)


def reports(planner: Planner) -> Iterator[Planned]:
    """A DAG for each report, at the time that it names; without one, as soon as its day is there."""
    for name, report in sorted(planner.catalog.definitions.reports.items()):
        if not planner.right(each for block in report.spec.blocks for each in block.shown):
            continue
        key = "report", name
        schedule = planner.cron(report.spec.schedule)
        if "schedule" not in report.spec.model_fields_set:
            schedule = planner.after(planner.metrics_dags(key), schedule)
        yield planner.dag("report", name, report, schedule, planner.task("send", "report", [name]), reads=[key])


def forecasts(planner: Planner) -> Iterator[Planned]:
    """A DAG for each forecast, at the time that it names; without one, as soon as its metrics' week is there."""
    for name, forecast in sorted(planner.catalog.definitions.forecasts.items()):
        if not planner.right(forecast.spec.metrics):
            continue
        key = "forecast", name
        schedule = planner.cron(forecast.spec.schedule)
        if "schedule" not in forecast.spec.model_fields_set:
            schedule = planner.weekly(planner.metrics_dags(key), schedule)
        yield planner.dag("forecast", name, forecast, schedule, planner.task("run", "forecast", [name]), reads=[key])


def dashboards(planner: Planner) -> Iterator[Planned]:
    """A DAG for each dashboard that keeps tables for BI tools, when the day of its metrics is there."""
    for name, dashboard in sorted(planner.catalog.definitions.dashboards.items()):
        shown = [each for tab in dashboard.spec.tabs.values() for each in tab.shown]
        if not dashboard.spec.tables or not planner.right(shown):
            continue
        key = "dashboard", name
        schedule = planner.after(planner.metrics_dags(key), planner.at(planner.airflow.experiments))
        refresh = planner.task("refresh", "tables", [name])
        yield planner.dag("dashboard", name, dashboard, schedule, refresh, reads=[key])


def maintenance(planner: Planner) -> Iterator[Planned]:
    """One DAG that looks after the machine and removes what nobody needs."""
    examine = planner.task("examine", "examine", ())
    sweep = planner.task("sweep", "sweep", ())
    clock = planner.airflow.maintenance
    schedule = planner.cron(f"{clock.minute} {clock.hour} * * *")
    yield planner.own("maintenance", schedule, "Machine, warehouse and old manifests.", examine, sweep)


# The one place to add a kind of DAG.
KINDS: tuple[Callable[[Planner], Iterator[Planned]], ...] = (
    models,
    metrics,
    experiments,
    alerts,
    reports,
    forecasts,
    dashboards,
    maintenance,
)
