"""How a source's events are read: its table with the joined attributes, the time and the rows that belong to it."""

from __future__ import annotations

from typing import Any

from assay.catalog.catalog import Catalog
from assay.catalog.expression import parse, quote_identifier
from assay.config.source import Join, SourceSpec


def scan(catalog: Catalog, source: str) -> dict[str, Any]:
    """What templates need to read a source: source, table, time and where (None for all rows)."""
    spec = catalog.source(source).spec
    return {
        "source": source,
        "table": _joined(spec) if spec.joins else spec.table,
        "time": parse(spec.time).sql,
        "where": spec.where and parse(spec.where).sql,
    }


def _joined(spec: SourceSpec) -> str:
    """A subquery with one named tuple of attributes per join, so that `sender.city` never meets a column `city`.

    Attributes are nullable: a key without a row has NULLs. ANY takes one row per key, so rows never multiply.
    """
    joins = "\n".join(_join(name, join) for name, join in spec.joins.items())
    return f"(SELECT * FROM {spec.table} AS assay__rows\n{joins})"  # noqa: S608 - checked names


def _join(name: str, join: Join) -> str:
    key = f"assay__key_{name}"
    listed = ", ".join(quote_identifier(each) for each in join.columns)
    types = ", ".join(f"{quote_identifier(each)} {_nullable(kind)}" for each, kind in join.columns.items())
    attributes = f"SELECT {join.key} AS {key}, CAST(tuple({listed}) AS Tuple({types})) AS {name} FROM {join.table}"  # noqa: S608 - checked names
    return f"ANY LEFT JOIN ({attributes}) AS assay__{name} ON {key} = {parse(join.on).sql}"


def _nullable(kind: str) -> str:
    if kind.startswith(("Nullable(", "LowCardinality(Nullable(")):
        return kind
    if kind.startswith("LowCardinality("):
        return f"LowCardinality(Nullable({kind.removeprefix('LowCardinality(').removesuffix(')')}))"
    return f"Nullable({kind})"
