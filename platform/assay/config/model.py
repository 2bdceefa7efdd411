"""`models`: tables that our own SQL builds: facts, dimensions and rollups."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from assay.config.base import Described, Duration, FieldError
from assay.config.check import Checks

_COLUMN = r"^[A-Za-z_][A-Za-z0-9_]*$"
_ENGINE = r"^\w*MergeTree(\([\w\s,]*\))?$"
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`""")
_INNERMOST = re.compile(r"\([\w\s.,=-]*\)")
_NESTED = 20  # brackets inside each other


def parse_type(value: Any) -> str:
    """A ClickHouse type such as `Nullable(UInt16)`; FieldError for what could be more than a type.

    A word and what its brackets hold: `String DEFAULT …` and `String, more String` would say more than a type.
    """
    rest = _QUOTED.sub("0", value) if isinstance(value, str) else ""
    for _ in range(_NESTED):
        rest = _INNERMOST.sub("", rest)
    if not re.fullmatch(r"[A-Za-z]\w*", rest):
        raise FieldError("a type is written as ClickHouse shows it", "UInt32")
    return str(value)


Column = Annotated[str, Field(pattern=_COLUMN)]
Type = Annotated[str, BeforeValidator(parse_type)]


class ModelSpec(Described):
    """A table that one SELECT fills: whole, or by days."""

    sql: str | None = Field(None, min_length=1, description="A SELECT, as a Jinja template.")
    file: str | None = Field(None, min_length=1, description="A file with the SELECT, beside this one.")
    columns: dict[Column, Type] = Field(min_length=1, description="Column: ClickHouse type, as the table has them.")
    grain: tuple[Column, ...] = Field(min_length=1, description="Columns whose values together occur once.")
    day: Column | None = Field(
        None, description="The Date column, in local days, by which days are replaced; without it, the whole table is."
    )
    order: tuple[Column, ...] = Field((), description="How rows are sorted (default: the grain).")
    engine: Annotated[str, Field(pattern=_ENGINE)] = Field("MergeTree", description="A table engine of its family.")
    lateness: Duration | None = Field(
        None, description="How many past days each run rebuilds (default: the largest of what it reads)."
    )
    checks: Checks = Checks()

    def model_post_init(self, _context: Any) -> None:
        if (self.sql is None) == (self.file is None):
            raise FieldError("a model needs either 'sql' or 'file'", "file: model.sql.j2")

    @property
    def sorting(self) -> tuple[str, ...]:
        """The columns of ORDER BY."""
        return self.order or self.grain
