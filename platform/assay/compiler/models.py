"""Statements that build the table of a model: its DDL, its INSERT … SELECT, and what always must hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from assay.catalog.expression import quote_identifier, quote_literal
from assay.catalog.model import Model
from assay.compiler import zone
from assay.compiler.render import read, render, write
from assay.config.model import ModelSpec
from assay.statement import Statement

_INTEGER = re.compile(r"U?Int\d+")
_FLOAT = re.compile(r"\b(BF|F)loat\d+$")


def table(model: Model, database: str) -> str:
    """The table that a model fills."""
    return f"{database}.{model.name}"


def comment(model: Model) -> str:
    """The comment of the table: marks it as ours, and tells its layout, so that a changed one is seen."""
    spec = model.spec
    parts = [*map(" ".join, spec.columns.items()), spec.day or "", *spec.sorting, spec.engine]
    return f"assay: model {model.name} {blake2b(chr(10).join(parts).encode(), digest_size=8).hexdigest()}"


def create(model: Model, name: str) -> Statement:
    """CREATE TABLE `name` with the layout of a model: partitions are days, rows are sorted by the grain."""
    return write("model/table", f"create {name}", table=name, spec=model.spec, comment=comment(model))


def insert(model: Model, stage: str, start: date, end: date, timezone: str, until: datetime) -> Statement:
    """INSERT … SELECT of the local days [start, end) into a staging table; `until` cuts the last day short.

    A whole number that does not fit into its column is an error, where ClickHouse would store another number.
    """
    columns = [(name, _value(name, kind)) for name, kind in model.spec.columns.items()]
    sql = render("model/insert", stage=stage, columns=columns, sql=model.query.sql)
    window: dict[str, Any] = zone.window(start, end, timezone)
    window["end"] = min(window["end"], zone.epoch(until))
    bound = {f"assay__{name}": value for name, value in (window | {"first": start, "after": end}).items()}
    # the driver fills other placeholders itself as soon as it is given a parameter that the SQL does not name
    named = {name: value for name, value in bound.items() if f"{{{name}:" in sql}
    return Statement(sql, f"build {model.name}", named, model.definition.location, writes=True)


def _value(name: str, kind: str) -> str:
    column = quote_identifier(name)
    if _INTEGER.fullmatch(kind):
        return f"accurateCastOrNull({column}, '{kind}')"  # NULL is refused, with the column's name
    inner = kind.removeprefix("Nullable(").removesuffix(")")
    if _INTEGER.fullmatch(inner):
        cast = f"accurateCastOrNull({column}, '{inner}')"  # accurateCast would look at what a NULL hides
        lost = f"isNotNull({column}) AND isNull({cast})"
        return (
            f"if(throwIf({lost}, {quote_literal(f'no value of {kind}, to destination column {name}')}), NULL, {cast})"
        )
    return column


def check(model: Model, stage: str, start: date, end: date) -> Statement:
    """What must hold for every model: only the days asked for, a unique grain, and no NaN. check, failures, rows."""
    parameters = {"first": start, "after": end} if model.spec.day else {}
    place = model.definition.at("grain")
    return read(
        "model/check",
        f"check {model.name}",
        parameters,
        place,
        stage=stage,
        spec=model.spec,
        floats=_floats(model.spec),
    )


def _floats(spec: ModelSpec) -> list[str]:
    kinds = {
        name: kind.replace("Nullable(", "").replace("LowCardinality(", "").rstrip(")")
        for name, kind in spec.columns.items()
    }
    return [name for name, kind in kinds.items() if _FLOAT.fullmatch(kind)]


def partitions(days: Sequence[date]) -> list[str]:
    """The SQL literals of the partitions of some days."""
    return [f"'{day}'" for day in days]
