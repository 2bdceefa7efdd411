"""Mistakes that only Airflow would meet: what `platform dags check` says beside what `validate` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from assay.catalog.catalog import Catalog
from assay.config.base import show_duration
from assay.config.files import read_file
from assay.config.root import PROJECT, find_root
from assay.config.yaml import Places
from assay.errors import DefinitionsError, Diagnostic, Location, did_you_mean
from dag_factory import store
from dag_factory.cron import every
from dag_factory.groups import of
from dag_factory.plan import Planned

LONGEST = 200  # characters of an id: Airflow allows 250, and partitions and runs add to it


def check(catalog: Catalog, planned: tuple[Planned, ...]) -> tuple[Diagnostic, ...]:
    """Every mistake, in the order of the rules."""
    return tuple(found for rule in RULES for found in rule(catalog, planned))


def long_ids(_catalog: Catalog, planned: tuple[Planned, ...]) -> Iterator[Diagnostic]:
    for each in planned:
        if len(each.dag.dag_id) > LONGEST:
            yield Diagnostic(
                "E801",
                f"The id '{each.dag.dag_id[:40]}…' has {len(each.dag.dag_id)} characters.",
                f"Airflow keeps the first of long ids, and two could become one: {LONGEST} are allowed.",
                "Use a shorter name or prefix.",
                Location(each.dag.path, each.dag.line),
            )


def shared_ids(catalog: Catalog, planned: tuple[Planned, ...]) -> Iterator[Diagnostic]:
    """Airflow knows a DAG by its id alone: of two, one would disappear."""
    others = _others(catalog.definitions.root)
    for each in planned:
        if other := others.get(each.dag.dag_id):
            yield Diagnostic(
                "E801",
                f"The project in {other} has a DAG with the id '{each.dag.dag_id}', too.",
                "Airflow runs both projects, and knows a DAG by its id alone.",
                "Give the ids of this project a beginning: airflow: {prefix: shop_}",
                Location(each.dag.path, each.dag.line),
            )


def _others(root: Path) -> dict[str, Path]:
    """The compiled DAGs of the projects that Airflow runs before this one."""
    folders = [each.absolute() for each in store.project_folders()]
    found: dict[str, Path] = {}
    for other in folders[: folders.index(root)] if root in folders else ():
        with suppress(DefinitionsError):  # told by itself
            found |= dict.fromkeys(store.read(find_root(other)).shards, other)
    return found


def intervals(catalog: Catalog, _planned: tuple[Planned, ...]) -> Iterator[Diagnostic]:
    for alert in catalog.definitions.alerts.values():
        if every(alert.spec.every) is None:
            yield Diagnostic(
                "E802",
                f"Cron has no word for every {show_duration(alert.spec.every)}.",
                "Its ticks begin anew at each hour and day.",
                "Use a divisor of an hour or of a day, such as 15m, 30m, 1h or 4h.",
                alert.at("every"),
            )


def order(catalog: Catalog, _planned: tuple[Planned, ...]) -> Iterator[Diagnostic]:
    """With times alone, what reads must be later than what is read."""
    airflow = catalog.definitions.project.airflow
    if airflow.trigger != "cron":
        return
    if airflow.metrics <= airflow.models and any(each.spec.models for each in catalog.definitions.sources.values()):
        yield _too_early(catalog, "metrics", "models")
    if airflow.experiments <= airflow.metrics and catalog.definitions.experiments:
        yield _too_early(catalog, "experiments", "metrics")
    groups = of(catalog)
    for name, model in sorted(catalog.models.items()):
        if other := next((each for each in model.needs if groups[each] != groups[name]), None):
            yield Diagnostic(
                "E802",
                f"The model '{name}' is built at the same time as '{other}', which it reads.",
                "With `trigger: cron` the models of every file are built at one time.",
                "Define both in one file, or use trigger: partition.",
                model.definition.location,
            )


def _too_early(catalog: Catalog, later: str, first: str) -> Diagnostic:
    airflow = catalog.definitions.project.airflow
    return Diagnostic(
        "E802",
        f"With `trigger: cron`, {later} at {getattr(airflow, later):%H:%M} are not after {first} at "
        f"{getattr(airflow, first):%H:%M}.",
        f"The {later} read what the {first} leave.",
        "Give them a later time in project.yaml, or use trigger: partition.",
        setting(catalog, later, "trigger"),
    )


def routes(catalog: Catalog, _planned: tuple[Planned, ...]) -> Iterator[Diagnostic]:
    name, known = catalog.definitions.project.airflow.route, catalog.definitions.routes
    if name is not None and name not in known:
        yield Diagnostic(
            "E201",
            f"Unknown route '{name}'.{did_you_mean(name, known)}",
            "It must name a route of this project: failed tasks are told there.",
            f"Use one of: {', '.join(sorted(known)) or 'none is defined'}.",
            setting(catalog, "route"),
        )


def warehouse(catalog: Catalog, _planned: tuple[Planned, ...]) -> Iterator[Diagnostic]:
    if catalog.definitions.project.warehouse is None:
        yield Diagnostic(
            "E501",
            "The project has no warehouse.",
            "Tasks read from ClickHouse and write to a database of our own.",
            "Add to project.yaml: warehouse: {dsn: chdb://target/warehouse}",
            Location(PROJECT),
        )


def setting(catalog: Catalog, *names: str) -> Location:
    """Where the first of some fields of `airflow:` stands in project.yaml that is there."""
    places = Places(PROJECT, read_file(catalog.definitions.root, PROJECT)[1].place)
    above = places.nearest(("airflow",))
    found = (places.nearest(("airflow", name)) for name in names)
    return next((each for each in found if each != above), above)


RULES: tuple[Callable[[Catalog, tuple[Planned, ...]], Iterator[Diagnostic]], ...] = (
    long_ids,
    shared_ids,
    intervals,
    order,
    routes,
    warehouse,
)
