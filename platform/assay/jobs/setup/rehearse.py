"""`validate --engine`: build and read every model, metric and experiment on empty tables, in a throw-away engine.

It finds what no parser can: a function that does not exist, a comparison of text with a number, an aggregate where a
value of one row belongs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.catalog.catalog import Catalog
from assay.catalog.expression import quote_identifier
from assay.catalog.model import Model
from assay.catalog.model import database as our_database
from assay.catalog.series import Measure
from assay.compiler import checks, models, series, states, zone
from assay.compiler import experiment as experiments
from assay.compiler.states import DAY, Grain
from assay.config.definitions import Definition
from assay.config.source import Dimension, Join, SourceSpec
from assay.engine import Dsn, Engine, connect
from assay.errors import Diagnostic, Location, WarehouseError
from assay.jobs.experiments.analyze import plan_of
from assay.statement import Statement

_DAY, _NEXT = date(2025, 1, 1), date(2025, 1, 2)
_DATABASE = "assay"
_STAGE = "measure_states__stg_rehearsal"


def rehearse(catalog: Catalog) -> list[Diagnostic]:
    """Everything that ClickHouse refuses, at the YAML that asked for it, and W501 for sources that cannot be tried."""
    with TemporaryDirectory(prefix="assay-") as folder, connect(Dsn(path=Path(folder) / "warehouse")) as engine:
        known = {name for name, source in catalog.definitions.sources.items() if source.spec.columns}
        found = [_untried(source) for name, source in catalog.definitions.sources.items() if name not in known]
        for model in catalog.models.values():
            found += _attempts(engine, _table(catalog, model), model.definition.location)
        for name in sorted(known):
            found += _attempts(engine, _create(catalog.source(name).spec), catalog.source(name).location)
        for statement in states.create(_DATABASE):
            engine.run(statement)
        engine.run(Statement(f"CREATE TABLE {_DATABASE}.{_STAGE} AS {_DATABASE}.measure_states", "stage", writes=True))
        for place, statements in (*_models(catalog, known), *_statements(catalog, known)):
            found += _attempts(engine, statements, place)
    return found + [_reads_others(model) for model in catalog.models.values() if model.others]


def _untried(source: Definition[SourceSpec]) -> Diagnostic:
    return Diagnostic(
        "W501",
        f"The source '{source.name}' declares no columns, so its SQL was not tried.",
        "An empty table of the declared schema stands in for the real one.",
        "Add 'columns: {name: type}', as DESCRIBE TABLE shows them.",
        source.location,
        "warning",
    )


def _reads_others(model: Model) -> Diagnostic:
    return Diagnostic(
        "W501",
        f"The model '{model.name}' reads {', '.join(model.others)}, which is no source, so its SQL was not tried.",
        "Only of sources and models the columns are known.",
        "Declare it as a source with 'columns:', and write {{ source('name') }}.",
        model.definition.location,
        "warning",
    )


def _table(catalog: Catalog, model: Model) -> list[Statement]:
    """The empty table of a model, in the database that its readers name."""
    database = our_database(catalog.definitions)
    made = Statement(f"CREATE DATABASE IF NOT EXISTS {database}", "create a database", writes=True)
    return [made, models.create(model, models.table(model, database))]


def _models(catalog: Catalog, known: set[str]) -> Iterator[tuple[Location, list[Statement]]]:
    """What fills and checks each model whose tables are known."""
    for model in catalog.models.values():
        if not model.others and set(model.sources) <= known:
            table = models.table(model, our_database(catalog.definitions))
            until = zone.midnight(_NEXT, catalog.zone)
            fill = models.insert(model, table, _DAY, _NEXT, catalog.zone, until)
            yield model.definition.location, [fill, models.check(model, table, _DAY, _NEXT)]


def _create(spec: SourceSpec) -> list[Statement]:
    columns = ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in spec.columns.items())
    database, _, table = spec.table.rpartition(".")
    made = (
        [Statement(f"CREATE DATABASE IF NOT EXISTS {database}", "create a database", writes=True)] if database else []
    )
    create = f"CREATE TABLE IF NOT EXISTS {spec.table} ({columns}) ENGINE = MergeTree ORDER BY tuple()"
    joined = [_attributes(join, spec) for join in spec.joins.values() if not join.model]
    return [*made, Statement(create, f"create an empty {table}", writes=True), *joined]


def _attributes(join: Join, spec: SourceSpec) -> Statement:
    """The empty table of a join; its key is of the type that the source has for it."""
    columns = {join.key: spec.columns.get(join.on, "String"), **join.columns}
    listed = ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in columns.items())
    create = f"CREATE TABLE IF NOT EXISTS {join.table} ({listed}) ENGINE = MergeTree ORDER BY tuple()"
    return Statement(create, "create an empty table of attributes", writes=True)


def _attempts(engine: Engine, statements: list[Statement], place: Location) -> Iterator[Diagnostic]:
    """The first refusal of a series of statements: what follows would only repeat it."""
    try:
        for statement in statements:
            engine.run(statement)
    except WarehouseError as error:
        first = error.diagnostics[0]
        yield Diagnostic(first.code, first.message, first.why, first.fix, first.location or place)


def _statements(catalog: Catalog, known: set[str]) -> Iterator[tuple[Location, list[Statement]]]:
    """What each source, metric and experiment compiles to, each on its own, so that each mistake is found once."""
    for source in sorted(known):
        definition, rows = catalog.source(source), Measure(source, "sum", "1", None, "rows")
        yield definition.location, _fill(catalog, source, (rows,), tuple(definition.spec.dimensions.items()))
        until = zone.midnight(_NEXT, catalog.zone)
        yield definition.at("checks"), checks.rows(checks.source(catalog, source), catalog.zone, _DAY, _NEXT, until)
    for metric in catalog.metrics.values():
        if set(metric.sources) <= known:
            own = Catalog(catalog.definitions, {metric.name: metric}).measures
            fills = [
                each for source, measures in own.items() for each in _fill(catalog, source, tuple(measures.values()))
            ]
            read = series.series([metric], "day", "", _DAY, _NEXT, _DATABASE)
            yield metric.definition.location, [*fills, read]
    for name, experiment in catalog.definitions.experiments.items():
        plan = plan_of(catalog, name)
        if set(plan.measures) <= known:
            table = f"{_DATABASE}.units_of_{name}"
            yield experiment.location, [experiments.create(plan, table), experiments.moments(plan, table)]


def _fill(
    catalog: Catalog, source: str, measures: tuple[Measure, ...], dimensions: tuple[tuple[str, Dimension], ...] = ()
) -> list[Statement]:
    """The INSERT … SELECT of some measures; its errors belong to whoever asked, not to the source."""
    grain = Grain(source, DAY, measures, dimensions)
    found = states.fill(catalog, grain, f"{_DATABASE}.{_STAGE}", _DAY, _NEXT, _DATABASE)
    return [replace(each, origin=None) for each in found]
