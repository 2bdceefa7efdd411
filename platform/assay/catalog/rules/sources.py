"""Rules about sources."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken, expression, unknown_entity, whole_days
from assay.config.definitions import Definition
from assay.config.source import SourceSpec
from assay.errors import Diagnostic


def expressions(source: Definition[SourceSpec]) -> Iterator[Diagnostic]:
    """Every SQL text is an expression over declared columns. Asked before metrics, which would repeat the mistakes."""
    spec, columns = source.spec, source.spec.known
    yield from expression(spec.time, columns, source.at("time"))
    yield from expression(spec.where, columns, source.at("where"))
    for name, entity in spec.entities.items():
        for sql in entity.columns:
            yield from expression(sql, columns, source.at("entities", name))
    for name, segment in spec.segments.items():
        yield from expression(segment, columns, source.at("segments", name))
    for name, join in spec.joins.items():
        yield from expression(join.key, frozenset(), source.at("joins", name, "key"))
        yield from expression(join.on, columns, source.at("joins", name, "on"))
    for name, each in spec.dimensions.items():
        field = "column" if each.bins is None else "bins"
        yield from expression(each.column or each.bins, columns, source.at("dimensions", name, field))


def times(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A Date has no moment: its midnight in UTC lies on another local day in half of the world."""
    for source in catalog.definitions.sources.values():
        declared = source.spec.columns.get(source.spec.time, "").removeprefix("Nullable(")
        if declared.startswith("Date") and not declared.startswith("DateTime"):
            yield Diagnostic(
                "E301",
                f"The time of '{source.name}' is a {declared.rstrip(')')}, which is no moment.",
                "Local days and slots are cut from moments.",
                f"Use a DateTime, or an expression such as toDateTime({source.spec.time}, '{catalog.zone}').",
                source.at("time"),
            )


def joins(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """One row per key: otherwise one of several would be taken at random."""
    for source in catalog.definitions.sources.values():
        for name, join in source.spec.joins.items():
            grain = catalog.definitions.models[join.model].spec.grain if join.model else (join.key,)
            if grain != (join.key,):
                yield Diagnostic(
                    "E301",
                    f"The join '{name}' reads '{join.model}', which has a row per {' and '.join(grain)}.",
                    f"For one {join.key} there would be several rows, and none of them is the right one.",
                    f"Join a model whose grain is [{join.key}].",
                    source.at("joins", name, "key"),
                )


def lateness(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Each run recomputes whole days."""
    for source in catalog.definitions.sources.values():
        yield from whole_days("lateness", source.spec.lateness, source.at("lateness"))


def unit_days(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """What is stored by unit is stored of an entity."""
    for source in catalog.definitions.sources.values():
        for index, name in enumerate(source.spec.unit_days):
            if name not in source.spec.entities:
                why = "The days of an entity of the source are stored."
                yield unknown_entity(name, source, why, source.at("unit_days", index))
