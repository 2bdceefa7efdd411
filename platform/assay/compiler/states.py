"""Statements that build `measure_states`: every measure and dimension of a source in one scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import blake2b

from assay.catalog.catalog import Catalog
from assay.catalog.expression import parse, quote_literal
from assay.catalog.rows import Between, Gaps, PerEntity, Steps, ahead
from assay.catalog.series import Measure, leaves
from assay.compiler import zone
from assay.compiler.dimensions import raw_value_sql, top_key, value_sql
from assay.compiler.render import read, render, write
from assay.compiler.scan import scan
from assay.compiler.units import Plan
from assay.config.base import parse_duration, show_duration
from assay.config.source import Dimension
from assay.statement import Statement

DAY = "1d"
_UNIT = "unit:"  # begins the name of a rhythm that stores the days of single units
# What Assay keeps, besides the tables of `incremental`.
TABLES = (
    "measure_states", "unit_days", "experiment_days", "experiment_totals", "experiment_results",
    "builds", "dimension_values", "check_results",
    "alert_memory", "alert_events", "alert_scores", "alert_actions",
    "forecast_runs", "forecast_points", "impact_results",
)  # fmt: skip
# The template that makes the rows of a measure.
_ROWS: dict[type, str] = {
    type(None): "events",
    PerEntity: "per_entity",
    Gaps: "gaps",
    Between: "between",
    Steps: "steps",
}


@dataclass(frozen=True, slots=True)
class Grain:
    """What one source stores at one rhythm: `name` is 1d or, for alerts, the alert's slot such as 15m.

    `unit:user` stores what each user did on a day; its one dimension is the user.
    """

    source: str
    name: str
    measures: tuple[Measure, ...]
    dimensions: tuple[tuple[str, Dimension], ...]

    @property
    def of_units(self) -> bool:
        return self.name.startswith(_UNIT)

    @property
    def table(self) -> str:
        """The table, in our database, that holds it."""
        return "unit_days" if self.of_units else "measure_states"

    @property
    def dimension_keys(self) -> list[str]:
        return sorted(dimension_key(name, dimension) for name, dimension in self.dimensions)

    @property
    def fingerprint(self) -> str:
        """Changes when a measure or a dimension changes its meaning."""
        parts = [*sorted(measure.id for measure in self.measures), *self.dimension_keys]
        return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def dimension_key(name: str, dimension: Dimension) -> str:
    """The name of a dimension and its meaning: what a build remembers."""
    return f"{name}={dimension.model_dump_json()}"


def grains(catalog: Catalog) -> list[Grain]:
    """Everything to be stored: all measures by day, what alerts read by slot, and what experiments read by unit."""
    daily = [
        Grain(source, DAY, tuple(measures.values()), tuple(catalog.source(source).spec.dimensions.items()))
        for source, measures in sorted(catalog.measures.items())
    ]
    return daily + _alert_grains(catalog) + _unit_grains(catalog)


def _alert_grains(catalog: Catalog) -> list[Grain]:
    measures: dict[tuple[str, str], dict[str, Measure]] = {}
    dimensions: dict[tuple[str, str], dict[str, Dimension]] = {}
    for alert in catalog.definitions.alerts.values():
        for metric in (catalog.metrics[name] for name in alert.spec.metrics if name in catalog.metrics):
            for leaf in leaves(metric.series):
                source = leaf.measure.source
                key = source, show_duration(alert.spec.every)
                measures.setdefault(key, {})[leaf.measure.id] = leaf.measure
                known = catalog.source(source).spec.dimensions
                wanted = {*alert.spec.by, *alert.spec.explain} & set(known)
                dimensions.setdefault(key, {}).update({name: known[name] for name in known if name in wanted})
    return [
        Grain(source, every, tuple(found.values()), tuple(dimensions[source, every].items()))
        for (source, every), found in sorted(measures.items())
        if every != DAY
    ]


def unit_grain(catalog: Catalog, source: str, entity: str, measures: Iterable[Measure]) -> Grain:
    """The days of the entities of a source."""
    unit = Dimension(column=catalog.source(source).spec.entities[entity].sql)
    return Grain(source, f"{_UNIT}{entity}", tuple(sorted(measures, key=lambda each: each.id)), ((entity, unit),))


def _unit_grains(catalog: Catalog) -> list[Grain]:
    """What experiments read of the sources that declare `unit_days`."""
    found: dict[tuple[str, str], dict[str, Measure]] = {}
    for experiment in catalog.definitions.experiments.values():
        roles, entity = experiment.spec.metrics, experiment.spec.entity
        named = dict.fromkeys((*roles.primary, *roles.secondary, *roles.guardrail))
        plan = Plan(catalog, experiment, [catalog.metrics[name] for name in named if name in catalog.metrics])
        for source, measures in plan.measures.items():
            if entity in catalog.source(source).spec.unit_days:
                found.setdefault((source, entity), {}).update(measures)
    return [unit_grain(catalog, *key, measures.values()) for key, measures in sorted(found.items())]


def create(database: str) -> list[Statement]:
    """Our own tables, if they do not exist."""
    made = [Statement(f"CREATE DATABASE IF NOT EXISTS {database}", "create our database", writes=True)]
    return made + [write(f"states/{table}", f"create {table}", database=database) for table in TABLES]


def pin_top(catalog: Catalog, grain: Grain, start: date, end: date, database: str) -> list[Statement]:
    """Fix the most frequent values of limited dimensions, once: later runs keep them, so that days compare."""
    return [
        Statement(
            render(
                "states/pin_top",
                database=database,
                key=top_key(name, dimension),
                value=raw_value_sql(dimension),
                top=dimension.top,
                **scan(catalog, grain.source),
            ),
            f"most frequent values of {name}",
            zone.window(start, end, catalog.zone),
            writes=True,
        )
        for name, dimension in grain.dimensions
        if dimension.top is not None
    ]


def fill(
    catalog: Catalog, grain: Grain, stage: str, start: date, end: date, database: str, until: datetime | None = None
) -> list[Statement]:
    """INSERT … SELECT of the local days [start, end) into a staging table; `until` cuts the last day short.

    One statement reads the events for all their measures; rows made of events take one more for each way to make them.
    """
    if grain.of_units:
        return [_fill_units(catalog, grain, stage, start, end, until)]
    kinds = dict.fromkeys(measure.rows for measure in grain.measures)
    found = [replace(grain, measures=tuple(each for each in grain.measures if each.rows == rows)) for rows in kinds]
    return [_fill(catalog, each, stage, start, end, database, until) for each in found]


def _fill(
    catalog: Catalog, grain: Grain, stage: str, start: date, end: date, database: str, until: datetime | None
) -> Statement:
    rows = grain.measures[0].rows
    parameters = zone.window(start, end, catalog.zone)
    if isinstance(rows, Steps):
        parameters |= {"days_end": parameters["end"], "end": parameters["end"] + rows.within}
    if until is not None:
        parameters["end"] = min(parameters["end"], zone.epoch(until))
    sql = render(
        "states/fill",
        stage=stage,
        grain=grain,
        zone=catalog.zone,
        slot=_slot_sql(catalog, grain),
        dimensions=[(name, value_sql(name, dimension, database)) for name, dimension in grain.dimensions],
        made=f"rows/{_ROWS[type(rows)]}.sql.j2",
        rows=rows,
        ahead=ahead(rows),
        **scan(catalog, grain.source),
    )
    origin = catalog.source(grain.source).location
    limits = catalog.source(grain.source).spec.limits.settings
    return Statement(sql, f"build {grain.source} {grain.name}", parameters, origin, limits, writes=True)


def _fill_units(
    catalog: Catalog, grain: Grain, stage: str, start: date, end: date, until: datetime | None
) -> Statement:
    parameters = zone.window(start, end, catalog.zone)
    if until is not None:
        parameters["end"] = min(parameters["end"], zone.epoch(until))
    ((entity, unit),) = grain.dimensions
    sql = render(
        "states/fill_units",
        stage=stage,
        grain=grain,
        zone=catalog.zone,
        unit=parse(unit.column or "").sql,
        **scan(catalog, grain.source),
    )
    origin, purpose = catalog.source(grain.source).location, f"build {grain.source} {grain.name}"
    apart = None if catalog.source(grain.source).spec.model else entity
    limits = catalog.source(grain.source).spec.limits.settings
    return Statement(sql, purpose, parameters, origin, limits, writes=True, apart=apart)


def _slot_sql(catalog: Catalog, grain: Grain) -> str:
    column, quoted = parse(catalog.source(grain.source).spec.time).sql, quote_literal(catalog.zone)
    if grain.name == DAY:
        return f"toStartOfDay({column}, {quoted})"
    midnight = f"toStartOfDay({column}, {quoted})"
    length = parse_duration(grain.name) // timedelta(seconds=1)
    # from local midnight on: toStartOfInterval counts from 1970 in UTC, and 2 h slots in Moscow would begin at 01:00
    return f"{midnight} + intDiv(toUnixTimestamp({column}) - toUnixTimestamp({midnight}), {length}) * {length}"


def checks(grain: Grain, stage: str, start: date, end: date) -> list[Statement]:
    """Statements whose `failures` must all be zero before the stage is published."""
    parameters = {"first": start, "last": end - timedelta(days=1)}
    purpose = f"check {grain.source} {grain.name}: only the days asked for"
    return [read("states/check_days", purpose, parameters, stage=stage)]


def partitions(grain: Grain, days: Sequence[date]) -> list[str]:
    """The SQL literals of the partitions of some days."""
    return [f"({quote_literal(grain.source)}, {quote_literal(grain.name)}, '{day}')" for day in days]
