"""`alerts`: metrics judged at regular intervals, with slices, a detector, confirmation and a route."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from assay.config.base import (
    Described,
    Duration,
    FieldError,
    Flag,
    MetricName,
    Name,
    Number,
    Severity,
    Share,
    Spec,
    parse_duration,
)


def parse_confirm(value: Any) -> tuple[int, int]:
    """`2/3` as (2, 3): two of the last three points."""
    parts = value.split("/") if isinstance(value, str) else []
    if len(parts) != 2 or not all(each.strip().isdigit() for each in parts):
        raise FieldError("confirm is written 2/3: two of the last three points", "2/3")
    needed, of = int(parts[0]), int(parts[1])
    if not 1 <= needed <= of <= 10:
        raise FieldError("n/m needs 1 <= n <= m <= 10", "2/3")
    return needed, of


Confirm = Annotated[
    tuple[int, int],
    BeforeValidator(parse_confirm),
    PlainSerializer(lambda pair: f"{pair[0]}/{pair[1]}"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\s*/\s*\d+$"}),
]


class DetectorSpec(Spec):
    """The detector's name; the other fields are its parameters, checked against its signature."""

    model_config = ConfigDict(extra="allow")
    type: Name = "mad"
    history: Duration = Field(parse_duration("30d"), description="How far back the same slot is compared.")
    season: Duration = Field(parse_duration("1d"), description="The distance between comparable slots.")

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class AlertSpec(Described):
    """When to wake somebody."""

    metrics: tuple[MetricName, ...] = Field(min_length=1)
    every: Duration = Field(parse_duration("15m"), description="How often the metrics are judged.")
    window: Duration | None = Field(None, description="The span that each judgement covers; `every` when left out.")
    by: tuple[Name, ...] = Field((), description="Judge each value of these dimensions too.")
    total: Flag = Field(True, description="Judge the total.")
    detector: DetectorSpec = DetectorSpec()
    direction: Literal["up", "down", "both"] = "both"
    min_volume: Number = Field(0, ge=0, description="Expected events below this are not judged.")
    min_change: Share = Field(0.0, ge=0, description="Smaller relative changes are not reported.")
    confirm: Confirm = Field(
        (1, 1), description="`2/3`: two of the last three points.", json_schema_extra={"default": "1/1"}
    )
    severity: Severity = "warning"
    explain: tuple[Name, ...] = Field((), description="Dimensions searched for the cause when it fires.")
    route: Name
