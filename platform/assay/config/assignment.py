"""`assignment` of an experiment: read from a column, or a hash split that needs no column."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from assay.config.base import FieldError, Name, Number, Share, Spec, Sql, Value

Range = tuple[float, float]

_SALT = r"^[A-Za-z0-9_.-]+$"
_PERCENTS = re.compile(r"(?:(\d+(?:\.\d+)?)\s*%?\s*\.\.\s*)?(\d+(?:\.\d+)?)\s*%")
_DIGITS = 6  # of a share: a millionth, as fine as the hash is


def parse_salt(value: Any) -> str:
    """Letters, digits and `_.-`: what stands apart from the unit in every hash; FieldError otherwise."""
    if not isinstance(value, str) or not re.fullmatch(_SALT, value):
        raise FieldError("a salt is made of letters, digits, '_', '.' and '-'", "new_feed-1")
    return value


def parse_traffic(value: Any) -> Range:
    """`20%` as the first fifth of the layer, (0.0, 0.2), `20%..40%` as the second one; FieldError otherwise."""
    found = _PERCENTS.fullmatch(value) if isinstance(value, str) else None
    ends = (float(found[1] or 0) / 100, float(found[2]) / 100) if found else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        ends = (0.0, float(value))
    if not isinstance(ends, tuple) or not 0 <= ends[0] < ends[1] <= 1:
        raise FieldError("traffic is a share of the layer, 20%, or a range of it, 20%..40%", "20%")
    return round(ends[0], _DIGITS), round(ends[1], _DIGITS)


def show_traffic(value: Range) -> str:
    """The inverse of `parse_traffic`."""
    start, end = (f"{round(100 * each, _DIGITS):g}%" for each in value)
    return f"{start}..{end}" if value[0] else end


Traffic = Annotated[
    Range,
    BeforeValidator(parse_traffic),
    PlainSerializer(show_traffic),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                   {"type": "string", "pattern": r"^([0-9.]+\s*%?\s*\.\.\s*)?[0-9.]+\s*%$"}]}
    ),
]  # fmt: skip
Salt = Annotated[str, BeforeValidator(parse_salt), WithJsonSchema({"type": "string", "pattern": _SALT})]


class ColumnAssignment(Spec):
    """Which variant a unit belongs to, read from a column. The first variant is the control."""

    source: Name
    column: Sql = Field(description="The column or SQL expression that holds the variant's value.")
    variants: dict[Name, Value] = Field(min_length=2, description="Variant: the value in the column.")
    weights: dict[Name, Number] = Field({}, description="Variant: its share of the traffic. Equal when left out.")

    def model_post_init(self, _context: Any) -> None:
        if self.weights and set(self.weights) != set(self.variants):
            raise FieldError("weights must name exactly the variants", self._equal_weights())
        if any(weight <= 0 for weight in self.weights.values()):
            raise FieldError("weights must be positive", self._equal_weights())

    def _equal_weights(self) -> str:
        return f"weights: {{{', '.join(f'{variant}: 1' for variant in self.variants)}}}"


class HashAssignment(Spec):
    """Which variant a unit belongs to, from a salted hash of it: `stats.assign`. The first variant is the control."""

    source: Name | None = Field(None, description="The source of the exposure, which it is when left out.")
    salt: Salt | None = Field(None, description="What makes this split differ from others: the experiment's name.")
    variants: dict[Name, Share] = Field(min_length=2, description="Variant: its weight.")
    traffic: Traffic = Field((0.0, 1.0), description="The share of the layer that takes part, or a range of it.")
    layer: Name | None = Field(None, description="Experiments of one layer share no units.")

    def model_post_init(self, _context: Any) -> None:
        total = sum(self.variants.values())
        if any(not weight > 10**-_DIGITS * total for weight in self.variants.values()):
            equal = ", ".join(f"{variant}: 50" for variant in self.variants)
            raise FieldError("weights must be positive, and more than a millionth", f"variants: {{{equal}}}")

    @property
    def weights(self) -> dict[str, float]:
        return self.variants


def _by_form(value: Any) -> Any:
    """The one of the two forms that the fields tell; pydantic's own choice would report the mistakes of both."""
    if isinstance(value, Spec):
        return value
    written = list(value) if isinstance(value, dict) else ["column"]
    reads, hashes = (next((name for name in written if name in own), None) for own in _OWN)
    if reads and hashes:
        raise FieldError(f"'{reads}' reads the variant and '{hashes}' hashes it: keep one of the two forms", _EXAMPLE)
    by_hash = hashes or set(written) <= {"variants"}
    return (HashAssignment if by_hash else ColumnAssignment).model_validate(value)


_OWN = (("column", "weights"), ("salt", "traffic", "layer"))
_EXAMPLE = "assignment: {salt: new_feed, variants: {control: 50, treatment: 50}, traffic: 20%}"
Assignment = Annotated[ColumnAssignment | HashAssignment, BeforeValidator(_by_form)]
