"""`alerts`: metrics judged at regular intervals, with slices, a detector, confirmation and a route."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from assay.config.base import (
    Described,
    Duration,
    FieldError,
    Flag,
    Integer,
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
    type: Name = "seasonal_level"
    history: Duration | None = Field(None, description="How far back it looks; each detector has its own default.")
    calibrate: Flag | None = Field(
        None, description="Score against the series' own past scores, once 28 days are known; seasonal detectors do."
    )

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class AlertSpec(Described):
    """When to wake somebody."""

    metrics: tuple[MetricName, ...] = Field(min_length=1)
    every: Duration = Field(parse_duration("15m"), description="How often the metrics are judged.")
    window: Duration | None = Field(None, description="The span that each judgement covers; `every` when left out.")
    delay: Duration | None = Field(None, description="Wait so long after a slot for rows that come late.")
    by: tuple[Name, ...] = Field((), description="Judge each value of these dimensions too.")
    total: Flag = Field(True, description="Judge the total; while it fires, its slices are told of as causes only.")
    top: Integer = Field(50, ge=1, description="So many values of each dimension are judged, the largest.")
    fdr: Share = Field(0.05, gt=0, lt=1, description="The share of a tick's deviating slices that may be wrong.")
    detector: DetectorSpec = DetectorSpec()
    agree: Name | None = Field(None, description="A second detector that must see it, too.")
    direction: Literal["up", "down", "both"] = "both"
    min_volume: Number = Field(0, ge=0, description="Expected events below this are not judged.")
    min_change: Share = Field(0.0, ge=0, description="Smaller relative changes are not reported.")
    confirm: Confirm | None = Field(
        None, description="`2/3`: two of the last three points; when left out, 1/1 for totals and 2/2 for slices."
    )
    instant: Number | None = Field(None, gt=0, description="So many standard deviations need no confirmation.")
    resolve: Integer = Field(3, ge=1, description="So many calm slots in a row end an episode.")
    no_data: Integer = Field(2, ge=0, description="So many missing slots in a row are told of; 0 for never.")
    severity: Severity = "warning"
    critical: Share | None = Field(None, gt=0, description="From a change of this size on, it is critical.")
    budget: Number | None = Field(None, gt=0, description="Messages a week that it may cost, for `alert backtest`.")
    inhibited_by: tuple[Name, ...] = Field((), description="Alerts that speak for this one while they fire.")
    labels: dict[Name, str] = Field({}, description="More labels for routes and silences.")
    explain: tuple[Name, ...] = Field((), description="Dimensions searched for the cause when it fires.")
    dashboard: str | None = Field(None, description="Where to look; {slot} is the beginning of the slot.")
    runbook: str | None = Field(None, description="What to do: an address or a path.")
    route: Name
