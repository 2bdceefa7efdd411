"""Rules about sources."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken, expression, whole_days
from assay.config.definitions import Definition
from assay.config.source import SourceSpec
from assay.errors import Diagnostic


def expressions(source: Definition[SourceSpec]) -> Iterator[Diagnostic]:
    """Every SQL text is an expression over declared columns. Asked before metrics, which would repeat the mistakes."""
    spec, columns = source.spec, source.spec.columns
    yield from expression(spec.time, columns, source.at("time"))
    yield from expression(spec.where, columns, source.at("where"))
    for name, sql in spec.entities.items():
        yield from expression(sql, columns, source.at("entities", name))
    for name, each in spec.dimensions.items():
        field = "column" if each.bins is None else "bins"
        yield from expression(each.column or each.bins, columns, source.at("dimensions", name, field))
    for index, column in enumerate(spec.checks.not_null):
        yield from expression(column, columns, source.at("checks", "not_null", index))
    for column in spec.checks.accepted:
        yield from expression(column, columns, source.at_key("checks", "accepted", column))


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


def lateness(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Each run recomputes whole days."""
    for source in catalog.definitions.sources.values():
        yield from whole_days("lateness", source.spec.lateness, source.at("lateness"))
