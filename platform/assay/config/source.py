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
    if not isinstance(value, str) or not re.fullmatch(_TABLE, value):
        raise FieldError("a table is written `table` or `database.table`", "events")
    return value


Table = Annotated[str, BeforeValidator(_table), Field(json_schema_extra={"pattern": f"^{_TABLE}$"})]


class SourceSpec(Described):
    """A fact table: one row per event."""

    table: Table = Field(description="`table` or `database.table`.")
    time: Sql = Field(description="The column of the event's time: a DateTime, stored in UTC.")
    where: Sql | None = Field(None, description="Only these rows belong to the source.")
    entities: dict[Name, Sql] = Field(min_length=1, description="Who or what can be counted: name: column.")
    dimensions: dict[
        Name, Annotated[Dimension, BeforeValidator(_dimension, json_schema_input_type=str | Dimension)]
    ] = Field({}, description="Ways to slice.")
    columns: dict[str, str] = Field({}, description="Column: ClickHouse type. Lets `validate` find unknown columns.")
    lateness: Duration = Field(parse_duration("1d"), description="How many past days each run recomputes.")
    freshness: Duration | None = Field(None, description="A newest row older than this is reported by `doctor`.")
    checks: Checks = Checks()
