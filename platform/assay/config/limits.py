"""`limits` and `retention`: what one statement may cost, and how long our own records are kept."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from assay.config.base import Duration, FieldError, Integer, Spec, parse_duration

_SIZE = re.compile(r"^(\d+)\s*(MB|GB|TB)$")
_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


def _size(value: Any) -> Any:
    match = _SIZE.match(value) if isinstance(value, str) else None
    if match is None or not match[1].strip("0"):
        raise FieldError("an amount of memory is a whole number and a unit: 500MB, 8GB or 1TB", "8GB")
    return value


Size = Annotated[str, BeforeValidator(_size), Field(json_schema_extra={"pattern": _SIZE.pattern})]


class Limits(Spec):
    """What one statement may cost before ClickHouse stops it. What is left out has no limit of ours."""

    rows: Integer | None = Field(None, ge=1, description="Rows that one statement may read.")
    memory: Size | None = Field(None, description="Memory that one statement may take: 8GB.")
    seconds: Integer | None = Field(None, ge=1, description="Seconds that one statement may take.")

    @property
    def settings(self) -> dict[str, int]:
        """The settings of ClickHouse that hold them. What goes beyond raises an error, never half an answer."""
        found = {"max_rows_to_read": self.rows, "max_execution_time": self.seconds}
        if self.memory is not None:
            number, unit = self.memory[:-2], self.memory[-2:]
            found["max_memory_usage"] = int(number) * _BYTES[unit]
        return {name: value for name, value in found.items() if value is not None}


class Retention(Spec):
    """How long records are kept that nothing is computed from again. Results of experiments stay."""

    scores: Duration = Field(parse_duration("180d"), description="Scores of judged slots, by the slot.")
    checks: Duration = Field(parse_duration("180d"), description="Results of checks, by the moment of the run.")
    steps: Duration = Field(parse_duration("90d"), description="What runs did, step by step.")
