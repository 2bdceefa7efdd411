"""`sources`: a fact table in ClickHouse, and how to read it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from assay.config.base import (
    Described,
    Duration,
    FieldError,
    Integer,
    Name,
    Number,
    Spec,
    Sql,
    parse_duration,
)
from assay.config.check import Checks
from assay.config.limits import Limits
from assay.config.model import Type

_TABLE = r"\w+(\.\w+)?"


class Dimension(Spec):
    """A way to slice: a column or SQL expression, optionally cut into bins or limited to its most frequent values."""

    column: Sql | None = Field(None, description="A column or a SQL expression.")
    bins: Sql | None = Field(None, description="A numeric column or expression, to be cut at `cuts`.")
    cuts: tuple[Number, ...] = Field((), description="Left-closed bounds of the bins, ascending.")
    top: Integer | None = Field(
        None, ge=1, le=1000, description="Keep this many most frequent values; the rest is 'other'."
    )

    @field_validator("cuts")
    @classmethod
    def _ascending(cls, cuts: tuple[Number, ...]) -> tuple[Number, ...]:
        if any(left >= right for left, right in pairwise(cuts)):
            raise FieldError("cuts must ascend", "[18, 25, 35]")
        return cuts

    def model_post_init(self, _context: Any) -> None:
        if (self.column is None) == (self.bins is None):
            raise FieldError("a dimension needs either 'column' or 'bins'", "{column: country}")
        if bool(self.cuts) != (self.bins is not None):
            raise FieldError("'bins' and 'cuts' go together", "{bins: age, cuts: [18, 25, 35]}")
        if self.bins is not None and self.top is not None:
            raise FieldError("'top' limits a column, not bins", "{bins: age, cuts: [18, 25, 35]}")


def _dimension(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


def _table(value: Any) -> str:
    if value != "" and not (isinstance(value, str) and re.fullmatch(_TABLE, value)):
        raise FieldError("a table is written `table` or `database.table`", "events")
    if str(value).lower().startswith(("system.", "information_schema.")):
        raise FieldError("the tables of ClickHouse itself tell about its users and queries", "events")
    return str(value)


Table = Annotated[str, BeforeValidator(_table), Field(json_schema_extra={"pattern": f"^{_TABLE}$"})]


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Entity(Spec):
    """Who or what can be counted: a column, or several that identify it together."""

    columns: Annotated[tuple[Sql, ...], BeforeValidator(_several, json_schema_input_type=str | list[str])] = Field(
        min_length=1, description="A column or SQL expression, or several; best the one with fewer values first."
    )
    kind: Name | None = Field(None, description="The entity that it is, where its own name tells a role: receiver.")

    @property
    def sql(self) -> str:
        """The column, or a tuple of several."""
        return self.columns[0] if len(self.columns) == 1 else f"({', '.join(self.columns)})"


def _entity(value: Any) -> Any:
    return {"columns": value} if isinstance(value, str | list | tuple) else value


class Join(Spec):
    """Attributes of an entity, one row per key, to be read as `<join>.<column>`."""

    table: Table = Field("", description="`table` or `database.table`, with one row per key.")
    model: Name | None = Field(None, description="A model of this project, in the place of `table`.")
    key: Sql = Field(description="The column of that table.")
    on: Sql = Field(description="The column or SQL expression of the source that holds the key.")
    columns: dict[Name, Type] = Field({}, description="Attribute: ClickHouse type. A model has its own.")

    def model_post_init(self, _context: Any) -> None:
        if bool(self.table) == (self.model is not None):
            raise FieldError("a join needs either 'table' or 'model'", "table: users")
        if self.table and not self.columns:
            raise FieldError("a join with a table needs 'columns'", "columns: {city: String}")


class SourceSpec(Described):
    """A fact table: one row per event. A source on a model has the table of the model, once it is resolved."""

    table: Table = Field("", description="`table` or `database.table`.")
    model: Name | None = Field(None, description="A model of this project, in the place of `table`.")
    time: Sql = Field(description="The column of the event's time: a DateTime, stored in UTC.")
    where: Sql | None = Field(None, description="Only these rows belong to the source.")
    entities: dict[
        Name, Annotated[Entity, BeforeValidator(_entity, json_schema_input_type=str | list[str] | Entity)]
    ] = Field(min_length=1, description="Who or what can be counted: name: column.")
    joins: dict[Name, Join] = Field({}, description="Tables of attributes, one row per key.")
    segments: dict[Name, Sql] = Field({}, description="Named conditions on one row, for `segments` of metrics.")
    dimensions: dict[
        Name, Annotated[Dimension, BeforeValidator(_dimension, json_schema_input_type=str | Dimension)]
    ] = Field({}, description="Ways to slice.")
    columns: dict[str, Type] = Field({}, description="Column: ClickHouse type. Lets `validate` find unknown columns.")
    lateness: Duration = Field(parse_duration("1d"), description="How many past days each run recomputes.")
    freshness: Duration | None = Field(
        None, description="With a newest row older than this, `run` leaves the last day out."
    )
    unit_days: tuple[Name, ...] = Field(
        (), description="Entities of which every day is stored, one row each: experiments read that, not the events."
    )
    limits: Limits = Field(
        Limits(), description="What one statement that builds it may cost, in place of the project's."
    )
    checks: Checks = Checks()

    def model_post_init(self, _context: Any) -> None:
        if bool(self.table) == (self.model is not None):
            raise FieldError("a source needs either 'table' or 'model'", "table: events")

    @property
    def models(self) -> tuple[str, ...]:
        """The models that must be there before the source can be read."""
        found = (self.model, *(join.model for join in self.joins.values()))
        return tuple(dict.fromkeys(each for each in found if each is not None))

    @property
    def known(self) -> frozenset[str]:
        """What an expression may name: columns and joins; empty when no columns are declared."""
        return frozenset((*self.columns, *self.joins)) if self.columns else frozenset()
