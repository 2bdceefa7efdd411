"""`metrics`: a typed aggregation over a source, or algebra over other metrics. One class per `type`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from assay.config.base import (
    Described,
    Duration,
    FieldError,
    Integer,
    MetricName,
    Name,
    Number,
    Sql,
    parse_duration,
    show_duration,
)
from assay.config.check import MetricChecks

Good = Literal["up", "down"]
Format = Literal["number", "percent", "seconds", "minutes"]


def _window(value: Any) -> Any:
    return value if value == "month_to_date" else parse_duration(value)


_Window = Annotated[
    timedelta | Literal["month_to_date"],
    BeforeValidator(_window),
    PlainSerializer(lambda value: value if isinstance(value, str) else show_duration(value)),
    WithJsonSchema({"type": "string", "pattern": r"^([0-9]+\s*[dw]|month_to_date)$"}),
]


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class _Metric(Described):
    good: Good | None = Field(None, description="The direction that is good news.")
    format: Format = Field("number", description="How people read the value.")
    tier: Integer | None = Field(None, ge=1, le=3, description="1 is watched daily.")
    checks: MetricChecks = MetricChecks()


class OverSource(_Metric):
    """What the types that aggregate events share."""

    source: Name = Field(description="The source whose rows are aggregated.")
    where: Sql | None = Field(None, description="A SQL condition on one row.")
    segments: tuple[Name, ...] = Field((), description="Only the rows of these segments of the source.")


class CountMetric(OverSource):
    """The number of events."""

    type: Literal["count"]


class SumMetric(OverSource):
    """The sum of a value over events."""

    type: Literal["sum"]
    value: Sql = Field(description="A numeric SQL expression on one row; NULL is skipped.")


class MeanMetric(OverSource):
    """The mean of a value over the events where it is not NULL."""

    type: Literal["mean"]
    value: Sql = Field(description="A numeric SQL expression on one row; NULL is skipped.")


class QuantileMetric(OverSource):
    """A quantile of a value over events, from a t-digest."""

    type: Literal["quantile"]
    value: Sql = Field(description="A numeric SQL expression on one row; NULL is skipped.")
    level: Number = Field(gt=0, lt=1, description="0.5 is the median.")


class UniqueMetric(OverSource):
    """Distinct entities, exactly."""

    type: Literal["unique"]
    of: Name = Field(description="The entity to count.")


class FunnelMetric(OverSource):
    """The share of entities with the first step on a day that go through all steps in time.

    Part `<name>.<step>` is the share that reaches a step.
    """

    type: Literal["funnel"]
    of: Name = Field(description="The entity that goes through the steps.")
    steps: dict[Name, Sql] = Field(min_length=2, description="Step: a SQL condition on one row, in order.")
    within: Duration = Field(parse_duration("1d"), description="The time from the first step to the last.")
    order: Literal["ordered", "strict"] = Field("ordered", description="strict: no other step may come between.")


class GapMetric(OverSource):
    """Seconds between consecutive events of one entity on one day; or from its first `first` to its first `then`."""

    type: Literal["gap"]
    of: Annotated[tuple[Name, ...], BeforeValidator(_names, json_schema_input_type=str | list[str])] = Field(
        min_length=1, description="The entity, or entities together, whose events are compared."
    )
    first: Sql | None = Field(None, description="A SQL condition: where the time begins.")
    then: Sql | None = Field(None, description="A SQL condition: where it ends.")
    level: Number | None = Field(None, gt=0, lt=1, description="A quantile instead of the mean: 0.5 is the median.")

    def model_post_init(self, _context: Any) -> None:
        if (self.first is None) != (self.then is None):
            raise FieldError(
                "'first' and 'then' go together", "{first: \"action = 'view'\", then: \"action = 'like'\"}"
            )


class RatioMetric(_Metric):
    """The sum of one metric over the sum of another; with `per`, the mean of each entity's own ratio."""

    type: Literal["ratio"]
    numerator: MetricName
    denominator: MetricName
    per: Name | None = Field(None, description="Mean over these entities, each with its own ratio of the day.")


class SetMetric(_Metric):
    """Entities in an algebra of sets: `a & b`, `a | b`, `a - b`, `offset(a, 7d)`."""

    type: Literal["set"]
    expr: str = Field(min_length=1)


class NewMetric(_Metric):
    """Entities of a unique or set metric that were never in it on an earlier day."""

    type: Literal["new"]
    metric: MetricName = Field(description="A metric of type unique or set.")


class RetentionMetric(_Metric):
    """The share of a cohort that is active again `day` days later."""

    type: Literal["retention"]
    cohort: MetricName = Field(description="The entities of a day, often a metric of type new.")
    returns: MetricName = Field(description="What counts as being back: a metric of type unique or set.")
    day: Integer = Field(ge=1, le=365)
    method: Literal["classic", "rolling"] = Field("classic", description="rolling: on `day` or later, up to `horizon`.")
    horizon: Duration | None = Field(None, description="How long a rolling return is waited for, in days.")
    at: Literal["cohort", "return"] = Field("cohort", description="The day that a value stands at.")


class LifecycleMetric(_Metric):
    """Who came, stayed, returned and left, by day, week or month; the metric itself is the active entities.

    Parts: new, retained, resurrected, churned, inactive, churn_rate and quick_ratio, as `<name>.<part>`.
    """

    type: Literal["lifecycle"]
    metric: MetricName = Field(description="A metric of type unique or set.")


class RollingMetric(_Metric):
    """A metric over the last days: each total and set behind it is merged over the window, which ends with the day."""

    type: Literal["rolling"]
    metric: MetricName
    window: _Window = Field(description="7d, 4w or month_to_date.")


class DerivedMetric(_Metric):
    """Arithmetic over series: `a / b`, `(a - b) / c`, with numbers and `offset(a, 7d)`."""

    type: Literal["derived"]
    expr: str = Field(min_length=1)


MetricSpec = Annotated[
    CountMetric
    | SumMetric
    | MeanMetric
    | QuantileMetric
    | UniqueMetric
    | FunnelMetric
    | GapMetric
    | RatioMetric
    | SetMetric
    | NewMetric
    | RetentionMetric
    | LifecycleMetric
    | RollingMetric
    | DerivedMetric,
    Field(discriminator="type"),
]
